// The rows of the five tables, a function of seed and row number (and, for dates, of the server's clock).
#pragma once

#include "pgtraffic/brickhouse/model.hpp"
#include "pgtraffic/brickhouse/order_plan.hpp"

namespace pgtraffic::brickhouse {

/// COPYs the rows into the five empty tables, made in the transaction that is open. Throws SqlError.
InitSummary fill(postgres::Client& client, const Volume& volume, std::uint64_t seed,
                 const Progress& progress);

}  // namespace pgtraffic::brickhouse
