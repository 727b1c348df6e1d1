// The lock is taken before the mark is written, so whoever finds a whole mark without a lock may sweep.
// Whose mark it is says the owner of the lock file, who alone could make it: the directory itself belongs to
// the server's user.
#include "pgtraffic/postgres/marked_directory.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "pgtraffic/base/error.hpp"
#include "pgtraffic/base/nap.hpp"
#include "pgtraffic/base/signal_mask.hpp"
#include "pgtraffic/base/time.hpp"
#include "pgtraffic/base/units.hpp"

namespace pgtraffic::postgres {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "pgtraffic-";
constexpr std::string_view kLockName = "/pgtraffic.lock";
constexpr std::string_view kMark = "a temporary directory of pgtraffic; owned by process ";

/// Whether the process is a postmaster of that data directory: pids are used again.
bool is_postmaster_of(pid_t pid, const std::string& data) {
    std::ifstream file{fmt::format("/proc/{}/cmdline", pid), std::ios::binary};
    std::string line;
    std::getline(file, line);
    return line.find(fmt::format("{0}{1}{0}", '\0', data)) != std::string::npos;
}

/// A server gets SIGQUIT when its owner dies, so what is met here is in its last moments, or stuck. False
/// where somebody who waits for it was told to end: a later start sees to it.
bool end_postmaster_of(const std::string& data) {
    std::ifstream file{data + "/postmaster.pid"};
    std::string line;
    if (!std::getline(file, line)) return true;
    const auto number = base::parse_count(line);
    if (!number || *number < 2 || *number > 1U << 30) return true;
    const auto pid = static_cast<pid_t>(*number);
    for (const int signal : {SIGQUIT, SIGKILL}) {
        if (!is_postmaster_of(pid, data)) return true;
        kill(pid, signal);
        const base::Mono until = base::mono_now() + kQuitLimit;
        while (base::mono_now() < until && is_postmaster_of(pid, data)) {
            if (base::held_back_signal() != 0) return false;
            base::nap(std::chrono::milliseconds{5});
        }
    }
    return true;
}

/// Removes links, never what they name. The mark goes last, so that a kill in here, or what somebody still
/// writes to, leaves a marked directory.
void remove_tree(const std::string& path) noexcept try {
    std::error_code ignored;
    bool emptied = true;
    for (const auto& entry : fs::directory_iterator{path, ignored}) {
        if (entry.path().filename() == kLockName.substr(1)) continue;
        std::error_code failed;
        fs::remove_all(entry.path(), failed);
        emptied = emptied && !failed;
    }
    if (emptied) fs::remove_all(path, ignored);
} catch (const std::exception&) {
    // What cannot be listed now is swept by a later start.
}

/// The inode of a directory; 0 where there is none, or a link.
ino_t inode_of(const std::string& path) noexcept {
    struct stat info {};
    return lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode) ? info.st_ino : 0;
}

/// The lock on a directory of ours that nobody owns; -1 for every other directory.
int lock_of_orphan(const std::string& path) {
    if (inode_of(path) == 0) return -1;
    struct stat info {};
    const int lock =
        open((path + std::string{kLockName}).c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (lock < 0) return -1;
    std::array<char, kMark.size()> text{};
    const bool orphan = fstat(lock, &info) == 0 && S_ISREG(info.st_mode) && info.st_uid == geteuid() &&
                        flock(lock, LOCK_EX | LOCK_NB) == 0 &&
                        read(lock, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                        std::string_view{text.data(), text.size()} == kMark;
    if (orphan) return lock;
    close(lock);
    return -1;
}

}  // namespace

MarkedDirectory::MarkedDirectory(const std::string& base, const std::optional<SystemUser>& user)
    : owner_{getpid()} {
    const auto fail = [&base, this](std::string_view what) {
        const int reason = errno;
        if (lock_ >= 0) close(lock_);
        if (!path_.empty()) remove_tree(path_);
        throw base::Error(
            fmt::format("cannot {} a temporary directory in {}: {}", what, base, std::strerror(reason)));
    };
    std::string name = fmt::format("{}/{}XXXXXX", base, kPrefix);
    if (mkdtemp(name.data()) == nullptr) fail("make");
    path_ = name;
    inode_ = inode_of(path_);
    lock_ = open((path_ + std::string{kLockName}).c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                 0600);
    if (lock_ < 0 || flock(lock_, LOCK_EX) != 0) fail("lock");
    const std::string mark = fmt::format("{}{}\n", kMark, owner_);
    if (write(lock_, mark.data(), mark.size()) != static_cast<ssize_t>(mark.size())) fail("mark");
    if (user && chown(path_.c_str(), user->uid, user->gid) != 0) fail("give away");
}

MarkedDirectory::~MarkedDirectory() {
    // Who owns it could put a link in its place, and this program may be root's.
    const bool ours = getpid() == owner_ && inode_of(path_) == inode_;
    if (ours) remove_tree(path_);
    close(lock_);
    if (ours) rmdir(path_.c_str());  // NFS keeps a file that is open, under another name, until now
}

void sweep_marked_directories(const std::vector<std::string>& bases) {
    for (const auto& base : bases) {
        std::error_code ignored;
        for (const auto& entry : fs::directory_iterator{base, ignored}) {
            const std::string path = entry.path().string();
            if (!entry.path().filename().string().starts_with(kPrefix)) continue;
            const int lock = lock_of_orphan(path);
            if (lock < 0) continue;
            const bool ended = end_postmaster_of(path + "/data");
            if (ended) remove_tree(path);
            close(lock);
            if (!ended) return;
            rmdir(path.c_str());
        }
    }
}

}  // namespace pgtraffic::postgres
