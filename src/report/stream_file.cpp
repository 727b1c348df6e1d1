#include "pgtraffic/report/stream_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "pgtraffic/base/check.hpp"
#include "pgtraffic/base/error.hpp"
#include "pgtraffic/base/write_all.hpp"
#include "pgtraffic/report/layout.hpp"
#include "pgtraffic/report/links.hpp"
#include "pgtraffic/report/output_file.hpp"

namespace pgtraffic::report {
namespace {

constexpr std::size_t kMostPending = std::size_t{1} << 20;
constexpr base::Nanos kPatience = std::chrono::seconds{5};  // at the end, for each step of a slow reader

}  // namespace

StreamFile::StreamFile(std::string option, std::string path)
    : option_{std::move(option)}, path_{std::move(path)} {
    if (path_.empty())
        throw base::Error(complaint(std::strerror(ENOENT)) + "; give a file name, or - for standard output");
    if (path_ == "-") {
        fd_ = STDOUT_FILENO;
        owns_fd_ = false;
        if (::fcntl(fd_, F_GETFD) < 0)
            throw base::Error(complaint(std::strerror(errno)) +
                              "; give a file name, or open standard output");
        return;
    }
    fd_ = standard_stream(path_);
    if (fd_ >= 0) {
        owns_fd_ = false;
    } else {
        open_or_create();
    }
}

StreamFile::~StreamFile() {
    if (fd_ >= 0 && owns_fd_) ::close(fd_);
    if (created_ && !started_) ::unlink(path_.c_str());
}

void StreamFile::open_or_create() {
    // Without O_TRUNC: a run that cannot start leaves the last one's file alone.
    constexpr int kHow = O_WRONLY | O_CLOEXEC | O_NOCTTY;
    fd_ = ::open(path_.c_str(), kHow | O_CREAT | O_EXCL, kNewFileMode);
    created_ = fd_ >= 0;
    if (fd_ < 0 && errno == EEXIST) {
        const auto followed = follow_links(path_);
        if (followed.foreign) {
            throw base::Error(
                complaint(std::strerror(EACCES)) +
                "; it is a link that another user made in a folder open to all: name another file");
        }
        fd_ = ::open(followed.path.c_str(), kHow | O_NOFOLLOW);
        // A link of the kernel's (/dev/fd/3) may lead to what has no path.
        if (fd_ < 0 && errno == ENOENT && path_.starts_with("/dev/")) fd_ = ::open(path_.c_str(), kHow);
    }
    // Two that write one file write over one another. A pipe or a device may have several writers.
    struct stat status {};
    const bool regular = fd_ >= 0 && ::fstat(fd_, &status) == 0 && S_ISREG(status.st_mode);
    if (regular && ::flock(fd_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        ::close(std::exchange(fd_, -1));
        throw base::Error(complaint("another run writes it") + "; name another file");
    }
    if (fd_ < 0) {
        throw base::Error(complaint(std::strerror(errno)) +
                          "; its folder must exist and the file be writable, or name another file");
    }
}

void StreamFile::start() noexcept {
    struct stat status {};
    const bool regular = owns_fd_ && ::fstat(fd_, &status) == 0 && S_ISREG(status.st_mode);
    if (!std::exchange(started_, true) && regular && ::ftruncate(fd_, 0) != 0) give_up(std::strerror(errno));
}

void StreamFile::write(std::string_view line) noexcept {
    PGTRAFFIC_CHECK(fd_ >= 0, "a stream is written before it is finished");
    start();
    if (!trouble_.empty()) return;
    pending_ += line;
    push(base::Nanos{0});
    if (pending_.size() <= kMostPending) return;
    const auto begun = pending_.find('\n') + 1;  // its beginning may be out: readers want whole lines
    pending_.resize(begun);
    trouble_ = complaint("its reader takes too little of it");
}

void StreamFile::push(base::Nanos patience) noexcept {
    std::string_view rest{pending_};
    const int error = base::write_ready(fd_, rest, patience);
    pending_.erase(0, pending_.size() - rest.size());
    if (error != 0 && error != EAGAIN && error != EINTR) give_up(std::strerror(error));
}

std::string StreamFile::finish() noexcept {
    PGTRAFFIC_CHECK(fd_ >= 0, "a stream is finished once");
    start();
    push(kPatience);
    if (!pending_.empty()) give_up("its reader takes too little of it");
    const int fd = std::exchange(fd_, -1);
    if (owns_fd_ && ::close(fd) != 0) give_up(std::strerror(errno));
    return trouble_;
}

void StreamFile::give_up(std::string_view why) noexcept {
    pending_.clear();
    if (trouble_.empty()) trouble_ = complaint(why);
}

std::string StreamFile::complaint(std::string_view why) const {
    return fmt::format("{}: cannot write \"{}\": {}", option_, printable(path_), why);
}

}  // namespace pgtraffic::report
