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
#include "pgtraffic/base/write_all.hpp"
#include "pgtraffic/report/layout.hpp"
#include "pgtraffic/report/links.hpp"

namespace pgtraffic::report {
namespace {

constexpr std::string_view kMakeRoom = "make room or name another file, and run again";
constexpr unsigned kOurs = 0600;
constexpr uid_t kUnchanged = ~uid_t{0};

/// Who could read the old file can read the new one, and nobody else: owner, group and permissions are the
/// old one's, as far as that is allowed. Where the group is not, it gets none.
void take_over(int fd, const struct stat& old) noexcept {
    if (::fchown(fd, old.st_uid, old.st_gid) != 0)
        static_cast<void>(::fchown(fd, kUnchanged, old.st_gid) != 0);
    struct stat now {};
    const bool other_group = ::fstat(fd, &now) != 0 || now.st_gid != old.st_gid;
    // Where it is refused the narrower file does no harm.
    static_cast<void>(::fchmod(fd, old.st_mode & (other_group ? 0707U : 0777U)));
}

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
        open_unnamed(kNewFileMode);
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
    open_unnamed(kOurs);
    take_over(fd_, existing);
}

OutputFile::~OutputFile() {
    if (fd_ >= 0 && owns_fd_) ::close(fd_);
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void OutputFile::open_directly() {
    fd_ = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (fd_ < 0) fail(errno, "name another file");
}

void OutputFile::open_unnamed(unsigned permissions) {
    fd_ = ::open(folder_of(target_).c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, permissions);
    // Whatever is against it (a file system or a kernel that has none), a name may do, or say why not.
    if (fd_ < 0) open_sibling(permissions);
}

/// A name that is no longer than its folder allows, whatever the target's.
std::string OutputFile::sibling() const {
    return fmt::format("{}/pgtraffic-{:016x}.tmp", folder_of(target_), base::entropy());
}

void OutputFile::open_sibling(unsigned permissions) {
    const std::string name = sibling();
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
    const int error = base::write_all(fd_, text);
    // A reader that has seen enough is no error, as with the report itself.
    if (error != 0 && !(error == EPIPE && !owns_fd_)) fail(error, kMakeRoom);
}

void OutputFile::give_name() {
    const std::string unnamed = fmt::format("/proc/self/fd/{}", fd_);
    const std::string name = sibling();
    if (::linkat(AT_FDCWD, unnamed.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) != 0) {
        copy_to_sibling();  // without /proc, or under a rule against links
    } else {
        temporary_ = name;
    }
}

void OutputFile::copy_to_sibling() {
    struct stat status {};
    if (::fstat(fd_, &status) != 0) fail(errno, kMakeRoom);
    std::string text(static_cast<std::size_t>(status.st_size), '\0');
    if (::pread(fd_, text.data(), text.size(), 0) != status.st_size) fail(EIO, kMakeRoom);
    ::close(std::exchange(fd_, -1));
    open_sibling(kOurs);
    take_over(fd_, status);
    write(text);
    if (::fsync(fd_) != 0) fail(errno, kMakeRoom);
}

void OutputFile::commit() {
    PGTRAFFIC_CHECK(fd_ >= 0, "an output file is committed once");
    if (target_.empty()) {
        const int fd = std::exchange(fd_, -1);
        if (owns_fd_ && ::close(fd) != 0) fail(errno, "name another file, and run again");
        return;
    }
    if (::fsync(fd_) != 0) fail(errno, kMakeRoom);
    // Only now, for the blink until the next name is its own: nothing can be left behind before.
    if (temporary_.empty()) give_name();
    if (::close(std::exchange(fd_, -1)) != 0) fail(errno, kMakeRoom);
    if (::rename(temporary_.c_str(), target_.c_str()) != 0) fail(errno, kMakeRoom);
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
