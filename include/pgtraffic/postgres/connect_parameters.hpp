// Conninfo settings as the arrays that libpq takes.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "pgtraffic/postgres/conninfo.hpp"

namespace pgtraffic::postgres {

/// Made once for many connections. Owns what its arrays point to, and so does not copy.
class ConnectParameters {
 public:
    explicit ConnectParameters(const Conninfo& conninfo);
    ConnectParameters(const ConnectParameters&) = delete;
    ConnectParameters& operator=(const ConnectParameters&) = delete;

    // With a null pointer at their end, and good as long as this lives.
    [[nodiscard]] const char* const* keywords() const noexcept { return keywords_.data(); }
    [[nodiscard]] const char* const* values() const noexcept { return values_.data(); }

    /// For libpq's "expand_dbname": a database's name is never read as settings, which could redirect us.
    static constexpr int kExpandDatabaseName = 0;

 private:
    std::vector<std::pair<std::string, std::string>> settings_;
    std::vector<const char*> keywords_;
    std::vector<const char*> values_;
};

}  // namespace pgtraffic::postgres
