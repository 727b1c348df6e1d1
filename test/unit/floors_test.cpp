// The floors of docs/architecture.md, read off the files themselves: who includes whom, which headers stay in
// their folder, and the few habits that a reader can count on. The checker is a function of a path and a
// text, so that made-up violations show that it can fail.
#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "support/catch.hpp"
#include "support/folder.hpp"

namespace {

namespace fs = std::filesystem;
using std::string_view;

const std::map<string_view, int>& floors() {
    static const std::map<string_view, int> kFloors{
        {"base", 0},    {"postgres", 1},   {"event_loop", 1}, {"traffic", 1}, {"workload", 1},
        {"metrics", 1}, {"simulation", 2}, {"brickhouse", 2}, {"report", 3},  {"cli", 4},
    };
    return kFloors;
}
constexpr int kMainFloor = 5;

/// "traffic" of "include/pgtraffic/traffic/x.hpp" and of "src/traffic/x.cpp"; empty for src/main.cpp.
std::string folder_of(const fs::path& path) {
    std::vector<std::string> parts;
    for (const auto& part : path) parts.push_back(part.string());
    const std::size_t at = parts.front() == "include" ? 2 : 1;
    return parts.size() > at + 1 ? parts[at] : "";
}

bool within(string_view path, string_view top) {
    return path.substr(0, top.size()) == top;
}

/// Belongs to a library, and may be included only in the folder that wraps it.
string_view only_in(string_view header) {
    if (header == "uv.h" || within(header, "uv/") || header == "microhttpd.h" || header == "sys/epoll.h")
        return "event_loop";
    if (header == "libpq-fe.h" || header == "libpq-events.h" || header == "postgres_ext.h" ||
        within(header, "libpq/") || within(header, "openssl/"))
        return "postgres";
    return "";
}

bool is_for_threads(string_view header) {
    constexpr std::array<string_view, 12> kHeaders{
        "thread",    "mutex", "atomic",  "shared_mutex", "condition_variable", "future",
        "semaphore", "latch", "barrier", "stop_token",   "pthread.h",          "threads.h"};
    return std::find(kHeaders.begin(), kHeaders.end(), header) != kHeaders.end();
}

/// What is wrong with `#include <header>` (or "header") in a file of `folder`; empty when nothing is.
std::string complaint_on_include(const std::string& folder, const std::string& header, bool quoted) {
    if (is_for_threads(header)) return "one thread only";
    const auto home = only_in(header);
    if (!home.empty() && home != folder) return "belongs in " + std::string{home} + "/";
    if (!quoted) return within(header, "pgtraffic/") ? "our own headers are quoted" : "";
    if (!within(header, "pgtraffic/")) return "our own headers are named from pgtraffic/ on";

    const auto target = floors().find(folder_of("include/" + header));
    if (target == floors().end()) return "a folder without a floor";
    if (target->first == folder) return "";
    const auto own = floors().find(folder);
    const int own_floor = own == floors().end() ? kMainFloor : own->second;
    if (target->second > own_floor) return "a higher floor";
    return target->second == own_floor ? "folders on one floor do not know each other" : "";
}

void check_includes(const std::string& path, const std::string& folder, string_view text,
                    std::vector<std::string>& found) {
    static const std::regex kInclude{R"(^\s*#\s*include\s*([<"])([^>"]+)[>"])"};
    std::istringstream lines{std::string{text}};
    std::string line;
    for (int number = 1; std::getline(lines, line); ++number) {
        std::smatch match;
        if (!std::regex_search(line, match, kInclude)) continue;
        const auto complaint = complaint_on_include(folder, match[2], match[1] == "\"");
        if (!complaint.empty())
            found.push_back(path + ":" + std::to_string(number) + ": " + match[2].str() + ": " + complaint);
    }
}

/// Everything wrong with the file of that text, whose path is relative to the source directory.
std::vector<std::string> violations(const std::string& path, string_view text) {
    std::vector<std::string> found;
    const auto complain = [&](const std::string& what) { found.push_back(path + ": " + what); };
    const bool product = within(path, "include/") || within(path, "src/");
    const bool header = fs::path{path}.extension() == ".hpp";

    if (product) {
        const auto folder = folder_of(path);
        if (path != "src/main.cpp" && !floors().contains(folder)) complain("a folder without a floor");
        check_includes(path, folder, text, found);
        if (!folder.empty() && text.find("namespace pgtraffic::" + folder) == string_view::npos)
            complain("not in namespace pgtraffic::" + folder);
    }
    if (header && text.find("\n#pragma once\n") == string_view::npos) complain("no #pragma once");
    if (header && !within(text, "// ")) complain("does not open by saying what it is for");

    // This file speaks of sleep to show that the checker sees it.
    static const std::regex kSleep{R"(\b(sleep_for|sleep_until|usleep|nanosleep)\b|\bsleep\s*\()"};
    const bool test = within(path, "test/") && path != "test/unit/floors_test.cpp";
    if (test && std::regex_search(text.begin(), text.end(), kSleep))
        complain("waits for time, not for an event");
    // In pieces, or this file would accuse itself.
    static const std::regex kUnfinished{
        "\\b(TO"
        "DO|FIX"
        "ME|X"
        "XX)\\b"};
    if (std::regex_search(text.begin(), text.end(), kUnfinished)) complain("unfinished");
    return found;
}

std::vector<std::string> source_files(string_view top) {
    std::vector<std::string> found;
    const fs::path root{PGTRAFFIC_SOURCE_DIR};
    for (const auto& entry : fs::recursive_directory_iterator{root / top}) {
        const auto extension = entry.path().extension();
        if (extension == ".hpp" || extension == ".cpp" || extension == ".h" || extension == ".cc")
            found.push_back(fs::relative(entry.path(), root).string());
    }
    std::sort(found.begin(), found.end());
    return found;
}

/// The headers of ours that a file includes, and those that these include.
std::set<std::string> included_by(const std::string& path) {
    static const std::regex kOurs{R"re(#include "(pgtraffic/[^"]+)")re"};
    std::set<std::string> found;
    std::vector<std::string> open{path};
    while (!open.empty()) {
        const auto text = pgtraffic::test::read_file(fs::path{PGTRAFFIC_SOURCE_DIR} / open.back());
        open.pop_back();
        for (std::sregex_iterator at{text.begin(), text.end(), kOurs}; at != std::sregex_iterator{}; ++at) {
            const auto header = "include/" + (*at)[1].str();
            if (found.insert(header).second) open.push_back(header);
        }
    }
    return found;
}

/// The text of a header of that namespace with one more line in it.
std::string header_with(const std::string& folder, const std::string& line) {
    return "// What it is for.\n#pragma once\n" + line + "\nnamespace pgtraffic::" + folder + " {}\n";
}

std::size_t count_for(const std::string& folder, const std::string& line) {
    return violations("include/pgtraffic/" + folder + "/made_up.hpp", header_with(folder, line)).size();
}

}  // namespace

TEST_CASE("what is told the time knows no loop, not even by what it includes") {
    for (const std::string part : {"plan", "events", "dispatcher", "loads", "peak_search", "measurement",
                                   "announcer", "row_budget", "loop_load", "wakes", "deadlines", "pauses"}) {
        INFO(part);
        const auto headers = included_by("include/pgtraffic/simulation/" + part + ".hpp");
        CHECK_FALSE(headers.empty());
        CHECK(std::ranges::none_of(
            headers, [](const auto& header) { return within(header, "include/pgtraffic/event_loop/"); }));
    }
    CHECK(included_by("include/pgtraffic/simulation/crew.hpp")
              .contains("include/pgtraffic/event_loop/loop.hpp"));
}

TEST_CASE("every file keeps to its floor and to the habits of the house") {
    std::size_t files = 0;
    for (const auto* top : {"include", "src", "test", "bench"}) {
        if (!fs::exists(fs::path{PGTRAFFIC_SOURCE_DIR} / top)) continue;
        for (const auto& path : source_files(top)) {
            ++files;
            for (const auto& violation :
                 violations(path, pgtraffic::test::read_file(fs::path{PGTRAFFIC_SOURCE_DIR} / path)))
                FAIL_CHECK(violation);
        }
    }
    CHECK(files > 50);
}

TEST_CASE("the checker sees a floor broken") {
    CHECK(count_for("traffic", "#include \"pgtraffic/base/time.hpp\"") == 0);
    CHECK(count_for("traffic", "#include \"pgtraffic/traffic/pattern.hpp\"") == 0);
    CHECK(count_for("simulation", "#include \"pgtraffic/event_loop/loop.hpp\"") == 0);
    CHECK(count_for("cli", "#include \"pgtraffic/report/text.hpp\"") == 0);

    CHECK(count_for("base", "#include \"pgtraffic/metrics/outcome.hpp\"") == 1);
    CHECK(count_for("report", "#include \"pgtraffic/cli/options.hpp\"") == 1);
    CHECK(count_for("traffic", "#include \"pgtraffic/workload/scenario.hpp\"") == 1);
    CHECK(count_for("simulation", "#include \"pgtraffic/brickhouse/model.hpp\"") == 1);
    CHECK(count_for("brickhouse", "  #  include \"pgtraffic/simulation/session.hpp\"") == 1);
    CHECK(count_for("traffic", "#include \"pgtraffic/attic/box.hpp\"") == 1);
    CHECK(count_for("traffic", "#include \"../workload/scenario.hpp\"") == 1);
    CHECK(count_for("traffic", "#include <pgtraffic/workload/scenario.hpp>") == 1);
    CHECK(count_for("attic", "") == 1);

    const std::string in_a_source = "#include \"pgtraffic/cli/run.hpp\"\nnamespace pgtraffic::metrics {}\n";
    CHECK(violations("src/metrics/result.cpp", in_a_source) ==
          std::vector<std::string>{"src/metrics/result.cpp:1: pgtraffic/cli/run.hpp: a higher floor"});
    CHECK(violations("src/main.cpp", "#include \"pgtraffic/cli/run.hpp\"\nint main() {}\n").empty());
}

TEST_CASE("the checker sees a library outside its folder, and threads anywhere") {
    CHECK(count_for("event_loop", "#include <uv.h>") == 0);
    CHECK(count_for("postgres", "#include <libpq-fe.h>") == 0);
    CHECK(count_for("simulation", "#include <uv.h>") == 1);
    CHECK(count_for("postgres", "#include <uv.h>") == 1);
    CHECK(count_for("event_loop", "#include <sys/epoll.h>") == 0);
    CHECK(count_for("simulation", "#include <sys/epoll.h>") == 1);
    CHECK(count_for("event_loop", "#include <microhttpd.h>") == 0);
    CHECK(count_for("report", "#include <microhttpd.h>") == 1);
    CHECK(count_for("event_loop", "#include <libpq-fe.h>") == 1);
    CHECK(count_for("report", "#include <libpq/libpq-fs.h>") == 1);
    for (const auto* name : {"thread", "mutex", "atomic", "shared_mutex", "condition_variable", "future"})
        CHECK(count_for("event_loop", "#include <" + std::string{name} + ">") == 1);
}

TEST_CASE("the checker sees a header without its guard or its purpose") {
    const std::string path = "include/pgtraffic/base/made_up.hpp";
    CHECK(violations(path, "// What it is for.\nnamespace pgtraffic::base {}\n").size() == 1);
    CHECK(violations(path, "\n#pragma once\nnamespace pgtraffic::base {}\n").size() == 1);
    CHECK(violations(path, "// What it is for.\n#pragma once\nnamespace pgtraffic {}\n").size() == 1);
    CHECK(violations("test/support/made_up.hpp", "int x;\n").size() == 2);
}

TEST_CASE("the checker sees a test that sleeps and work left undone") {
    const std::string path = "test/unit/made_up_test.cpp";
    CHECK(violations(path, "select pg_sleep(1); /* sleeps */ asleep();").empty());
    for (const auto* call :
         {"std::this_thread::sleep_for(1s)", "usleep(10)", "sleep (1)", "::nanosleep(&t, {})"})
        CHECK(violations(path, call).size() == 1);
    for (const auto* word : {"// TO"
                             "DO: later",
                             "FIX"
                             "ME",
                             "/* X"
                             "XX */"})
        CHECK(violations(path, word).size() == 1);
}
