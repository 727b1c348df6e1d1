// `pgtraffic report` and `pgtraffic compare` as a user runs them: what they write, and what they say to files
// that are no results.
#include <filesystem>
#include <memory>
#include <string>

#include "pgtraffic/report/json.hpp"
#include "support/catch.hpp"
#include "support/folder.hpp"
#include "support/real_run.hpp"
#include "support/sample_result.hpp"
#include "support/subprocess.hpp"

using namespace pgtraffic;
using test::run_pgtraffic;
using test::TemporaryFile;
using Json = nlohmann::ordered_json;

namespace {

Json sample() {
    return report::json_report(test::sample_open_run());
}

/// The same of another run.
Json sample(const char* id) {
    auto result = sample();
    result["run"]["id"] = id;
    return result;
}

/// A path that nothing has, in a folder of its own.
class NewFile {
 public:
    [[nodiscard]] std::string path() const { return folder_ / "page.html"; }

 private:
    test::Folder folder_;
};

void check_refused(const std::vector<std::string>& arguments, const std::string& words) {
    const auto result = run_pgtraffic(arguments);
    INFO(result.err);
    CHECK(result.exit_code == 1);
    CHECK(result.out.empty());
    CHECK(result.err.starts_with("pgtraffic: "));
    CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
    CHECK(result.err.find(words) != std::string::npos);
}

}  // namespace

TEST_CASE("report writes the page of an earlier run") {
    const TemporaryFile result{report::json_text(sample())};
    const NewFile page;
    const auto written = run_pgtraffic({"report", result.path(), "--html", page.path()});
    INFO(written.err);
    CHECK(written.exit_code == 0);
    CHECK(written.out.empty());
    const auto printed = run_pgtraffic({"report", result.path(), "--html", "-"});
    CHECK(printed.exit_code == 0);
    CHECK(printed.out.starts_with("<!DOCTYPE html>"));
    CHECK(printed.out == test::read_file(page.path()));
}

TEST_CASE("a result and a scenario can come from standard input") {
    test::ProcessOptions options;
    options.input = report::json_text(sample());
    const auto page = run_pgtraffic({"report", "-", "--html", "-"}, options);
    INFO(page.err);
    CHECK(page.exit_code == 0);
    CHECK(page.out.starts_with("<!DOCTYPE html>"));
    const TemporaryFile other{report::json_text(sample("b"))};
    CHECK(run_pgtraffic({"compare", other.path(), "-"}, options).exit_code == 0);
    check_refused({"compare", "-", "-"}, "- is standard input, which holds one result");

    options.input =
        R"({"name": "mine", "operations": [{"name": "one", "statements": [{"sql": "select 1"}]}]})";
    const auto plan = run_pgtraffic({"plan", "--scenario", "-", "--rate", "5", "-T", "1"}, options);
    INFO(plan.err);
    CHECK(plan.exit_code == 0);
    options.input = "{\"name\":";
    CHECK(
        run_pgtraffic({"plan", "--scenario", "-"}, options).err.starts_with("pgtraffic: standard input:1:"));
}

TEST_CASE("a reader that has seen enough of a page is no error") {
    const TemporaryFile result{report::json_text(sample())};
    test::ProcessOptions options;
    options.out = test::Stdout::broken_pipe;
    const auto page = run_pgtraffic({"report", result.path(), "--html", "-"}, options);
    CHECK(page.exit_code == 0);
    CHECK(page.err.empty());
}

TEST_CASE("report refuses what is no result, and leaves no file behind") {
    auto newer = sample();
    newer["schema_version"] = 2;
    auto damaged = sample();
    damaged["phases"][1]["ok"] = "many";
    const auto whole = report::json_text(sample());
    const TemporaryFile cut{whole.substr(0, whole.size() / 2)};
    const TemporaryFile foreign{R"({"results": [1, 2, 3]})"};
    const TemporaryFile version{newer.dump()};
    const TemporaryFile wrong{damaged.dump()};
    const NewFile page;
    check_refused({"report", cut.path(), "--html", page.path()}, cut.path() + ":");
    check_refused({"report", foreign.path(), "--html", page.path()}, "it is no result of pgtraffic");
    check_refused({"report", version.path(), "--html", page.path()},
                  "/schema_version: schema version 2 is unknown");
    check_refused({"report", wrong.path(), "--html", page.path()}, "/phases/1/ok: must be a whole number");
    check_refused({"report", "/nowhere/x.json", "--html", page.path()}, "/nowhere/x.json: cannot read it");
    CHECK_FALSE(std::filesystem::exists(page.path()));
}

TEST_CASE("report says what is missing or cannot be written") {
    const TemporaryFile result{report::json_text(sample())};
    check_refused({"report"}, "name the result");
    check_refused({"report", result.path()}, "--html FILE says where the page goes");
    check_refused({"report", result.path(), "--html", result.path()}, "that is the result itself");
    const auto spelled = "/tmp/../" + std::filesystem::absolute(result.path()).string();
    check_refused({"report", result.path(), "--html", spelled}, "that is the result itself");
    check_refused({"report", result.path(), "--html", "/nowhere/page.html"}, "--html: cannot write");
    check_refused({"report", result.path(), "second.json", "--html", "x"}, "unexpected word");
    test::ProcessOptions full;
    full.out = test::Stdout::full_disk;
    const auto on_full = run_pgtraffic({"report", result.path(), "--html", "-"}, full);
    CHECK(on_full.exit_code == 1);
    CHECK(on_full.err.find("No space left") != std::string::npos);
}

TEST_CASE("run knows before the load that its page cannot be written") {
    check_refused({"run", "--ephemeral", "--html", "/nowhere/page.html"}, "--html: cannot write");
    check_refused({"run", "--ephemeral", "--html", "-", "--json", "-"}, "--html");
    check_refused({"run", "--ephemeral", "--html", "same", "--json", "same"}, "is the file of --json, too");
}

TEST_CASE("compare tells the change and exits by its conditions") {
    auto slower = sample("b");
    for (auto* figure : {&slower["summary"]["response_ms"]["p99"], &slower["summary"]["response_ms"]["p50"]})
        *figure = figure->get<double>() * 2;
    const TemporaryFile a{sample().dump()};
    const TemporaryFile b{slower.dump()};
    const TemporaryFile c{sample("c").dump()};
    const auto same = run_pgtraffic({"compare", a.path(), c.path(), "--fail-if", "response.p99>+10%"});
    CHECK(same.exit_code == 0);
    CHECK(same.out.find("No difference from A can be shown") != std::string::npos);
    const auto changed = run_pgtraffic(
        {"compare", a.path(), b.path(), "--fail-if", "response.p99>+10%", "--fail-if", "throughput<-5%"});
    CHECK(changed.exit_code == 99);
    CHECK(changed.out.find("response.p99>+10%: +100.0 % in B: FAILED") != std::string::npos);
    CHECK(changed.out.find("throughput<-5%: 0 % in B: ok") != std::string::npos);
    const NewFile page;
    const auto as_json =
        run_pgtraffic({"compare", a.path(), b.path(), c.path(), "--format", "json", "--html", page.path()});
    CHECK(as_json.exit_code == 0);
    CHECK(Json::parse(as_json.out)["runs"].size() == 3);
    CHECK(test::read_file(page.path()).find("id=\"chart-p99\"") != std::string::npos);
    const auto beside = run_pgtraffic({"compare", a.path(), b.path(), "--html", "-"});
    CHECK(beside.out.starts_with("<!DOCTYPE html>"));
    CHECK(beside.err.find("pgtraffic compare: mixed") != std::string::npos);
}

TEST_CASE("compare takes groups of runs, parted by vs") {
    std::vector<std::unique_ptr<TemporaryFile>> files;
    for (const auto* id : {"1", "2", "3", "4", "5"}) {
        files.push_back(std::make_unique<TemporaryFile>(sample(id).dump()));
    }
    const auto path = [&](std::size_t i) { return files.at(i)->path(); };
    const auto single = run_pgtraffic({"compare", path(0), "vs", path(1), "--format", "json"});
    const auto groups =
        run_pgtraffic({"compare", path(0), path(1), "vs", path(2), path(3), path(4), "--format", "json"});
    INFO(groups.err);
    check_refused({"compare", path(0), path(1), "vs", path(2), path(2)}, "B1 (\"" + path(2) + "\") and B2");
    check_refused({"compare", path(0), path(1), "vs", path(1), path(2), "--anyway"}, "are the same run");
    // Also without groups: beside itself a run never differs, and each condition holds.
    check_refused({"compare", path(0), path(0)},
                  "A (\"" + path(0) + "\") and B (\"" + path(0) + "\") are the same run");
    check_refused({"compare", path(0), path(1), path(1)}, "are the same run");
    REQUIRE(groups.exit_code == 0);
    REQUIRE(single.exit_code == 0);
    CHECK(Json::parse(single.out)["runs"][1]["label"] == "B");
    const auto as_json = Json::parse(groups.out);
    CHECK(as_json["runs"].size() == 5);
    CHECK(as_json["runs"][4]["label"] == "B3");
    CHECK(as_json["figures"][0]["values"].size() == 2);
}

TEST_CASE("compare refuses other loads unless told") {
    auto faster = sample("b");
    faster["config"]["rate"] = 600;
    const TemporaryFile a{sample().dump()};
    const TemporaryFile b{faster.dump()};
    check_refused({"compare", a.path(), b.path()},
                  "rate: none in A, 600 in B. --anyway compares them all the same");
    const auto anyway = run_pgtraffic({"compare", a.path(), b.path(), "--anyway"});
    CHECK(anyway.exit_code == 0);
    CHECK(anyway.out.find("rate: none in A, 600 in B") != std::string::npos);
}

TEST_CASE("compare says what is wrong with its words") {
    const TemporaryFile a{sample().dump()};
    const TemporaryFile b{sample("b").dump()};
    const TemporaryFile foreign{"[]"};
    check_refused({"compare", a.path()}, "at least two results");
    check_refused({"compare", a.path(), "vs"}, "on both sides of vs");
    check_refused({"compare", "vs", a.path(), a.path()}, "on both sides of vs");
    check_refused({"compare", a.path(), a.path(), "vs", a.path()}, "at least two on each side of vs");
    check_refused({"compare", a.path(), foreign.path()}, foreign.path() + ": /: it is no result");
    check_refused({"compare", a.path(), b.path(), "--fail-if", "response.p99>10ms"}, "--fail-if");
    check_refused({"compare", a.path(), b.path(), "--fail-if", "respnse.p99>+10%"}, "column 1");
    check_refused({"compare", a.path(), b.path(), "--fail-if", "throughput<5%"},
                  "written with its sign: <-5%");
    check_refused({"compare", a.path(), a.path(), "--html", a.path()}, "that is one of the results");
    check_refused({"compare", a.path(), a.path(), "--html", "/tmp/../" + a.path()},
                  "that is one of the results");
    check_refused({"compare", a.path(), b.path(), "--html", "/nowhere/c.html"}, "--html: cannot write");
    check_refused({"compare", a.path(), a.path(), "--format", "json", "--html", "-"}, "--format json");
    check_refused({"compare", a.path(), a.path(), "--fail-iff", "x"}, "did you mean \"--fail-if\"?");
    std::vector<std::string> many{"compare"};
    many.insert(many.end(), 21, a.path());
    check_refused(many, "at most 20");
}
