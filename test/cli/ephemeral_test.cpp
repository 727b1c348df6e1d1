// The newcomer's way: a run for which nobody named a database starts a server, fills it, and leaves nothing
// of it behind, however it ends.
#include <csignal>
#include <filesystem>
#include <string>

#include "pgtraffic/base/processors.hpp"
#include "support/catch.hpp"
#include "support/folder.hpp"
#include "support/real_run.hpp"

using namespace pgtraffic;
using Catch::Matchers::Contains;

namespace {

/// For the server's files, and readable for the user that it runs as where this is root.
class ServerFolder {
 public:
    ServerFolder() {
        namespace fs = std::filesystem;
        fs::permissions(folder_.path(), fs::perms::all & ~fs::perms::group_write & ~fs::perms::others_write);
    }
    [[nodiscard]] test::ProcessOptions environment() const {
        test::ProcessOptions options;
        options.environment = {{"TMPDIR", folder_.path().string()}};
        return test::without_target(options);
    }
    [[nodiscard]] bool empty() const { return folder_.entries() == 0; }

 private:
    test::Folder folder_;
};

}  // namespace

TEST_CASE("without a database a run has one of its own, filled, and removes it") {
    const ServerFolder folder;
    const auto ended =
        test::run_process(test::pgtraffic_argv({"--scale", "0.01", "--unsafe-fast", "--query-type", "mixed",
                                                "-t", "50", "-c", "2", "--warmup", "0", "--format", "json"}),
                          folder.environment());
    CHECK_THAT(ended.err, Contains("started a temporary PostgreSQL") && Contains("with fsync off"));
    if (const auto shared = base::share_processors()) {
        CHECK_THAT(ended.err, Contains(" on " + std::to_string(shared->count - 1) + " of " +
                                       std::to_string(shared->count) + " processors"));
    }
    const auto result = test::read_result(ended, 0);
    CHECK(result["summary"]["queries"]["failed"] == 0);
    CHECK(result["summary"]["queries"]["ok"].get<int>() > 30);  // an update may find nothing to do
    CHECK(result["environment"]["server"]["temporary"] == true);
    CHECK(result["environment"]["server"]["settings"]["fsync"] == "off");
    const auto warnings = result["run"]["warnings"].dump();
    CHECK_THAT(warnings, Contains("\"temporary_server\"") && Contains("\"unsafe_fast\""));
    CHECK(folder.empty());
}

TEST_CASE("--ephemeral is a temporary server, whatever the environment names") {
    const ServerFolder folder;
    auto environment = folder.environment();
    environment.environment.emplace_back("DATABASE_URL", "postgresql://127.0.0.1:1/nowhere");
    environment.environment.emplace_back("PGHOST", "/nowhere");
    environment.environment.emplace_back("PGDATABASE", "nowhere");
    const auto ended =
        test::run_process(test::pgtraffic_argv({"--ephemeral", "--scale", "0.01", "-t", "20", "-c", "2",
                                                "--warmup", "0", "--format", "json"}),
                          environment);
    const auto result = test::read_result(ended, 0);
    CHECK(result["summary"]["queries"]["ok"] == 20);
    CHECK(result["environment"]["server"]["temporary"] == true);
    CHECK(folder.empty());
}

TEST_CASE("Ctrl-C during the load ends the temporary server with the run") {
    const ServerFolder folder;
    test::Process process{
        test::pgtraffic_argv({"--scale", "0.01", "-c", "2", "--warmup", "0", "--format", "json"}),
        folder.environment()};
    REQUIRE(process.wait_for_stderr("measuring for"));
    process.send_signal(SIGINT);
    const auto result = test::read_result(process.wait(), 130);
    CHECK(result["run"]["outcome"] == "interrupted");
    CHECK(folder.empty());
}

TEST_CASE("Ctrl-C while the temporary server starts leaves nothing of it") {
    const ServerFolder folder;
    test::Process process{test::pgtraffic_argv({"-c", "2"}), folder.environment()};
    REQUIRE(process.wait_for_stderr("started a temporary PostgreSQL"));  // and is not yet filled
    process.send_signal(SIGINT);
    CHECK(process.wait().signal == SIGINT);
    CHECK(folder.empty());
}
