// The option table, the parser and the help agree with each other and with the values that they stand for.
#include "pgtraffic/cli/options.hpp"

#include <algorithm>
#include <set>

#include "pgtraffic/base/error.hpp"
#include "pgtraffic/cli/command_line.hpp"
#include "pgtraffic/traffic/pattern.hpp"
#include "pgtraffic/workload/scenario.hpp"
#include "support/catch.hpp"
#include "support/text.hpp"

using namespace pgtraffic;
using namespace std::chrono_literals;
using cli::Command;
using cli::OptionRow;
using test::lines_of;

namespace {

std::vector<const OptionRow*> rows_of(Command command) {
    std::vector<const OptionRow*> rows;
    for (const auto& row : cli::option_table()) {
        if (row.belongs_to(command)) rows.push_back(&row);
    }
    return rows;
}

/// The options that a help text lists, by the dashes at the begin of a line.
std::set<std::string> listed_options(const std::string& help) {
    std::set<std::string> names;
    for (const auto& line : lines_of(help)) {
        const auto at = line.find("--");
        if (at != 2 && at != 6) continue;
        names.insert(line.substr(at + 2, line.find_first_of(" ", at) - at - 2));
    }
    return names;
}

std::string error_of(const std::vector<std::string>& arguments, Command command = Command::run) {
    try {
        const cli::ParsedOptions parsed{command, arguments};
    } catch (const base::Error& error) {
        return error.what();
    }
    return "no error";
}

}  // namespace

TEST_CASE("no command has two options of one name or one letter") {
    for (const auto& command : cli::command_table()) {
        std::set<std::string_view> names;
        std::set<char> letters;
        for (const auto* row : rows_of(command.command)) {
            INFO(command.name << " --" << row->name);
            CHECK(names.insert(row->name).second);
            if (row->letter != 0) CHECK(letters.insert(row->letter).second);
            CHECK(row->name.size() > 1);
            CHECK_FALSE(row->help.empty());
            // with_long_names() relies on it.
            if (row->letter != 0 && !row->only_asks) CHECK_FALSE(row->is_flag());
        }
    }
}

TEST_CASE("the help of a command lists exactly its options, within 80 columns, examples first") {
    for (const auto& command : cli::command_table()) {
        for (const bool named : {true, false}) {
            if (!named && command.command != Command::run) continue;
            const auto help = cli::help_text({command.command, named, {}});
            INFO(help);
            std::set<std::string> expected;
            for (const auto* row : rows_of(command.command)) {
                expected.insert(std::string{row->name});
                if (row->letter != 0) {
                    CHECK(help.find(std::string{"  -"} + row->letter + ", --" + std::string{row->name}) !=
                          std::string::npos);
                }
                if (!row->value.empty()) {
                    CHECK(help.find("--" + std::string{row->name} + " " + std::string{row->value}) !=
                          std::string::npos);
                }
            }
            CHECK(listed_options(help) == expected);
            CHECK(help.find("Examples:") < help.find("--help"));
            CHECK(help.back() == '\n');
            for (const auto& line : lines_of(help)) {
                CHECK(line.size() <= 80);
                CHECK((line.empty() || line.back() != ' '));
            }
        }
    }
}

TEST_CASE("the program's help lists every command") {
    const auto help = cli::help_text({});
    for (const auto& command : cli::command_table()) {
        CHECK(help.find("\n  " + std::string{command.name} + " ") != std::string::npos);
    }
}

TEST_CASE("the parser knows every option of the table in every spelling, and no other") {
    for (const auto& command : cli::command_table()) {
        for (const auto* row : rows_of(command.command)) {
            const auto name = std::string{row->name};
            INFO(command.name << " --" << name);
            if (row->only_asks) {
                CHECK(cli::requested({command.command, true, {"--" + name}}) != cli::Request::none);
                continue;
            }
            if (row->is_flag()) {
                CHECK(cli::ParsedOptions(command.command, {"--" + name}).flag(name));
                CHECK(cli::ParsedOptions(command.command, {"--" + name + "=true"}).flag(name));
                CHECK_FALSE(cli::ParsedOptions(command.command, {"--" + name + "=false"}).flag(name));
                CHECK(error_of({"--" + name + "=maybe"}, command.command).find("--" + name + ": \"maybe\"") ==
                      0);
                continue;
            }
            std::vector<std::vector<std::string>> spellings{{"--" + name + "=7"}, {"--" + name, "7"}};
            if (row->letter != 0) {
                const auto letter = std::string{"-"} + row->letter;
                spellings.push_back({letter, "7"});
                spellings.push_back({letter + "7"});
            }
            for (const auto& words : spellings) {
                CHECK(cli::ParsedOptions(command.command, words).text(name) == "7");
            }
            CHECK(error_of({"--" + name}, command.command) == "--" + name + ": its value is missing");
            CHECK(error_of({"-" + name, "7"}, command.command).find("did you mean \"--" + name) !=
                  std::string::npos);
        }
        CHECK(error_of({"--no-such-thing"}, command.command).find("unknown option \"--no-such-thing\"") == 0);
    }
}

TEST_CASE("of an option given twice the last one counts") {
    const cli::ParsedOptions parsed{Command::run,
                                    {"-T30", "--connections", "150", "--duration=5m", "-c", "7",
                                     "--disable-logging", "--disable-logging=false"}};
    CHECK(parsed.text("duration") == "5m");
    CHECK(parsed.text("connections") == "7");
    CHECK_FALSE(parsed.flag("disable-logging"));
}

TEST_CASE("values reach the program as they were typed") {
    const std::string long_value(1'000'000, 'x');
    CHECK(cli::ParsedOptions(Command::run, {"--mix=select=60,insert=40"}).text("mix") ==
          "select=60,insert=40");
    CHECK(cli::ParsedOptions(Command::run, {"-h127.0.0.1"}).text("host") == "127.0.0.1");
    CHECK(cli::ParsedOptions(Command::run, {"-d", "host=a\nuser=b"}).text("database-url") ==
          "host=a\nuser=b");
    CHECK(cli::ParsedOptions(Command::run, {"--database-url=host=a\nuser=b"}).text("database-url") ==
          "host=a\nuser=b");
    CHECK(cli::ParsedOptions(Command::run, {"-dpostgresql://h/d"}).text("database-url") ==
          "postgresql://h/d");
    CHECK(cli::ParsedOptions(Command::run, {"--json", "-"}).text("json") == "-");
    CHECK(cli::ParsedOptions(Command::run, {"--json="}).text("json") == "");
    CHECK(cli::ParsedOptions(Command::run, {"--duration", "-1"}).text("duration") == "-1");
    CHECK(cli::ParsedOptions(Command::run, {"--json=" + long_value}).text("json") == long_value);
    CHECK(cli::ParsedOptions(Command::run, {"--"}).resolved() ==
          cli::ParsedOptions(Command::run, {}).resolved());
}

TEST_CASE("a forgotten value does not swallow the next option") {
    CHECK(error_of({"--json", "--rate", "5"}) ==
          "--json: its value is missing (the next word is the option --rate)");
    CHECK(error_of({"-d", "-c", "5"}) ==
          "--database-url: its value is missing (the next word is the option --connections)");
}

TEST_CASE("a value may look like an option that does not exist") {
    CHECK(cli::ParsedOptions(Command::run, {"--json", "--strange"}).text("json") == "--strange");
}

TEST_CASE("a port that nobody would be told is refused") {
    CHECK_THROWS_WITH(cli::read_run_options({"--listen", "0", "--disable-logging"}),
                      Catch::Contains("--listen: takes a free port"));
    CHECK_NOTHROW(cli::read_run_options({"--listen", "8080", "--disable-logging"}));
}

TEST_CASE("options and words that are not there are named with the nearest that is") {
    CHECK(error_of({"--durration=5"}) == "unknown option \"--durration\"; did you mean \"--duration\"?");
    CHECK(error_of({"--dur", "5"}).find("unknown option \"--dur\"") == 0);
    CHECK(error_of({"--Rate", "5"}).find("did you mean \"--rate\"") != std::string::npos);
    CHECK(error_of({"-x"}).find("unknown option \"-x\"") == 0);
    // Of pgbench and sysbench, and near a name that means something else.
    CHECK(error_of({"--time=60"}) ==
          "unknown option \"--time\": the length of the measured load is -T, --duration");
    CHECK(error_of({"--transactions=9"}).find("-t, --total-queries") != std::string::npos);
    CHECK(error_of({"--max-tries=10"}).find("\"retry\"") != std::string::npos);
    CHECK(error_of({"--threads=4"}).find("-c, --connections") != std::string::npos);
    CHECK(error_of({"-5"}).find("unknown option \"-5\"") == 0);
    CHECK(error_of({"--\xC3\xA4"}).find("unknown option") == 0);
    CHECK(error_of({"extra"}).find("unexpected word \"extra\"") == 0);
    CHECK(error_of({""}).find("unexpected word \"\"") == 0);
    CHECK(error_of({"--", "--rate=5"}).find("unknown option \"--rate\"") == 0);
    CHECK(error_of({"--connections", "5"}, Command::plan) ==
          "--connections: `pgtraffic plan` has no such option, `pgtraffic run` has");
    CHECK(error_of({"-c5"}, Command::plan).find("-c: `pgtraffic plan` has no such option") == 0);
    CHECK(error_of({"mixed", "more"}, Command::show).find("unexpected word \"more\"") == 0);
    CHECK(error_of({"postgresql://u:secret@h/d"}).find("secret") == std::string::npos);
    CHECK(error_of({"--database-ur=postgresql://u:secret@h/d"}).find("secret") == std::string::npos);
}

TEST_CASE("the first word chooses the command, none means run") {
    CHECK(cli::split_command({}).command == Command::run);
    CHECK(cli::split_command({"--rate=5"}).command == Command::run);
    CHECK_FALSE(cli::split_command({"--rate=5"}).named);
    for (const auto& row : cli::command_table()) {
        const auto invocation = cli::split_command({std::string{row.name}, "-x"});
        CHECK(invocation.command == row.command);
        CHECK(invocation.named);
        CHECK(invocation.arguments == std::vector<std::string>{"-x"});
    }
    CHECK_THROWS_WITH(cli::split_command({"initt"}), Catch::Contains("did you mean \"init\"?"));
    CHECK_THROWS_WITH(cli::split_command({"ru"}), Catch::Contains("unknown command \"ru\""));
    CHECK_THROWS_WITH(cli::split_command({"benchmark"}), Catch::Contains("known are run, init"));
    CHECK_THROWS_WITH(cli::split_command({"postgresql://u:secret@h/d"}), !Catch::Contains("secret"));
}

TEST_CASE("a lone -h is help, beside anything else it is the host") {
    const auto asks = [](const std::vector<std::string>& words) {
        return cli::requested(cli::split_command(words));
    };
    CHECK(asks({"-h"}) == cli::Request::help);
    CHECK(asks({"run", "-h"}) == cli::Request::help);
    CHECK(asks({"init", "-h"}) == cli::Request::help);
    CHECK(asks({"-h", "localhost"}) == cli::Request::none);
    CHECK(asks({"-c", "5", "-h"}) == cli::Request::none);
    CHECK(asks({"-c", "5", "-?"}) == cli::Request::help);
    CHECK(asks({"list", "--help"}) == cli::Request::help);
    CHECK(asks({"-V"}) == cli::Request::version);
    CHECK(asks({"run", "--version"}) == cli::Request::version);
    CHECK(asks({}) == cli::Request::none);
}

TEST_CASE("the words that the table allows are those that the program knows") {
    for (const auto& row : cli::option_table()) {
        const auto words = cli::allowed_words(row);
        if (!row.fallback.empty() && !words.empty()) {
            CHECK(std::find(words.begin(), words.end(), row.fallback) != words.end());
        }
        if (row.name == "query-type") {
            const auto scenarios = workload::scenario_names();
            CHECK(std::set<std::string_view>(words.begin(), words.end()) ==
                  std::set<std::string_view>(scenarios.begin(), scenarios.end()));
        }
        if (row.name == "key-distribution") {
            for (const auto word : words) CHECK(workload::parse_key_distribution(word).has_value());
            CHECK(words.size() == 3);
        }
        if (row.name == "peak-rate" || row.name == "pattern") CHECK(words.empty());
    }
}

TEST_CASE("the defaults of run are those of the original") {
    const auto run = cli::read_run_options({});
    CHECK_FALSE(run.any());
    CHECK(run.connections == 100);
    CHECK_FALSE(run.connections_given);
    CHECK(run.duration == 60s);
    CHECK(run.warmup == 10s);
    CHECK(run.query_type == "select");
    CHECK_FALSE(run.total_queries);
    CHECK_FALSE(run.duration_only);
    CHECK_FALSE(run.measure_network);
    CHECK_FALSE(run.real_simulation);
    CHECK_FALSE(run.disable_logging);
    CHECK_FALSE(run.rate_per_s);
    CHECK_FALSE(run.prepared);
    CHECK(run.scale == 1);
    CHECK(run.format == cli::Format::text);
    CHECK(run.color == cli::Color::automatic);
}

TEST_CASE("every option of run reaches its value") {
    const auto run = cli::read_run_options({"-d",
                                            "shop",
                                            "-h",
                                            "db",
                                            "-p",
                                            "5433",
                                            "-U",
                                            "app",
                                            "-c",
                                            "12",
                                            "-T",
                                            "90s",
                                            "-t",
                                            "1000",
                                            "--duration-only",
                                            "--warmup",
                                            "0",
                                            "--timeout",
                                            "250ms",
                                            "--pattern",
                                            "nightly-batch",
                                            "--peak-rate",
                                            "1.5e3",
                                            "--arrivals",
                                            "uniform",
                                            "-L",
                                            "1s",
                                            "--query-type",
                                            "mixed",
                                            "--mix",
                                            "select=1",
                                            "--key-distribution",
                                            "zipf",
                                            "-M",
                                            "prepared",
                                            "--random-seed",
                                            "18446744073709551615",
                                            "--measure-network",
                                            "--disable-logging",
                                            "--format",
                                            "json",
                                            "--json",
                                            "out.json",
                                            "--color",
                                            "never",
                                            "--unsafe-fast",
                                            "--scale",
                                            "0.5"});
    CHECK(run.database == "shop");
    CHECK(run.host == "db");
    CHECK(run.port == "5433");
    CHECK(run.user == "app");
    CHECK(run.connections == 12);
    CHECK(run.connections_given);
    CHECK(run.duration == 90s);
    CHECK(run.total_queries == 1000);
    CHECK(run.duration_only);
    CHECK(run.warmup == 0s);
    CHECK(run.timeout == base::Nanos{250ms});
    CHECK(run.pattern == "nightly-batch");
    CHECK(cli::read_run_options({"--real-simulation"}).real_simulation);
    CHECK(run.peak_rate_per_s == 1500);
    CHECK(run.arrivals == traffic::Arrivals::uniform);
    CHECK(run.latency_limit == base::Nanos{1s});
    CHECK(run.query_type == "mixed");
    CHECK(run.mix == "select=1");
    CHECK(run.key_distribution == workload::KeyDistribution::zipf);
    CHECK(run.prepared);
    CHECK(run.random_seed == 18446744073709551615ULL);
    CHECK(run.measure_network);
    CHECK(run.disable_logging);
    CHECK(run.format == cli::Format::json);
    CHECK(run.json == "out.json");
    CHECK(run.color == cli::Color::never);
    CHECK(run.unsafe_fast);
    CHECK(run.scale == 0.5);
    CHECK(run.scale_given);

    CHECK(cli::read_run_options({"-P", "2"}).progress == base::Nanos{2s});
    CHECK(cli::read_run_options({"--rate", "0.5"}).rate_per_s == 0.5);
    CHECK_FALSE(cli::read_run_options({"--rate", "0.5"}).find_rate);
    const auto found = cli::read_run_options({"--rate", "auto"});
    CHECK(found.find_rate);
    CHECK_FALSE(found.rate_per_s);
    CHECK_THROWS_WITH(cli::read_run_options({"-R", "fast"}),
                      "--rate: \"fast\" is neither a number above 0 nor auto");
    CHECK_THROWS_WITH(cli::read_plan_options({"--rate", "auto"}),
                      Catch::Matchers::Contains("measures a server"));
    CHECK(cli::read_run_options({"-c", "auto"}).find_connections);
    CHECK_FALSE(cli::read_run_options({"-c", "7"}).find_connections);
    CHECK_THROWS_WITH(cli::read_run_options({"-c", "many"}),
                      "--connections: \"many\" is neither a whole number from 1 to 65535 nor auto");
    CHECK(cli::read_run_options({"--ephemeral"}).ephemeral);
    const auto own = cli::read_run_options({"--scenario", "mine.json"});
    CHECK(own.scenario == "mine.json");
    CHECK_FALSE(own.query_type);
    CHECK(cli::read_run_options({"--mix", "select=1"}).query_type == "mixed");
    const auto measured = cli::read_run_options({"--real-simulation", "--peak-rate=auto"});
    CHECK_FALSE(measured.peak_rate_per_s);
    CHECK(measured.peak_rate_given);
}

TEST_CASE("JSON on stdout takes the text report's place") {
    const auto run = cli::read_run_options({"--json", "-"});
    CHECK(run.format == cli::Format::json);
    CHECK_FALSE(run.json);
    CHECK_THROWS_WITH(cli::read_run_options({"--json", "-", "--format", "text"}),
                      Catch::StartsWith("--json: "));
}

TEST_CASE("the resolved options hold every value in the table's order, and no password") {
    const auto run =
        cli::read_run_options({"-d", "postgresql://app:secret@db/shop", "-c", "7", "--ephemeral=false"});
    std::vector<std::string> names;
    for (const auto& [name, value] : run.resolved) {
        names.push_back(name);
        CHECK(value.find("secret") == std::string::npos);
        if (name == "connections") CHECK(value == "7");
        if (name == "duration") CHECK(value == "60");
        if (name == "measure-network") CHECK(value == "false");
    }
    std::vector<std::string> expected;
    for (const auto* row : rows_of(Command::run)) {
        const bool has_value = row->is_flag() || !row->fallback.empty() || row->name == "database-url";
        if (has_value && !row->only_asks) expected.emplace_back(row->name);
    }
    CHECK(names == expected);
}

TEST_CASE("of a repeatable option every value counts, commas and all") {
    const cli::ParsedOptions parsed{
        Command::run, {"--threshold", "a,b", "--threshold=c", "-c", "3", "--threshold", "a,b", "-c", "4"}};
    CHECK(parsed.texts("threshold") == std::vector<std::string>{"a,b", "c", "a,b"});
    CHECK(parsed.texts("abort-if").empty());
    CHECK(parsed.text("connections") == "4");
    std::vector<std::string> values;
    for (const auto& [name, value] : parsed.resolved()) {
        CHECK(name != "abort-if");
        if (name == "threshold") values.push_back(value);
    }
    CHECK(values == std::vector<std::string>{"a,b", "c", "a,b"});

    const auto run = cli::read_run_options(
        {"--threshold", "failed<1", "--abort-if=failed>5", "--abort-window", "3s", "--strict"});
    CHECK(run.thresholds == std::vector<std::string>{"failed<1"});
    CHECK(run.abort_if == std::vector<std::string>{"failed>5"});
    CHECK(run.abort_window == 3s);
    CHECK(run.strict);
    CHECK_FALSE(cli::read_run_options({}).strict);
}

TEST_CASE("init, cleanup and plan read their own options") {
    const auto init = cli::read_init_options({"-dshop", "--scale=2", "--random-seed", "9", "--reset"});
    CHECK(init.database == "shop");
    CHECK(init.scale == 2);
    CHECK(init.random_seed == 9);
    CHECK(init.reset);
    CHECK(cli::read_init_options({}).random_seed == 1);
    CHECK(cli::read_cleanup_options({"-h", "db"}).host == "db");
    const auto plan =
        cli::read_plan_options({"--pattern", "business-hours", "--peak-rate", "200", "-T", "1h"});
    CHECK(plan.duration == 1h);
    CHECK(plan.peak_rate_per_s == 200);
    CHECK(cli::read_show_name({"mixed"}) == "mixed");
}
