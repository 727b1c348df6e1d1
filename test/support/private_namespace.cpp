#include "support/private_namespace.hpp"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

namespace pgtraffic::test {

PrivateNamespace::PrivateNamespace(Of kind)
    : kind_{kind == Of::network ? CLONE_NEWNET : CLONE_NEWPID},
      before_{::open(kind == Of::network ? "/proc/self/ns/net" : "/proc/self/ns/pid", O_RDONLY | O_CLOEXEC)},
      entered_{before_ >= 0 && ::unshare(kind_) == 0} {}

PrivateNamespace::~PrivateNamespace() {
    if (entered_) ::setns(before_, kind_);
    if (before_ >= 0) ::close(before_);
}

}  // namespace pgtraffic::test
