// The order book of a drinks maker that every built-in workload runs on: what `pgtraffic init` creates and
// `pgtraffic cleanup` drops. Runs before a load, on a blocking connection.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "pgtraffic/postgres/client.hpp"

namespace pgtraffic::brickhouse {

struct InitOptions {
    double scale = 1;        ///< multiplies orders and stores; > 0, at most 1000
    std::uint64_t seed = 1;  ///< the same seed gives the same rows, dates apart
    bool reset = false;      ///< drop tables of these names first, whoever made them
    /// Told the tables that reset is about to drop and that we did not mark; stops it by throwing.
    std::function<void(const std::vector<std::string>&)> before_foreign = {};
    /// Called when all is done but the COMMIT: up to then an init that ends leaves nothing.
    std::function<void()> before_commit = {};
};

/// `rows` of `total` filled so far, of all tables together.
using Progress = std::function<void(const std::string& table, std::uint64_t rows, std::uint64_t total)>;

struct InitSummary {
    std::vector<std::pair<std::string, std::uint64_t>> rows;  ///< by table, in the order of creation
    /// "public.orders": what this user's search path led to before, and to the new table from now on.
    std::vector<std::string> hidden;
};

/// Creates, fills (COPY), marks and ANALYZEs the five tables in one transaction: it is all there or nothing
/// is. Throws base::Error where a table of such a name exists that we did not mark (unless reset) or that we
/// did mark already (say `--reset` or `cleanup`), having touched nothing.
InitSummary init(postgres::Client& client, const InitOptions& options, const Progress& progress);

/// Drops the tables that carry our mark and nothing else. Returns their names; empty where there were none.
/// Throws base::Error where other objects depend on them, having touched nothing.
std::vector<std::string> cleanup(postgres::Client& client);

/// The five names in an order that foreign keys allow.
[[nodiscard]] const std::vector<std::string>& table_names();

}  // namespace pgtraffic::brickhouse
