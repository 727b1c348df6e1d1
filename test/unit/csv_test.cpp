// The time series as CSV, read back by Python's csv module.
#include "pgtraffic/report/csv.hpp"

#include <nlohmann/json.hpp>

#include "pgtraffic/report/json.hpp"
#include "support/catch.hpp"
#include "support/sample_result.hpp"
#include "support/subprocess.hpp"

using namespace pgtraffic;

namespace {

/// Rows as [[field, ...], ...] of texts.
nlohmann::json rows_of(const std::string& csv) {
    test::ProcessOptions options;
    options.input = csv;
    const auto result =
        test::run_process({"/usr/bin/python3", "-c",
                           "import csv, io, json, sys\n"
                           "text = io.TextIOWrapper(sys.stdin.buffer, encoding='utf-8', newline='')\n"
                           "print(json.dumps(list(csv.reader(text, strict=True))))"},
                          options);
    INFO(result.err);
    REQUIRE(result.exit_code == 0);
    return nlohmann::json::parse(result.out);
}

}  // namespace

TEST_CASE("a CSV's columns are the fields of the JSON's intervals, its rows their values") {
    for (auto run : {test::sample_open_run(), test::sample_closed_run()}) {
        REQUIRE(run.intervals.size() > 1);
        run.intervals[0].phase = "morning, \"calm\"\nand more";
        run.intervals[1].phase = "plain";
        const auto document = report::json_report(run);
        const auto rows = rows_of(report::csv_intervals(run));
        REQUIRE(rows.size() == run.intervals.size() + 1);
        for (std::size_t i = 0; i < run.intervals.size(); ++i) {
            std::size_t column = 0;
            for (const auto& [name, value] : document["intervals"][i].items()) {
                INFO(i << " " << name);
                CHECK(rows[0][column] == name);
                const std::string text = rows[i + 1][column++];
                if (value.is_null()) {
                    CHECK(text.empty());
                } else if (value.is_string()) {
                    CHECK(text == value.get<std::string>());
                } else {
                    CHECK(std::stod(text) == value.get<double>());
                }
            }
            CHECK(rows[i + 1].size() == column);
        }
    }
}

TEST_CASE("a CSV of no intervals still names its columns") {
    const auto run = test::sample_empty_run();
    REQUIRE(run.intervals.empty());
    const auto rows = rows_of(report::csv_intervals(run));
    REQUIRE(rows.size() == 1);
    CHECK(rows[0][0] == "t");
    CHECK(rows[0].size() == 20);
}
