// A private directory that vanishes with its owner, and the broom for those whose owner was killed. The mark
// is a file that the owner keeps locked: a mark without a lock is a directory without an owner.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "pgtraffic/postgres/child_process.hpp"

namespace pgtraffic::postgres {

/// How long a server may take to end by SIGQUIT. It kills a child of its own that waits for a disk after five
/// seconds, and only then gives shared memory back: who kills it sooner leaves that behind.
inline constexpr std::chrono::seconds kQuitLimit{15};

/// Neither copies nor moves. Mode 0700.
class MarkedDirectory {
 public:
    /// Makes "<base>/pgtraffic-XXXXXX", owned by `user` (none: by us). Throws base::Error.
    MarkedDirectory(const std::string& base, const std::optional<SystemUser>& user);
    /// Removes it with all that is in it, following no link, nor what took its place; does nothing in a
    /// forked process.
    ~MarkedDirectory();
    MarkedDirectory(const MarkedDirectory&) = delete;
    MarkedDirectory& operator=(const MarkedDirectory&) = delete;

    [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
    pid_t owner_;
    std::string path_;
    ino_t inode_ = 0;
    int lock_ = -1;
};

/// Removes, directly below `bases`, every directory with our mark (made by this user) whose owner is gone,
/// after ending a postmaster that still runs on it. Leaves alone what it cannot remove, and the rest to a
/// later start where an ending signal is held back (base::SignalMask).
void sweep_marked_directories(const std::vector<std::string>& bases);

}  // namespace pgtraffic::postgres
