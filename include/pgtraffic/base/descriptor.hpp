// Ownership of a descriptor.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "pgtraffic/base/error.hpp"

namespace pgtraffic::base {

/// Closes what it was given. Neither copies nor moves.
class Descriptor {
 public:
    /// Takes what the system returned; what is negative is none.
    explicit Descriptor(int returned) noexcept : raw_{returned} {}
    /// The same. Throws base::Error("<what>: <the system's reason>") where that is
    /// negative.
    Descriptor(int returned, const char* what) : raw_{returned} {
        if (raw_ < 0) throw Error(std::string(what) + ": " + std::strerror(errno));
    }
    ~Descriptor() {
        if (raw_ >= 0) ::close(raw_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;

    [[nodiscard]] int raw() const noexcept { return raw_; }

 private:
    int raw_;
};

}  // namespace pgtraffic::base
