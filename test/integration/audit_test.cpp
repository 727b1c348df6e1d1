// The audit's own questions to a real server: tables whose columns have its names, tables that somebody
// locked, and a Ctrl-C while it asks.
#include <csignal>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pgtraffic/base/time.hpp"
#include "pgtraffic/postgres/client.hpp"
#include "pgtraffic/simulation/audit.hpp"
#include "pgtraffic/simulation/preflight.hpp"
#include "pgtraffic/workload/scenario.hpp"
#include "support/catch.hpp"
#include "support/folder.hpp"
#include "support/real_run.hpp"

using namespace pgtraffic;
using Catch::Matchers::Contains;
using postgres::Client;
using simulation::AuditLog;

namespace {

constexpr std::uint64_t kArrivals = 10;

/// Inserts into "places", whose rows its column "place" identifies; "code" is a column like any other.
const char* const kPlaces =
    R"json({"name": "places", "operations": [{"name": "place", "statements": [
    {"sql": "INSERT INTO places (place, code) VALUES ($1, 'x')", "parameters": [{"code": "P-"}]}]}]})json";

workload::Workload bound(Client& client, const char* scenario = kPlaces) {
    const test::TemporaryFile file{scenario};
    return simulation::bind_workload(client, workload::load_scenario_file(file.path()),
                                     workload::KeyDistribution::uniform, 7, 8);
}

/// The codes of the first arrivals.
std::vector<std::string> codes(const workload::Workload& workload) {
    std::vector<std::string> result;
    for (std::uint64_t arrival = 0; arrival < kArrivals; ++arrival)
        result.push_back(workload.values(workload.statement_number(0, 0), arrival, 1)[0]);
    return result;
}

/// `audit` is told that the first arrivals ended in doubt.
void doubt(AuditLog& audit) {
    metrics::Completion completion;
    completion.in_doubt = true;
    for (std::uint64_t arrival = 0; arrival < kArrivals; ++arrival) audit.unfinished(completion, arrival, 1);
}

/// What an audit says of ten in doubt, of which those of `stored` are in the table.
metrics::AuditResult audited(const test::Database& database, Client& client,
                             const workload::Workload& workload, const std::vector<std::size_t>& stored) {
    AuditLog audit{workload, client};
    doubt(audit);
    const auto all = codes(workload);
    for (const auto i : stored) client.query("INSERT INTO places (place, code) VALUES ($1, 'x')", {all[i]});
    const auto results = audit.check(database.conninfo());
    REQUIRE(results.size() == 1);
    return results[0];
}

/// An audit that waits: for a session of the program's name that is at work.
class Waiting {
 public:
    explicit Waiting(const test::Database& database) : asking_{database.conninfo()} {
        auto conninfo = database.conninfo();
        conninfo.set("application_name", "pgtraffic");
        at_work_.emplace(conninfo);
        at_work_->execute("BEGIN");
    }
    /// Until a session asks whether that one is at work.
    void until_asked() {
        constexpr const char* kAsked =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid() AND query LIKE '%current_setting(''application_name'')%'";
        for (const auto begun = base::mono_now(); asking_.value(kAsked) == "0";)
            REQUIRE(base::mono_now() - begun < std::chrono::seconds{30});
    }

 private:
    Client asking_;
    std::optional<Client> at_work_;
};

}  // namespace

TEST_CASE("an audit finds its codes in a table that has a column of every name that it uses") {
    const auto database = test::fresh_database();
    Client client{database.conninfo()};
    client.execute(
        "CREATE TABLE places (place text, code text, n int, found int, value text, pgtraffic_codes text, "
        "pgtraffic_rows text)");
    // Four were stored, and one of these twice.
    const auto result = audited(database, client, bound(client), {0, 1, 2, 3, 3});
    CHECK(result.stored == 4);
    CHECK(result.not_stored == 6);
    CHECK(result.twice == 1);
}

TEST_CASE("an audit finds its codes in a column that is no text") {
    const auto database = test::fresh_database();
    Client client{database.conninfo()};
    client.execute("CREATE TABLE places (place bigint PRIMARY KEY, code text)");
    const auto workload =
        bound(client, R"json({"name": "places", "operations": [{"name": "place", "statements": [
        {"sql": "INSERT INTO places (place, code) VALUES ($1, 'x')", "parameters": [{"code": "", "digits": 9}]}]}]})json");
    const auto result = audited(database, client, workload, {2, 5, 7});
    CHECK(result.stored == 3);
    CHECK(result.not_stored == 7);
    CHECK(result.twice == 0);
}

TEST_CASE("an audit refuses a workload whose other statements add rows to its tables, or delete some") {
    const auto database = test::fresh_database();
    Client client{database.conninfo()};
    client.execute("CREATE TABLE places (place text PRIMARY KEY)");
    const auto scenario = [](const std::string& other) {
        return R"json({"name": "places", "operations": [{"name": "place", "statements": [
            {"sql": "INSERT INTO places (place) VALUES ($1)", "parameters": [{"code": "P-"}]}]},
            {"name": "other", "statements": [{"name": "clear", "sql": ")json" +
               other + R"json("}]}]})json";
    };
    for (const std::string other :
         {"DELETE FROM places WHERE place < 'P-000'", "TRUNCATE places", "DELETE FROM public.PLACES",
          "DELETE FROM \\\"places\\\"", "INSERT INTO places SELECT 'x' ON CONFLICT DO NOTHING"}) {
        CAPTURE(other);
        const auto workload = bound(client, scenario(other).c_str());
        CHECK_THROWS_WITH((AuditLog{workload, client}), Contains("\"clear\"") && Contains("places"));
    }
    client.execute("CREATE TABLE old_places (place text); CREATE TABLE elsewhere () INHERITS (places)");
    const auto of_part = bound(client, scenario("TRUNCATE Elsewhere").c_str());
    CHECK_THROWS_WITH((AuditLog{of_part, client}), Contains("\"clear\"") && Contains("places"));
    client.execute("CREATE PROCEDURE tidy_up() LANGUAGE sql AS 'SELECT 1'");
    for (const std::string other : {"DO $$ BEGIN PERFORM 1; END $$", "CALL tidy_up()"}) {
        const auto anything = bound(client, scenario(other).c_str());
        CHECK_THROWS_WITH((AuditLog{anything, client}), Contains("\"clear\"") && Contains("places"));
    }
    for (const std::string other :
         {"UPDATE places SET place = place WHERE place = 'P-000'", "DELETE FROM public.old_places"}) {
        const auto workload = bound(client, scenario(other).c_str());
        CHECK_NOTHROW((AuditLog{workload, client}));
    }
}

TEST_CASE(
    "an audit refuses what removes its rows through a view, a reference that cascades, or a savepoint") {
    const auto database = test::fresh_database();
    Client client{database.conninfo()};
    client.execute(
        "CREATE TABLE regions (region int PRIMARY KEY); "
        "CREATE TABLE towns (town int PRIMARY KEY, region int REFERENCES regions ON DELETE CASCADE); "
        "CREATE TABLE places (place text, town int REFERENCES towns ON DELETE CASCADE, kind int); "
        "CREATE TABLE kinds (kind int PRIMARY KEY); CREATE VIEW seen AS SELECT * FROM places; "
        "CREATE VIEW seen_twice AS SELECT * FROM seen; "
        "ALTER TABLE places ADD FOREIGN KEY (kind) REFERENCES kinds ON DELETE SET NULL");
    constexpr const char* kInsert =
        R"json({"sql": "INSERT INTO places (place) VALUES ($1)", "parameters": [{"code": "P-"}]})json";
    const auto beside = [&](const std::string& other) {
        return std::string{R"json({"name": "places", "operations": [{"name": "place", "statements": [)json"} +
               kInsert + R"json(]}, {"name": "other", "statements": [{"name": "clear", "sql": ")json" +
               other + R"json("}]}]})json";
    };
    for (const std::string other : {"DELETE FROM seen", "DELETE FROM seen_twice", "DELETE FROM towns",
                                    "DELETE FROM regions WHERE region = 1"}) {
        CAPTURE(other);
        const auto workload = bound(client, beside(other).c_str());
        CHECK_THROWS_WITH((AuditLog{workload, client}), Contains("\"clear\"") && Contains("places"));
    }
    for (const std::string other :
         {"DELETE FROM kinds", "INSERT INTO towns SELECT 1 ON CONFLICT DO NOTHING"}) {
        CAPTURE(other);
        const auto workload = bound(client, beside(other).c_str());
        CHECK_NOTHROW((AuditLog{workload, client}));
    }
    const auto undone =
        bound(client, (std::string{R"json({"name": "p", "operations": [{"name": "place", "statements": [
            {"sql": "BEGIN"}, {"sql": "SAVEPOINT a"}, )json"} +
                       kInsert + R"json(, {"sql": "ROLLBACK TO a"}, {"sql": "COMMIT"}]}]})json")
                          .c_str());
    CHECK_THROWS_WITH((AuditLog{undone, client}), Contains("no operation"));
}

TEST_CASE("an audit of a partition refuses what reaches its rows through the whole table") {
    const auto database = test::fresh_database();
    Client client{database.conninfo()};
    client.execute(
        "CREATE TABLE places (place text, year int) PARTITION BY LIST (year); "
        "CREATE TABLE places_2026 PARTITION OF places FOR VALUES IN (2026)");
    const auto scenario = [](const std::string& other) {
        return R"json({"name": "places", "operations": [{"name": "place", "statements": [
            {"sql": "INSERT INTO places_2026 (place, year) VALUES ($1, 2026)", "parameters": [{"code": "P-"}]}]},
            {"name": "other", "statements": [{"name": "clear", "sql": )json" +
               other + "}]}]}";
    };
    const auto deletes = bound(client, scenario(R"("DELETE FROM places WHERE year < 2000")").c_str());
    CHECK_THROWS_WITH((AuditLog{deletes, client}), Contains("\"clear\""));
    const auto both = bound(client, scenario(R"json("INSERT INTO places (place, year) VALUES ($1, 2026)",
        "parameters": [{"code": "Q-"}])json")
                                        .c_str());
    CHECK_THROWS_WITH((AuditLog{both, client}), Contains("are parts of one table"));
}

TEST_CASE(
    "a table is one, however those who insert into it write its name, and whatever column comes first") {
    const auto database = test::fresh_database();
    Client client{database.conninfo()};
    client.execute("CREATE TABLE places (place text, code text); INSERT INTO places VALUES ('a', 'b')");
    const auto workload = bound(client, R"json({"name": "places", "operations": [
        {"name": "a", "statements": [{"sql": "INSERT INTO places (place, code) VALUES ($1, 'x')",
                                      "parameters": [{"code": "P-"}]}]},
        {"name": "b", "statements": [{"sql": "INSERT INTO public.PLACES (code, place) VALUES ($1, 'y')",
                                      "parameters": [{"code": "C-"}]}]}]})json");
    AuditLog audit{workload, client};
    metrics::Completion completion;
    for (const std::uint32_t operation : {0U, 1U}) {
        completion.operation = operation;
        audit.ended(completion, operation, 1);
        completion.in_doubt = true;
        audit.ended(completion, 2 + operation, 1);
        completion.in_doubt = false;
    }
    // Of four one is there that was in doubt, and none that was acknowledged.
    client.query("INSERT INTO places VALUES ('y', $1)",
                 {workload.values(workload.statement_number(1, 0), 3, 1)[0]});
    const auto results = audit.check(database.conninfo());
    REQUIRE(results.size() == 1);
    CHECK(results[0].rows_before == 1);
    CHECK(results[0].acknowledged == 2);
    CHECK(results[0].stored == 1);
    CHECK(results[0].not_stored == 1);
    CHECK(results[0].rows_after == 2);
    CHECK(results[0].lost() == 2);
}

TEST_CASE("an audit gives a table that somebody locked up after its patience") {
    const auto database = test::fresh_database();
    Client client{database.conninfo()};
    client.execute("CREATE TABLE places (place text, code text)");
    const auto workload = bound(client);
    const AuditLog audit{workload, client};
    client.execute("BEGIN; LOCK TABLE places");
    auto conninfo = database.conninfo();
    conninfo.set("application_name", "pgtraffic");  // the lock is nobody's whom the audit waits for
    CHECK_THROWS_WITH(audit.check(conninfo, std::chrono::milliseconds{300}),
                      Contains("did not answer within 300"));
    static_assert(simulation::kAuditPatience == std::chrono::minutes{5}, "as docs/reliability.md says");
}

TEST_CASE("Ctrl-C while the tables are asked breaks off the audit, not the report") {
    const auto database = test::filled_database();
    const test::Folder folder;
    for (const auto& [number, exit_code] : {std::pair{SIGINT, 130}, {SIGTERM, 143}}) {
        Waiting waiting{database};
        test::Process process{test::pgtraffic_argv(test::run_arguments(
                                  database, {"--query-type", "insert", "--audit", "-t", "20", "-c", "2",
                                             "--warmup", "0", "--json", folder / "result.json"})),
                              test::without_target()};
        waiting.until_asked();
        process.send_signal(number);
        const auto result = test::read_result(process.wait(), exit_code);
        CHECK(result["summary"]["queries"]["ok"] == 20);
        CHECK(result["run"]["outcome"] == "interrupted");
        CHECK(result["run"]["exit_code"] == exit_code);
        CHECK_THAT(result["run"]["warnings"].dump(),
                   Contains("audit_failed") && Contains("could not ask the tables: interrupted"));
        CHECK(nlohmann::json::parse(test::read_file(folder / "result.json")) == result);
        CHECK(folder.entries() == 1);
    }
}
