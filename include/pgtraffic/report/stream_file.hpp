// A file that is written while the run lasts, line by line. It is not whole-or-nothing: whoever reads it
// wants to see each line as it comes. It is opened before the load, and written without ever waiting for a
// reader, because the loop that would wait is the one that makes the load.
#pragma once

#include <string>
#include <string_view>

#include "pgtraffic/base/time.hpp"

namespace pgtraffic::report {

/// Owns a descriptor; neither copies nor moves.
class StreamFile {
 public:
    /// Opens for `path`; "-" is standard output. `option` is what the user typed ("--stream"), for messages.
    /// What an existing file holds stays until the first line; a new file is removed again where none is
    /// ever written and finish() is not reached, unless a signal ends the program. A named pipe without a
    /// reader waits for one. Throws base::Error naming option, path and cure.
    StreamFile(std::string option, std::string path);
    StreamFile(const StreamFile&) = delete;
    StreamFile& operator=(const StreamFile&) = delete;
    ~StreamFile();

    /// Writes what the reader takes now of `line`, which ends with a newline, and keeps the rest. A write
    /// that fails, or a reader that leaves more than 1 MB waiting, ends the stream: later lines are dropped.
    void write(std::string_view line) noexcept;

    /// Writes what is left, waiting a few seconds for a slow reader, and closes. Returns what ended the
    /// stream early, naming option and path; empty when all of it was written. At most once; no write() after
    /// it.
    [[nodiscard]] std::string finish() noexcept;

 private:
    void open_or_create();
    void start() noexcept;
    void push(base::Nanos patience) noexcept;
    void give_up(std::string_view why) noexcept;
    [[nodiscard]] std::string complaint(std::string_view why) const;

    std::string option_;
    std::string path_;
    std::string pending_;
    std::string trouble_;
    int fd_ = -1;
    bool owns_fd_ = true;
    bool created_ = false;
    bool started_ = false;
};

}  // namespace pgtraffic::report
