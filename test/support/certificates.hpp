// Certificates for a test, made by the openssl command: an authority, and what it signs.
#pragma once

#include <string>

#include "support/folder.hpp"

namespace pgtraffic::test {

/// A folder of keys and certificates that vanishes with its owner. Neither copies nor moves.
class Authority {
 public:
    /// A new authority, "ca.crt" and "ca.key".
    Authority();

    /// Makes "<name>.crt" and "<name>.key" for the common name; `host`, where given, is the one DNS name in
    /// it.
    void sign(const std::string& name, const std::string& common_name, const std::string& host = "") const;

    [[nodiscard]] std::string path(const std::string& file) const { return folder_ / file; }
    [[nodiscard]] std::string text(const std::string& file) const;

 private:
    Folder folder_;
};

}  // namespace pgtraffic::test
