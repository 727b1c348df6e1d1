// How much a server has said through libpq, and how much memory that takes, so that an answer or a greeting
// without end is given up before it has filled the machine: libpq keeps every row until the answer is whole,
// makes room for as much as a message announces, and tells nobody. The queries of the load have a reader of
// their own, which keeps nothing.
#pragma once

#include <cstdint>

#include "pgtraffic/base/descriptor.hpp"

namespace pgtraffic::postgres {

/// Bytes on the wire, of what is asked before and after the load.
inline constexpr std::uint64_t kLargestAnswer = std::uint64_t{64} << 20U;
/// Bytes of memory; the representation is wider than the wire's.
inline constexpr std::uint64_t kLargestAnswerMemory = std::uint64_t{128} << 20U;
/// Of all that a server says until a connection is made.
inline constexpr std::uint64_t kLargestGreeting = std::uint64_t{1} << 20U;
inline constexpr const char* kAnswerTooLargeText =
    "the answer is too large (more than 64 MiB, or 128 MiB of memory) and was not read to its end: ask for "
    "fewer rows (LIMIT)";

/// The growth of this process's address space between two looks. Neither copies nor moves.
class MemoryWatch {
 public:
    MemoryWatch() noexcept;

    /// Bytes since the last call; 0 where it shrank, or where the system does not tell.
    std::uint64_t growth() noexcept;

 private:
    base::Descriptor file_;
    std::uint64_t last_ = 0;
};

/// A value. On TCP the kernel's own count; on a Unix socket, where there is none, a lower bound (a piece that
/// came while another was being read is missing), which is exact where the reader is the faster one.
class AnswerSize {
 public:
    void restart() noexcept { *this = {}; }

    /// Called around each read; the first of an answer is free of charge.
    void before_read(int socket) noexcept {
        if (reads_++ != 0) [[unlikely]]
            look(socket);
    }
    void after_read(int socket) noexcept {
        if (available_ != 0) [[unlikely]]
            add(socket);
    }
    /// After a read that did not end the answer.
    void more_to_come(MemoryWatch& memory) noexcept { memory_ += memory.growth(); }

    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
    [[nodiscard]] bool too_large() const noexcept {
        return bytes_ > kLargestAnswer || memory_ > kLargestAnswerMemory;
    }

 private:
    void look(int socket) noexcept;
    void add(int socket) noexcept;

    std::uint64_t reads_ = 0;
    std::uint64_t received_at_first_ = 0;  // the kernel's count
    std::uint64_t available_ = 0;          // before the read, on a Unix socket
    std::uint64_t bytes_ = 0;
    std::uint64_t memory_ = 0;
};

}  // namespace pgtraffic::postgres
