// The documents against the program: a table of options that forgot one, a link that leads nowhere and an
// example that is refused are found here, not by a reader.
#include <filesystem>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "pgtraffic/cli/options.hpp"
#include "pgtraffic/workload/scenario.hpp"
#include "support/catch.hpp"
#include "support/folder.hpp"

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

TEST_CASE("the README's tables name every option of a run, and no other") {
    std::set<std::string> documented;
    std::istringstream lines{test::read_file(fs::path{PGTRAFFIC_SOURCE_DIR} / "README.md")};
    for (std::string line; std::getline(lines, line);) {
        const auto cell = line.substr(0, line.find(" | ", 2));  // of a table's row
        if (line.starts_with("| `-")) {
            for (const auto& name : matches(cell, "--([a-z][a-z-]*)")) documented.insert(name);
        }
    }
    std::set<std::string> known;
    for (const auto& row : cli::option_table()) {
        if (row.belongs_to(cli::Command::run)) known.emplace(row.name);
    }
    CHECK(documented == known);
}

TEST_CASE("every link between the documents leads to a file") {
    std::size_t links = 0;
    for (const auto& document : documents()) {
        for (const auto& target : matches(test::read_file(document), R"(\]\(([^)#:]+)\))")) {
            ++links;
            INFO(document.filename() << " links to " << target);
            CHECK(fs::exists(document.parent_path() / target));
        }
    }
    CHECK(links > 5);
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

TEST_CASE("the README's scenario is one that the program takes") {
    std::size_t scenarios = 0;
    for (const auto& block : blocks(test::read_file(fs::path{PGTRAFFIC_SOURCE_DIR} / "README.md"), "json")) {
        const auto document = base::parse_json(block, "README.md");
        const auto scenario = workload::parse_scenario({document, "README.md"});
        CHECK(scenario.operations.size() == 2);
        ++scenarios;
    }
    CHECK(scenarios == 1);
}
