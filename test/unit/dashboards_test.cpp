// The Grafana dashboards and the page that explains them against what is really served: a name that is asked
// for and does not exist is an empty panel, which nobody notices here.
#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <string>

#include "pgtraffic/report/json.hpp"
#include "pgtraffic/report/prometheus.hpp"
#include "support/catch.hpp"
#include "support/folder.hpp"
#include "support/sample_result.hpp"

using namespace pgtraffic;
using nlohmann::json;

namespace {

std::string read(const std::string& name) {
    auto text = test::read_file(PGTRAFFIC_SOURCE_DIR "/docs/" + name);
    REQUIRE_FALSE(text.empty());
    return text;
}

std::set<std::string> names_in(const std::string& text, const char* pattern) {
    const std::regex regex{pattern};
    std::set<std::string> names;
    for (std::sregex_iterator at{text.begin(), text.end(), regex}; at != std::sregex_iterator{}; ++at)
        names.insert((*at)[1]);
    return names;
}

/// A page with every family in it.
std::string full_page() {
    metrics::LiveMoment moment;
    moment.stage = metrics::Stage::measuring;
    moment.phase = "rush";
    moment.open_loop = true;
    moment.counts.operations.resize(1);
    moment.counts.operations[0].name = "one";
    moment.errors.emplace_back(base::SqlState{}, 1);
    return report::prometheus_text(moment, {}, {});
}

void each_target(const json& dashboard, const std::function<void(const json&)>& visit) {
    std::size_t seen = 0;
    for (const auto& panel : dashboard["panels"]) {
        for (const auto& target : panel["targets"]) {
            ++seen;
            visit(target);
        }
    }
    CHECK(seen > 8);
}

}  // namespace

TEST_CASE("every metric of the live dashboard is one that is served, and no served one is forgotten") {
    const auto page = full_page();
    const auto samples = names_in(page, R"((?:^|\n)([a-z_]+)[ {])");
    const auto families = names_in(page, R"(# TYPE ([a-z_]+) )");
    std::set<std::string> asked;
    each_target(json::parse(read("grafana/pgtraffic-live.json")), [&](const json& target) {
        const auto expression = target["expr"].get<std::string>();
        const auto names = names_in(expression, R"(\b((?:pgtraffic|process)_[a-z_]+))");
        CHECK_FALSE(names.empty());
        for (const auto& name : names) {
            INFO(name);
            CHECK(samples.contains(name));
            asked.insert(name);
        }
        const auto opened = std::count(expression.begin(), expression.end(), '(');
        CHECK(opened == std::count(expression.begin(), expression.end(), ')'));
    });
    CHECK(asked.size() > 12);
    CHECK(names_in(read("live.md"), R"(`((?:pgtraffic|process)_[a-z_]+)`)") == families);
}

TEST_CASE("every field of the result's dashboard is one of a result") {
    const json result = report::json_report(test::sample_open_run());
    each_target(json::parse(read("grafana/pgtraffic-result.json")), [&](const json& target) {
        const auto root = target["root_selector"].get<std::string>();
        INFO(root);
        REQUIRE(result.contains(root));
        const json& row = result[root].is_array() ? result[root].at(0) : result[root];
        for (const auto& column : target["columns"]) {
            INFO(column["selector"]);
            auto pointer = "/" + column["selector"].get<std::string>();  // "response_ms.p99" of a row
            std::replace(pointer.begin(), pointer.end(), '.', '/');
            CHECK(row.contains(json::json_pointer{pointer}));
        }
    });
}
