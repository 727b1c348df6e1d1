// Drops what init made, or removes what a run placed, and says what that was.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "pgtraffic/base/units.hpp"
#include "pgtraffic/brickhouse/marks.hpp"
#include "pgtraffic/brickhouse/model.hpp"
#include "pgtraffic/cli/commands.hpp"
#include "pgtraffic/cli/output.hpp"
#include "pgtraffic/cli/target.hpp"
#include "pgtraffic/postgres/client.hpp"
#include "pgtraffic/report/layout.hpp"

namespace pgtraffic::cli {

int cleanup_command(const CleanupOptions& options) {
    postgres::Client client{with_password(require_target(options), options)};
    const auto database = report::printable(client.database());
    if (options.run) {
        const auto removed = brickhouse::remove_orders_of_run(client, *options.run);
        write_stdout(removed == 0
                         ? fmt::format("Nothing to remove: database \"{}\" holds no order of run {}.\n",
                                       database, *options.run)
                         : fmt::format("Removed from database \"{}\": {} of run {}.\n", database,
                                       base::counted(removed, "order", "orders"), *options.run));
        return 0;
    }
    const auto dropped = brickhouse::cleanup(client);
    if (dropped.empty()) {
        write_stdout(fmt::format(
            "Nothing to drop: database \"{}\" holds no table that `pgtraffic init` made.\n", database));
    } else {
        write_stdout(fmt::format("Dropped from database \"{}\": {}.\n", database,
                                 report::printable(fmt::format("{}", fmt::join(dropped, ", ")))));
    }
    return 0;
}

}  // namespace pgtraffic::cli
