// Creates and fills the model. Progress goes to stderr: a bar that moves on a terminal, a line a table
// elsewhere.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "pgtraffic/base/signal_mask.hpp"
#include "pgtraffic/base/units.hpp"
#include "pgtraffic/brickhouse/model.hpp"
#include "pgtraffic/cli/commands.hpp"
#include "pgtraffic/cli/filling_view.hpp"
#include "pgtraffic/cli/output.hpp"
#include "pgtraffic/cli/safety.hpp"
#include "pgtraffic/cli/target.hpp"
#include "pgtraffic/postgres/client.hpp"
#include "pgtraffic/report/layout.hpp"

namespace pgtraffic::cli {
namespace {

/// While it lives, a signal that ends the program says what became of the tables. It ends it even where a
/// server that hangs holds us in libpq.
class InterruptNotice {
 public:
    InterruptNotice() noexcept {
        beginning = stderr_is_terminal() ? "\n" : "";  // behind the bar
        outcome = "Nothing was changed.";
        for (std::size_t i = 0; i < kEnding.size(); ++i) {
            struct sigaction say {};
            say.sa_handler = &InterruptNotice::say;
            // Raised in there it ends us, and so does a second one.
            say.sa_flags = static_cast<int>(SA_RESETHAND) | SA_NODEFER;
            sigaction(kEnding[i], nullptr, &before_[i]);
            if (before_[i].sa_handler != SIG_IGN) sigaction(kEnding[i], &say, nullptr);  // nohup
        }
    }
    ~InterruptNotice() {
        for (std::size_t i = 0; i < kEnding.size(); ++i) sigaction(kEnding[i], &before_[i], nullptr);
    }
    InterruptNotice(const InterruptNotice&) = delete;
    InterruptNotice& operator=(const InterruptNotice&) = delete;

    void committing() noexcept { outcome = "It was committing: look whether the tables are there."; }

 private:
    static constexpr auto& kEnding = base::kEndingSignals;
    static inline const char* volatile beginning;
    static inline const char* volatile outcome;

    /// Only what a handler may call. The signal is raised again, now with the end of the program for its
    /// effect, but in the first process of a container, whom no such effect reaches.
    static void say(int number) {
        for (const char* text : {static_cast<const char*>(beginning), "pgtraffic: interrupted. ",
                                 static_cast<const char*>(outcome), "\n"}) {
            if (::write(STDERR_FILENO, text, std::strlen(text)) < 0) break;
        }
        ::raise(number);
        ::_exit(128 + number);
    }

    std::array<struct sigaction, kEnding.size()> before_{};
};

}  // namespace

int init_command(const InitOptions& options) {
    const auto conninfo = require_target(options);
    postgres::Client client{with_password(conninfo, options)};
    refuse_other_database(client.database(), options.confirm);
    const auto start = base::mono_now();
    brickhouse::InitSummary summary;
    {
        FillingView view{stderr_is_terminal()};
        InterruptNotice notice;
        brickhouse::InitOptions wanted{options.scale, options.random_seed, options.reset, {}, {}};
        wanted.before_commit = [&notice] { notice.committing(); };
        wanted.before_foreign = [&](const std::vector<std::string>& tables) {
            const bool pooler = !client.greeted_by(client.value("SELECT pg_backend_pid()").value_or(""));
            if (all_local(conninfo, client, pooler)) return;
            metrics::ServerInfo server;
            server.host = client.host();
            server.address = client.address();
            server.database = client.database();
            require_confirmation(server,
                                 fmt::format("drops tables that `pgtraffic init` did not make ({})",
                                             report::printable(fmt::format("{}", fmt::join(tables, ", ")))),
                                 options.confirm, true);
        };
        summary = brickhouse::init(
            client, wanted, [&view](const std::string& table, std::uint64_t rows, std::uint64_t total) {
                view.show(table, rows, total);
            });
    }
    auto text = fmt::format("Filled database \"{}\" in {}:\n", report::printable(client.database()),
                            base::format_duration(base::mono_now() - start));
    for (const auto& [table, rows] : summary.rows) {
        text += fmt::format("  {:<12}{:>14} rows\n", table, base::with_thousands(rows));
    }
    text += fmt::format("Random seed {}, scale {}. `pgtraffic cleanup` drops these tables again.\n",
                        options.random_seed, options.scale);
    write_stdout(text);
    if (!summary.hidden.empty()) {
        write_stderr(fmt::format(
            "note: in this user's search path they stand before {}, which are found by these names no more\n",
            report::printable(fmt::format("{}", fmt::join(summary.hidden, ", ")))));
    }
    return 0;
}

}  // namespace pgtraffic::cli
