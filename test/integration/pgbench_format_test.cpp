// --format pgbench beside the pgbench that is installed, both run alike on one server: the same lines in the
// same order, but for those that docs/integrations.md names.
#include <algorithm>
#include <array>
#include <sstream>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/real_run.hpp"
#include "support/test_server.hpp"

using namespace pgtraffic;

namespace {

constexpr auto kPgbenchOnly =
    std::to_array<const char*>({"number of transactions above the ", " - weight: "});

/// A line with every number in it, with its decimals, as "9.999": what a reader's expression sees of it.
std::string form_of(const std::string& line) {
    std::string form;
    std::size_t decimals = 0;
    for (std::size_t i = 0; i < line.size(); ++i) {
        const bool digit = line[i] >= '0' && line[i] <= '9';
        if (digit && decimals == 0 && !form.empty() && form.back() == '9') continue;
        if (decimals > 0) decimals = digit ? decimals + 1 : 0;
        if (line[i] == '.' && !form.empty() && form.back() == '9') decimals = 1;
        form += digit ? '9' : line[i];
    }
    return form;
}

/// The forms of the lines from the query mode on: those above it name the program and the transaction.
std::vector<std::string> forms_of(const std::string& summary) {
    std::vector<std::string> forms;
    std::istringstream lines{summary};
    for (std::string line; std::getline(lines, line);) {
        if (forms.empty() && line.find("query mode: ") != 0) continue;
        forms.push_back(form_of(line));
    }
    return forms;
}

/// What pgtraffic has no line for; docs/integrations.md names them.
bool is_pgbench_only(const std::string& line) {
    return std::any_of(kPgbenchOnly.begin(), kPgbenchOnly.end(),
                       [&](const auto* start) { return line.starts_with(start); });
}

/// Without the names of scripts.
std::vector<std::string> comparable(std::vector<std::string> forms) {
    std::erase_if(forms, is_pgbench_only);
    for (auto& form : forms) {
        if (form.starts_with("SQL script ")) form.resize(form.find(':'));
    }
    return forms;
}

}  // namespace

TEST_CASE("the summary has pgbench's lines in pgbench's order and with its decimals") {
    const auto database = test::filled_database();
    const test::TemporaryFile script{"SELECT order_id FROM orders LIMIT 1;\n", ".sql"};
    const auto common = std::vector<std::string>{"-M", "prepared", "-c", "2", "-T", "1"};
    struct Case {
        std::vector<std::string> both;
        std::vector<std::string> pgbench_only;
    };
    // pgbench prints a standard deviation only where it measures each transaction, for which -P asks.
    for (const auto& [both, pgbench_only] :
         {Case{{}, {"-P", "1"}}, Case{{"-R", "50"}, {}}, Case{{"-R", "50", "-L", "900"}, {}}}) {
        std::vector<std::string> ours{"-d",       database.dsn(), "--warmup",         "0",
                                      "--format", "pgbench",      "--disable-logging"};
        std::vector<std::string> theirs{test::pgbench(), "-n", "-f", script.path()};
        for (auto* argv : {&ours, &theirs}) {
            argv->insert(argv->end(), common.begin(), common.end());
            for (const auto& word : both) argv->push_back(argv == &ours && word == "900" ? "900ms" : word);
        }
        theirs.insert(theirs.end(), pgbench_only.begin(), pgbench_only.end());
        theirs.push_back(database.dsn());
        const auto pgbench = test::run_process(theirs);
        INFO(pgbench.out << pgbench.err);
        REQUIRE(pgbench.exit_code == 0);
        const auto pgtraffic = test::run_pgtraffic(ours);
        INFO(pgtraffic.out << pgtraffic.err);
        CHECK(pgtraffic.exit_code == 0);

        const auto expected = comparable(forms_of(pgbench.out));
        CHECK(expected.size() >= 10);
        CHECK(comparable(forms_of(pgtraffic.out)) == expected);
    }
}

TEST_CASE("operations that are tried again have the lines of pgbench's scripts, in its order") {
    const auto database = test::filled_database();
    const test::TemporaryFile script{"SELECT 1;\n", ".sql"};
    const test::TemporaryFile scenario{R"({"name": "two", "operations": [
        {"name": "a", "statements": [{"sql": "SELECT 1"}], "retry": {"on": ["40001"], "max": 2}},
        {"name": "b", "statements": [{"sql": "SELECT 1"}]}]})"};
    const auto pgbench = test::run_process({test::pgbench(), "-n", "-f", script.path(), "-f", script.path(),
                                            "-M", "prepared", "-c", "2", "-T", "1", "-R", "100", "-L", "900",
                                            "--max-tries", "3", database.dsn()});
    INFO(pgbench.out << pgbench.err);
    REQUIRE(pgbench.exit_code == 0);
    const auto pgtraffic = test::run_pgtraffic(
        {"-d", database.dsn(), "--warmup", "0", "--format", "pgbench", "--disable-logging", "--scenario",
         scenario.path(), "-M", "prepared", "-c", "2", "-T", "1", "-R", "100", "-L", "900ms"});
    INFO(pgtraffic.out << pgtraffic.err);
    CHECK(pgtraffic.exit_code == 0);
    CHECK(comparable(forms_of(pgtraffic.out)) == comparable(forms_of(pgbench.out)));
}

TEST_CASE("several scripts are called what pgbench calls them") {
    const auto database = test::filled_database();
    const test::TemporaryFile script{"SELECT 1;\n", ".sql"};
    const std::vector<std::string> both{"-f", script.path(), "-f", script.path(), "-c", "1", "-T", "1"};
    std::vector<std::string> theirs{test::pgbench(), "-n", database.dsn()};
    std::vector<std::string> ours{"-d", database.dsn(), "--warmup", "0", "--format", "pgbench"};
    theirs.insert(theirs.end() - 1, both.begin(), both.end());
    ours.insert(ours.end(), both.begin(), both.end());
    constexpr const char* kName = "\ntransaction type: multiple scripts\n";
    CHECK(test::run_process(theirs).out.find(kName) != std::string::npos);
    CHECK(test::run_pgtraffic(ours).out.find(kName) != std::string::npos);
}
