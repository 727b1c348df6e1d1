#include "pgtraffic/report/output_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "pgtraffic/base/check.hpp"
#include "pgtraffic/base/error.hpp"
#include "pgtraffic/base/random.hpp"
#include "pgtraffic/report/layout.hpp"
#include "pgtraffic/report/links.hpp"

namespace pgtraffic::report {
namespace {

constexpr unsigned kNewFile = 0666;  // less the umask

}  // namespace

int standard_stream(const std::string& path) noexcept {
    struct stat target {};
    if (::stat(path.c_str(), &target) != 0) return -1;
    for (const int fd : {STDOUT_FILENO, STDERR_FILENO}) {
        struct stat stream {};
        if (::fstat(fd, &stream) == 0 && stream.st_dev == target.st_dev && stream.st_ino == target.st_ino)
            return fd;
    }
    return -1;
}

OutputFile::OutputFile(std::string option, std::string path)
    : option_{std::move(option)}, path_{std::move(path)} {
    if (path_ == "-") {
        fd_ = STDOUT_FILENO;
        owns_fd_ = false;
        if (::fcntl(fd_, F_GETFD) < 0) fail(errno, "give a file name, or open standard output");
        return;
    }
    if (path_.empty()) fail(ENOENT, "give a file name, or - for standard output");

    const auto followed = follow_links(path_);
    if (followed.foreign) {
        fail(EACCES, "it is a link that another user made in a folder open to all: name another file");
    }
    struct stat existing {};
    if (::stat(path_.c_str(), &existing) != 0) {
        if (errno != ENOENT) fail(errno, "give a path whose folders exist and can be read");
        struct stat link {};
        if (::lstat(path_.c_str(), &link) == 0)
            fail(ENOENT, "it is a link to nothing: create its target or remove it");
        target_ = path_;
        open_sibling(kNewFile);
        return;
    }
    if (S_ISDIR(existing.st_mode)) fail(EISDIR, "name a file in it");
    fd_ = standard_stream(path_);
    if (fd_ >= 0) {
        owns_fd_ = false;
        return;
    }
    if (!S_ISREG(existing.st_mode)) {
        open_directly();
        return;
    }
    if (::faccessat(AT_FDCWD, path_.c_str(), W_OK, AT_EACCESS) != 0)
        fail(errno, "make the file writable or name another one");
    if (followed.error != 0) fail(followed.error, "name another file");
    target_ = followed.path;
    open_sibling(existing.st_mode & 0777U);
    // Widens again what the umask took; where that is refused the narrower file does no harm.
    static_cast<void>(::fchmod(fd_, existing.st_mode & 0777U));
}

OutputFile::~OutputFile() {
    if (fd_ >= 0 && owns_fd_) ::close(fd_);
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void OutputFile::open_directly() {
    fd_ = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (fd_ < 0) fail(errno, "name another file");
}

void OutputFile::open_sibling(unsigned permissions) {
    const std::string name = fmt::format("{}.{:016x}.tmp", target_, base::entropy());
    fd_ = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, permissions);
    if (fd_ < 0) {
        fail(errno, fmt::format("the folder \"{}\" must exist and be writable, or name another file",
                                folder_of(target_)));
    }
    temporary_ = name;
}

void OutputFile::write(std::string_view text) {
    PGTRAFFIC_CHECK(fd_ >= 0, "an output file is written before it is committed");
    // What was printed before must stand before.
    if (!owns_fd_) std::fflush(fd_ == STDOUT_FILENO ? stdout : stderr);
    while (!text.empty()) {
        const ssize_t written = ::write(fd_, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) fail(errno, "make room or name another file, and run again");
        text.remove_prefix(static_cast<std::size_t>(written));
    }
}

void OutputFile::commit() {
    PGTRAFFIC_CHECK(fd_ >= 0, "an output file is committed once");
    if (temporary_.empty()) {
        const int fd = std::exchange(fd_, -1);
        if (owns_fd_ && ::close(fd) != 0) fail(errno, "name another file, and run again");
        return;
    }
    constexpr std::string_view kCure = "make room or name another file, and run again";
    if (::fsync(fd_) != 0) fail(errno, kCure);
    if (::close(std::exchange(fd_, -1)) != 0) fail(errno, kCure);
    if (::rename(temporary_.c_str(), target_.c_str()) != 0) fail(errno, kCure);
    temporary_.clear();
    // The name lives in the folder; a folder that cannot be synced (some network file systems) has it anyway.
    const int folder = ::open(folder_of(target_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder >= 0) {
        ::fsync(folder);
        ::close(folder);
    }
}

void OutputFile::fail(int error, std::string_view cure) const {
    throw base::Error(fmt::format("{}: cannot write \"{}\": {}; {}", option_, printable(path_),
                                  std::strerror(error), cure));
}

}  // namespace pgtraffic::report
