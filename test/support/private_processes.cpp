#include "support/private_processes.hpp"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

namespace pgtraffic::test {

PrivateProcesses::PrivateProcesses() : before_{::open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC)} {
    available_ = before_ >= 0 && ::unshare(CLONE_NEWPID) == 0;
}

PrivateProcesses::~PrivateProcesses() {
    if (available_) ::setns(before_, CLONE_NEWPID);
    if (before_ >= 0) ::close(before_);
}

}  // namespace pgtraffic::test
