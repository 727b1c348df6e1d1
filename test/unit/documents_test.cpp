// The documents against the program: a table of options that forgot one, a link that leads nowhere and an
// example that is refused are found here, not by a reader.
#include <algorithm>
#include <cctype>
#include <filesystem>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "pgtraffic/cli/options.hpp"
#include "pgtraffic/report/pgbench.hpp"
#include "pgtraffic/traffic/pattern.hpp"
#include "pgtraffic/workload/pgbench_script.hpp"
#include "pgtraffic/workload/scenario.hpp"
#include "support/catch.hpp"
#include "support/folder.hpp"
#include "support/sample_result.hpp"

using namespace pgtraffic;

namespace {

namespace fs = std::filesystem;

/// README.md and every page of docs/.
std::vector<fs::path> documents() {
    const fs::path root{PGTRAFFIC_SOURCE_DIR};
    std::vector<fs::path> found{root / "README.md"};
    for (const auto& entry : fs::directory_iterator{root / "docs"}) {
        if (entry.path().extension() == ".md") found.push_back(entry.path());
    }
    return found;
}

std::vector<std::string> matches(const std::string& text, const char* pattern) {
    const std::regex regex{pattern};
    std::vector<std::string> found;
    for (std::sregex_iterator at{text.begin(), text.end(), regex}; at != std::sregex_iterator{}; ++at)
        found.push_back((*at)[1]);
    return found;
}

/// What a link's "#" can name: the headings in small letters, without punctuation, a hyphen for each space.
std::vector<std::string> anchors_of(const std::string& text) {
    std::vector<std::string> anchors;
    std::istringstream lines{text};
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with("#")) continue;
        const auto heading = line.substr(line.find_first_not_of("# "));
        auto& anchor = anchors.emplace_back();
        for (const char c : heading) {
            const auto byte = static_cast<unsigned char>(c);
            if (c == ' ') anchor += '-';
            if (c == '-' || c == '_' || byte >= 0x80 || std::isalnum(byte) != 0)
                anchor += static_cast<char>(std::tolower(byte));
        }
    }
    return anchors;
}

/// What begins a row of the page's tables and is an option.
std::set<std::string> options_in(const char* page) {
    std::set<std::string> found;
    std::istringstream lines{test::read_file(fs::path{PGTRAFFIC_SOURCE_DIR} / page)};
    for (std::string line; std::getline(lines, line);) {
        const auto cell = line.substr(0, line.find(" | ", 2));
        if (line.starts_with("| `-")) {
            for (const auto& name : matches(cell, "--([a-z][a-z-]*)")) found.insert(name);
        }
    }
    return found;
}

/// The inside of every block that is fenced as that language.
std::vector<std::string> blocks(const std::string& text, const std::string& language) {
    const std::string opening = "```" + language + "\n";
    std::vector<std::string> found;
    for (auto at = text.find(opening); at != std::string::npos; at = text.find(opening, at)) {
        at += opening.size();
        const auto end = text.find("```", at);
        REQUIRE(end != std::string::npos);
        found.push_back(text.substr(at, end - at));
        at = end + 3;
    }
    return found;
}

}  // namespace

TEST_CASE("the tables name every option of a run, and no other; the README's some of them") {
    std::set<std::string> known;
    for (const auto& row : cli::option_table()) {
        if (row.belongs_to(cli::Command::run)) known.emplace(row.name);
    }
    CHECK(options_in("docs/options.md") == known);
    const auto often_used = options_in("README.md");
    CHECK(often_used.size() > 5);
    CHECK(std::ranges::includes(known, often_used));
}

TEST_CASE("the page of the result names every code of a warning") {
    const auto page = test::read_file(fs::path{PGTRAFFIC_SOURCE_DIR} / "docs/result.md");
    std::size_t codes = 0;
    const char* made = R"re((?:warnings\.push_back\(\s*\{|\bwarn\(\s*result, |Warning = )"([a-z_]+)")re";
    for (const char* folder : {"src", "include"}) {
        for (const auto& file : fs::recursive_directory_iterator{fs::path{PGTRAFFIC_SOURCE_DIR} / folder}) {
            if (!file.is_regular_file()) continue;
            for (const auto& code : matches(test::read_file(file.path()), made)) {
                ++codes;
                INFO(code);
                CHECK(page.find("`" + code + "`") != std::string::npos);
            }
        }
    }
    CHECK(codes > 15);
}

TEST_CASE("every link between the documents leads to a file, and to a heading in it") {
    std::size_t links = 0;
    for (const auto& document : documents()) {
        for (const auto& link : matches(test::read_file(document), R"(\]\(([^):]+)\))")) {
            ++links;
            INFO(document.filename() << " links to " << link);
            const auto hash = link.find('#');
            const auto target = hash == 0 ? document : document.parent_path() / link.substr(0, hash);
            REQUIRE(fs::exists(target));
            if (hash == std::string::npos) continue;
            const auto anchors = anchors_of(test::read_file(target));
            CHECK(std::count(anchors.begin(), anchors.end(), link.substr(hash + 1)) == 1);
        }
    }
    CHECK(links > 50);
}

TEST_CASE("the README names every page") {
    const auto readme = test::read_file(fs::path{PGTRAFFIC_SOURCE_DIR} / "README.md");
    const auto list = readme.substr(readme.find("\n## Documents\n"));
    for (const auto& document : documents()) {
        if (document.filename() == "README.md") continue;
        INFO(document.filename());
        CHECK(list.find("(docs/" + document.filename().string() + ")") != std::string::npos);
    }
}

TEST_CASE("every script that says what runs it can be started by its name") {
    const fs::path root{PGTRAFFIC_SOURCE_DIR};
    std::vector<fs::path> files{root / "run_simulation.sh", root / "run_tests.sh", root / ".ci/run"};
    for (const char* folder : {"bench", "test", "packaging"}) {
        for (const auto& entry : fs::recursive_directory_iterator{root / folder})
            files.push_back(entry.path());
    }
    std::size_t scripts = 0;
    for (const auto& file : files) {
        if (!fs::is_regular_file(file) || !test::read_file(file).starts_with("#!")) continue;
        ++scripts;
        INFO(file);
        CHECK((fs::status(file).permissions() & fs::perms::owner_exec) != fs::perms::none);
    }
    CHECK(scripts >= 7);
}

TEST_CASE("the scenarios and patterns of the documents are ones that the program takes") {
    std::size_t scenarios = 0;
    std::size_t patterns = 0;
    for (const char* name : {"README.md", "docs/scenarios.md"}) {
        for (const auto& block : blocks(test::read_file(fs::path{PGTRAFFIC_SOURCE_DIR} / name), "json")) {
            const auto document = base::parse_json(block, name);
            if (document.contains("phases")) {
                CHECK(traffic::parse_pattern({document, name}).phases.size() == 3);
                ++patterns;
            } else {
                CHECK(workload::parse_scenario({document, name}).operations.size() >= 2);
                ++scenarios;
            }
        }
    }
    CHECK(scenarios == 2);
    CHECK(patterns == 1);
}

TEST_CASE("the examples are scenarios that the program takes, and the documents name each") {
    const auto page = test::read_file(fs::path{PGTRAFFIC_SOURCE_DIR} / "docs/scenarios.md");
    std::size_t examples = 0;
    for (const auto& entry : fs::directory_iterator{fs::path{PGTRAFFIC_SOURCE_DIR} / "examples"}) {
        INFO(entry.path());
        const auto path = entry.path().string();
        const auto scenario = entry.path().extension() == ".sql"
                                  ? workload::scenario_of_scripts({{path, 1}}, {})
                                  : workload::load_scenario_file(path);
        CHECK(scenario.name == entry.path().stem());
        CHECK(page.find("examples/" + entry.path().filename().string()) != std::string::npos);
        ++examples;
    }
    CHECK(examples >= 2);
}

TEST_CASE("the sample of pgbench's summary has the lines that are printed, in their order") {
    const auto page = test::read_file(fs::path{PGTRAFFIC_SOURCE_DIR} / "docs/integrations.md");
    const auto samples = blocks(page, "text");
    REQUIRE(samples.size() == 1);
    auto run = test::sample_open_run();
    run.max_tries = 7;
    const auto beginnings = [](const std::string& text) {
        return matches(text, "(?:^|\n)([a-z][a-z ]+)(?: \\(|: | = )");
    };
    const auto printed = beginnings(report::pgbench_report(run));
    const auto shown = beginnings(samples.front());
    REQUIRE(shown.size() > 10);
    CHECK(std::vector(printed.begin(), printed.begin() + static_cast<std::ptrdiff_t>(shown.size())) == shown);
}
