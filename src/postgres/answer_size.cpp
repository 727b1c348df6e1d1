#include "pgtraffic/postgres/answer_size.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "pgtraffic/postgres/tcp_counters.hpp"

namespace pgtraffic::postgres {
namespace {

/// libpq makes room for at least so much before it reads.
constexpr std::uint64_t kSmallestRoom = 8192;

std::uint64_t available(int socket) noexcept {
    int n = 0;
    return ioctl(socket, FIONREAD, &n) == 0 && n > 0 ? static_cast<std::uint64_t>(n) : 0;
}

/// Pages of address space: the first number of /proc/self/statm.
std::uint64_t pages(int file) noexcept {
    std::array<char, 64> text;
    const ssize_t n = pread(file, text.data(), text.size(), 0);
    std::uint64_t number = 0;
    if (n > 0) std::from_chars(text.data(), text.data() + n, number);
    return number;
}

}  // namespace

MemoryWatch::MemoryWatch() noexcept : file_{open("/proc/self/statm", O_RDONLY | O_CLOEXEC)} {
    (void)growth();
}

std::uint64_t MemoryWatch::growth() noexcept {
    if (file_.raw() < 0) return 0;
    static const auto kPage = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
    const std::uint64_t now = pages(file_.raw()) * kPage;
    const std::uint64_t grown = now > last_ ? now - last_ : 0;
    last_ = now;
    return grown;
}

void AnswerSize::look(int socket) noexcept {
    if (const auto counters = tcp_counters(socket)) {
        const std::uint64_t received = counters->bytes_received;
        // Fewer than before: while connecting, libpq went on to another socket.
        if (received_at_first_ == 0 || received < received_at_first_) received_at_first_ = received;
        bytes_ = received - received_at_first_;
    } else {
        available_ = available(socket);
    }
}

void AnswerSize::add(int socket) noexcept {
    const std::uint64_t left = available(socket);
    const std::uint64_t at_least = std::min(available_, kSmallestRoom);
    bytes_ += std::max(available_ > left ? available_ - left : 0, at_least);
    available_ = 0;
}

}  // namespace pgtraffic::postgres
