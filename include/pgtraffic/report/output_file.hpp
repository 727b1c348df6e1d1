// A file that appears whole or not at all. It is opened before the load starts, so a target that cannot be
// written is known when it costs nothing, and has no name until it is whole, so that nothing is left behind
// however the program ends; where that cannot be had it is a temporary sibling. Devices, pipes and standard
// output are written directly: nothing can be renamed over them.
#pragma once

#include <string>
#include <string_view>

namespace pgtraffic::report {

inline constexpr unsigned kNewFileMode = 0666;  ///< of what we create, less the umask

/// The descriptor of our own stdout or stderr where `path` is that by another name (/dev/stdout > file, say),
/// else -1: opening it anew or renaming over it would lose what is printed there.
[[nodiscard]] int standard_stream(const std::string& path) noexcept;

/// Owns a descriptor and, where there is one, the temporary sibling until commit(); neither copies nor moves.
class OutputFile {
 public:
    /// Opens for `path`; "-" is standard output. `option` is what the user typed ("--json"), for messages.
    /// Links are followed and stay; an existing file keeps its permissions, a new one has the user's umask.
    /// A named pipe without a reader waits for one. Throws base::Error naming option, path and cure.
    OutputFile(std::string option, std::string path);
    OutputFile(const OutputFile&) = delete;
    OutputFile& operator=(const OutputFile&) = delete;
    ~OutputFile();  ///< removes the temporary sibling unless it was committed

    /// Appends, waiting for a slow reader of a pipe. Throws base::Error (disk full), though the load has
    /// ended by then: what a user asked to be written and was not must end the program with a message.
    /// Whoever closes the reading end of stdout, as `head` does, has what was wanted.
    void write(std::string_view text);

    /// Makes the file durable and gives it its name. Throws as write(). At most once; no write() after it.
    void commit();

 private:
    void open_directly();
    void open_unnamed(unsigned permissions);
    void open_sibling(unsigned permissions);
    void give_name();
    void copy_to_sibling();
    [[nodiscard]] std::string sibling() const;
    [[noreturn]] void fail(int error, std::string_view cure) const;

    std::string option_;
    std::string path_;       // as the user wrote it
    std::string target_;     // with links resolved; empty when written directly
    std::string temporary_;  // the sibling's name; empty without one
    int fd_ = -1;
    bool owns_fd_ = true;
};

}  // namespace pgtraffic::report
