// Every line of docs/integrations.md, run on a result with everything in it.
#include <nlohmann/json.hpp>
#include <regex>
#include <string>
#include <vector>

#include "pgtraffic/report/json.hpp"
#include "support/catch.hpp"
#include "support/folder.hpp"
#include "support/real_run.hpp"
#include "support/sample_result.hpp"
#include "support/subprocess.hpp"
#include "support/text.hpp"

using namespace pgtraffic;
using test::lines_of;

namespace {

/// The shell commands of a section of the page.
std::vector<std::string> commands_of(const std::string& section) {
    const auto text = test::read_file(PGTRAFFIC_SOURCE_DIR "/docs/integrations.md");
    const auto from = section.empty() ? 0 : text.find("\n## " + section + "\n");
    REQUIRE(from != std::string::npos);
    const auto to = section.empty() ? text.size() : std::min(text.find("\n## ", from + 1), text.size());
    std::vector<std::string> commands;
    const std::string opening = "```sh\n";
    for (auto at = text.find(opening, from); at < to; at = text.find(opening, at)) {
        at += opening.size();
        commands.push_back(text.substr(at, text.find("```", at) - at));
    }
    return commands;
}

std::string output_of(const std::string& command, const metrics::RunResult& run) {
    const test::TemporaryFile file{report::json_text(report::json_report(run))};
    const auto on_file = std::regex_replace(command, std::regex{"result\\.json"}, file.path());
    const auto result = test::run_process({"bash", "-c", on_file});
    INFO(command << result.err);
    CHECK(result.exit_code == 0);
    CHECK(result.err.empty());
    return result.out;
}

/// Whether every line of the command's output has this form; at least one.
void check_lines(const std::string& command, const char* form) {
    for (const auto& run : {test::sample_open_run(), test::sample_closed_run()}) {
        const auto lines = lines_of(output_of(command, run));
        CHECK_FALSE(lines.empty());
        for (const auto& line : lines) {
            INFO(line);
            CHECK(std::regex_match(line, std::regex{form}));
        }
    }
}

}  // namespace

TEST_CASE("every command of the page runs without a complaint and prints something") {
    const auto commands = commands_of("");
    CHECK(commands.size() >= 12);
    for (const auto& command : commands) {
        INFO(command);
        // Of an interval nothing need be a lower bound; any other null is a name that no result has.
        const auto out = std::regex_replace(output_of(command, test::sample_open_run()),
                                            std::regex{R"("at_least_from":\s*null)"}, "");
        CHECK_FALSE(out.empty());
        CHECK(out.find("null") == std::string::npos);
    }
}

TEST_CASE("the lines have the forms of those who read them") {
    check_lines(
        commands_of("InfluxDB").at(0),
        R"(pgtraffic,scenario=\w+,run=[0-9a-f]{16},phase=[-\w]+ (\w+=[-0-9.eE+]+,)*\w+=[-0-9.eE+]+ \d{13})");
    check_lines(
        commands_of("Prometheus").at(0),
        R"RE(# (HELP|TYPE) pgtraffic_run_\w+ .+|[a-z_]+\{[a-z]+="\w+"(,[a-z]+="[\w.]+")?\} [-0-9.eE+]+)RE");
    check_lines(commands_of("Prometheus").at(1),
                R"RE(# TYPE \w+ gauge|# EOF|\w+\{scenario="\w+"\} [-0-9.eE+]+ \d{10}(\.\d+)?)RE");
    check_lines(commands_of("Graphite").at(0), R"(pgtraffic\.\w+ [-0-9.eE+]+ \d{10})");
    check_lines(commands_of("gnuplot").at(0), "[-0-9.eE+na]+(\t[-0-9.eE+na]+){3}");
}

TEST_CASE("names that hold a quote or a bar are escaped for those who read them") {
    auto run = test::sample_open_run();
    run.name = R"(say "hi" \o/)";
    run.operations.front().name = "a|b";
    const auto scenario = std::string{R"(scenario="say \"hi\" \\o/")"};
    CHECK(output_of(commands_of("Prometheus").at(0), run).find(scenario + ",outcome=") != std::string::npos);
    CHECK(output_of(commands_of("Prometheus").at(1), run).find("{" + scenario + "} ") != std::string::npos);
    CHECK(output_of(commands_of("Continuous integration").at(0), run).find("| a\\|b | ") !=
          std::string::npos);
}

TEST_CASE("the time of an interval survives in its milliseconds") {
    const auto run = test::sample_open_run();
    const auto lines = lines_of(output_of(commands_of("InfluxDB").at(0), run));
    REQUIRE(lines.size() == run.intervals.size());
    CHECK(lines.at(1).substr(lines.at(1).rfind(' ') + 1) == "1790000010000");
    const auto series = output_of(commands_of("Prometheus").at(1), run);
    CHECK(series.substr(series.size() - 6) == "# EOF\n");
}

TEST_CASE("a missed threshold is a failure in the JUnit report") {
    const auto xml = output_of(commands_of("Continuous integration").at(1), test::sample_open_run());
    CHECK(xml.find("tests=\"2\" failures=\"1\"") != std::string::npos);
    CHECK(xml.find("name=\"failed_ratio &lt; 0.1%\"><failure message=\"actual: ") != std::string::npos);
}
