// The HdrHistogram encoding, read back by a decoder of its own and by the Java implementation.
#include "pgtraffic/report/hdr.hpp"

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "pgtraffic/base/random.hpp"
#include "support/catch.hpp"
#include "support/hdr_reader.hpp"
#include "support/real_run.hpp"
#include "support/sample_result.hpp"

using namespace pgtraffic;
using namespace std::chrono_literals;
using base::Nanos;
using metrics::CoarseHistogram;
using metrics::Histogram;
using metrics::SparseCounts;

namespace {

using CountsByValue = std::map<std::uint64_t, std::uint64_t>;

CountsByValue counts_of(const nlohmann::json& decoded) {
    CountsByValue counts;
    for (const auto& bucket : decoded["counts"]) counts[bucket[0]] += bucket[1].get<std::uint64_t>();
    return counts;
}

CountsByValue counts_of(const Histogram& histogram) {
    CountsByValue counts;
    const auto buckets = histogram.buckets();
    for (std::uint32_t i = 0; i < buckets.size(); ++i) {
        if (buckets[i] > 0) counts[Histogram::Buckets::lowest_of(i)] = buckets[i];
    }
    const auto hour = static_cast<std::uint64_t>(Histogram::kHighest.count());
    const auto top = Histogram::Buckets::lowest_of(Histogram::Buckets::index_of(hour));
    if (histogram.overflow() > 0) counts[top] += histogram.overflow();
    return counts;
}

std::vector<Histogram> histograms() {
    std::vector<Histogram> all(8);
    all[1].record(0ns);
    all[2].record(1ns);
    all[2].record(3ns);  // one empty bucket between them
    all[2].record(6ns);  // two
    all[3].record(Histogram::kHighest);
    all[4].record(2h, 3);  // overflow
    all[4].record(1ms);
    // Counts around each border of the variable-length numbers.
    for (unsigned bit = 0; bit < 62; ++bit) all[5].record(Nanos{1000LL + bit}, (1ULL << bit) + bit);
    for (const auto border : {2047LL, 2048LL, 2049LL, 4095LL, 4096LL, (1LL << 41) - 1, 1LL << 41})
        all[6].record(Nanos{border});
    base::Random random{7, base::Stream::data};
    for (int i = 0; i < 20'000; ++i)
        all[7].record(Nanos{static_cast<std::int64_t>(std::exp(28 * random.unit()))});
    return all;
}

/// The highest value of the bucket of `d`, as HdrHistogram shows a maximum.
std::int64_t end_of_bucket(Nanos d) {
    using Buckets = Histogram::Buckets;
    return static_cast<std::int64_t>(
        Buckets::highest_of(Buckets::index_of(static_cast<std::uint64_t>(d.count()))));
}

}  // namespace

TEST_CASE("a histogram in HdrHistogram's encoding has every count, in the bucket where it was") {
    const auto all = histograms();
    std::vector<std::string> texts;
    for (const auto& histogram : all) texts.push_back(report::hdr_base64(histogram));
    const auto decoded = test::decode_hdr(texts);
    for (std::size_t i = 0; i < all.size(); ++i) {
        INFO("histogram " << i);
        CHECK(texts[i].starts_with("HISTFAAA"));
        CHECK(decoded[i]["digits"] == 3);
        CHECK(decoded[i]["lowest"] == 1);
        CHECK(decoded[i]["highest"] == 3'600'000'000'000);
        CHECK(decoded[i]["ratio"] == 1.0);
        CHECK(counts_of(decoded[i]) == counts_of(all[i]));
    }
}

TEST_CASE("an interval's coarse histogram is one of two digits, with every count") {
    CoarseHistogram dense;
    CountsByValue expected;
    base::Random random{3, base::Stream::data};
    for (int i = 0; i < 5'000; ++i) {
        const Nanos d{static_cast<std::int64_t>(std::exp(28 * random.unit()))};
        dense.record(d);
        using Buckets = CoarseHistogram::Buckets;
        ++expected[Buckets::lowest_of(Buckets::index_of(static_cast<std::uint64_t>(d.count())))];
    }
    const auto decoded =
        test::decode_hdr({report::hdr_base64(SparseCounts{dense}), report::hdr_base64(SparseCounts{})});
    CHECK(decoded[0]["digits"] == 2);
    CHECK(counts_of(decoded[0]) == expected);
    CHECK(decoded[1]["counts"].empty());
}

TEST_CASE("the Java implementation reads from the log what the run holds") {
    const auto run = test::sample_open_run();
    const test::TemporaryFile log{report::hdr_log(run), ".hlog"};
    CHECK(test::tags_of_hdr_log(log.path()) ==
          std::vector<std::string>{"lag", "lag-total", "response", "response-total", "service-total"});
    for (const auto& [tag, histogram] :
         {std::pair{"response-total", &run.latencies.response},
          std::pair{"service-total", &run.latencies.service}, std::pair{"lag-total", &run.latencies.lag}}) {
        INFO(tag);
        const auto read = test::process_hdr_log(log.path(), tag);
        CHECK(read.total == histogram->count());
        CHECK(read.max_ns == end_of_bucket(histogram->max()));
        REQUIRE(read.rows.size() > 5);
        for (const auto& row : read.rows) {
            INFO(row.percentile);
            CHECK(row.value_ns == end_of_bucket(histogram->quantile(row.percentile)));
            CHECK(row.count == histogram->count_up_to(Nanos{row.value_ns}));
        }
    }
    std::uint64_t in_intervals = 0;
    for (const auto& interval : run.intervals) in_intervals += interval.response.count();
    CHECK(test::process_hdr_log(log.path(), "response").total == in_intervals);
}

TEST_CASE("a closed loop has no lag in the log, and a run of nothing has empty totals") {
    const test::TemporaryFile closed{report::hdr_log(test::sample_closed_run()), ".hlog"};
    CHECK(test::tags_of_hdr_log(closed.path()) ==
          std::vector<std::string>{"response", "response-total", "service-total"});
    const test::TemporaryFile empty{report::hdr_log(test::sample_empty_run()), ".hlog"};
    CHECK(test::process_hdr_log(empty.path(), "response-total").total == 0);
}

TEST_CASE("a log begins with the format's version and the time from which its lines count") {
    const auto log = report::hdr_log(test::sample_open_run());
    CHECK(log.find("#[Histogram log format version 1.3]\n") != std::string::npos);
    CHECK(log.find("#[StartTime: 1790000000.000 (seconds since epoch), 2026-09-21T14:13:20.000Z]\n") !=
          std::string::npos);
    CHECK(log.find("#[BaseTime: 1790000000.000 (seconds since epoch)]\n") != std::string::npos);
    CHECK(log.find("\nTag=response-total,0.000,30.006,2000.000,HISTFAAA") != std::string::npos);
}
