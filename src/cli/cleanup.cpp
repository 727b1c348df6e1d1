// Drops what init made, and says what that was.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "pgtraffic/brickhouse/model.hpp"
#include "pgtraffic/cli/commands.hpp"
#include "pgtraffic/cli/output.hpp"
#include "pgtraffic/cli/target.hpp"
#include "pgtraffic/postgres/client.hpp"

namespace pgtraffic::cli {

int cleanup_command(const TargetOptions& options) {
    postgres::Client client{require_target(options)};
    const auto dropped = brickhouse::cleanup(client);
    if (dropped.empty()) {
        write_stdout(
            fmt::format("Nothing to drop: database \"{}\" holds no table that `pgtraffic init` made.\n",
                        client.database()));
    } else {
        write_stdout(
            fmt::format("Dropped from database \"{}\": {}.\n", client.database(), fmt::join(dropped, ", ")));
    }
    return 0;
}

}  // namespace pgtraffic::cli
