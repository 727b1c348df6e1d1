// The progress line: what it says and what it leaves out when there is no room.
#include "pgtraffic/report/progress.hpp"

#include <limits>

#include "pgtraffic/report/layout.hpp"
#include "support/catch.hpp"
#include "support/sample_result.hpp"

using namespace pgtraffic;
using report::progress_line;

namespace {

metrics::Interval busy_second() {
    auto interval = test::sample_open_run().intervals[0];
    interval.start_s = 11;
    interval.duration_s = 1;
    interval.ok = 480;
    interval.max = std::chrono::microseconds{2'400};
    interval.empty = 2;
    return interval;
}

}  // namespace

TEST_CASE("a progress line of an open loop shows target, latency, failures and waiting, in 80 columns") {
    const auto line =
        progress_line(busy_second(), {.total_s = 60, .open_loop = true, .connections = 20, .connected = 20});
    CHECK(line == "12/60 s ramp-up 482 of 375/s p50 2.40 p99 2.40 ms fail 15 wait 3 busy 12/20");
    CHECK(report::columns_of(line) <= 80);
}

TEST_CASE("a progress line says how many connections were made again") {
    auto interval = busy_second();
    interval.reconnects = 8;
    interval.phase.clear();
    const auto line = progress_line(interval, {.total_s = 60, .connections = 20, .connected = 20});
    // Of 80 columns, which two spaces between the parts would exceed by one.
    CHECK(line == "12/60 s 482/s p50 2.40 p99 2.40 ms fail 15 reconnects 8 busy 12/20 loop 40%");
}

TEST_CASE("a progress line tells what the latency limit skipped") {
    auto interval = busy_second();
    interval.missed = 1'796;
    const auto line = progress_line(
        interval, {.total_s = 60, .open_loop = true, .connections = 20, .connected = 20, .width = 200});
    CHECK_THAT(line, Catch::Contains("fail 15  miss 1,796  wait 3"));
}

TEST_CASE("a progress line of a closed loop shows no target and nothing waiting") {
    const auto line = progress_line(busy_second(), {.total_s = 7200, .connections = 150, .connected = 148});
    CHECK(line == "00:12/2:00:00  ramp-up  482/s  p50 2.40 p99 2.40 ms  fail 15  busy 12/148 of 150");
}

TEST_CASE("a progress line tells the queries of a pipeline as such") {
    auto interval = busy_second();
    interval.in_flight = 160;
    const auto line =
        progress_line(interval, {.connections = 20, .connected = 20, .pipelined = true, .width = 200});
    CHECK(line.find("  in flight 160 on 20  ") != std::string::npos);
    CHECK(line.find("busy") == std::string::npos);
}

TEST_CASE("a progress line does not call a small rate none") {
    auto interval = busy_second();
    interval.duration_s = 2;
    interval.ok = 1;
    interval.empty = 0;
    interval.target_per_s = 0.3;
    CHECK(progress_line(interval, {.open_loop = true, .width = 200}).find("0.5 of 0.3/s") !=
          std::string::npos);
}

TEST_CASE("a progress line keeps to its width with the largest numbers, and keeps the rate") {
    auto interval = busy_second();
    interval.phase = std::string(300, 'p');
    interval.ok = 1'234'567;
    interval.target_per_s = 1'234'567;
    interval.waiting = 123'456'789;
    interval.start_s = 359'999;
    for (const std::size_t width : {26U, 40U, 80U}) {
        const auto line = progress_line(interval, {.total_s = 360'000,
                                                   .open_loop = true,
                                                   .connections = 10'000,
                                                   .connected = 9'999,
                                                   .width = width});
        INFO(line);
        CHECK(report::columns_of(line) <= width);
        CHECK(line.find("1,234,569 of 1,234,567/s") != std::string::npos);
    }
}

TEST_CASE("a progress line of an interval without a query has no number in place of a latency") {
    metrics::Interval interval;
    interval.duration_s = 1;
    CHECK(progress_line(interval, {.connections = 1}) ==
          "1 s  0/s  p50 - p99 -  fail 0  busy 0/0 of 1  loop 0%");
    CHECK(progress_line({}, {}) == "0 s  0/s  p50 - p99 -  fail 0  busy 0/0  loop 0%");
}

TEST_CASE("a phase cannot steer the terminal through the progress line") {
    auto interval = busy_second();
    interval.phase = "a\x1b[2Jb";
    CHECK(progress_line(interval, {.width = 120}).find("a\\x1b[2Jb") != std::string::npos);
}

TEST_CASE("a progress line with room shows how late queries are sent and how busy the program itself is") {
    auto interval = busy_second();
    interval.loop_busy_ratio = 0.314;
    metrics::CoarseHistogram lag;
    lag.record(std::chrono::microseconds{1'500});
    interval.lag = metrics::SparseCounts{lag};
    interval.lag_max = std::chrono::microseconds{1'500};
    const auto line = progress_line(
        interval, {.total_s = 60, .open_loop = true, .connections = 20, .connected = 20, .width = 120});
    INFO(line);
    CHECK(line.find("wait 3  lag 1.5 ms  busy 12/20  loop 31%") != std::string::npos);
}

TEST_CASE("a progress line without a width has every part") {
    const auto line = progress_line(busy_second(), {.total_s = 60,
                                                    .open_loop = true,
                                                    .connections = 20,
                                                    .connected = 20,
                                                    .width = std::numeric_limits<std::size_t>::max()});
    CHECK(line ==
          "12/60 s  ramp-up  482 of 375/s  p50 2.40 p99 2.40 ms  fail 15  wait 3  lag 0.1 ms  busy 12/20  "
          "loop 40%");
}

TEST_CASE("where the latencies do not fit a shorter part does") {
    CHECK(
        progress_line(busy_second(),
                      {.total_s = 60, .open_loop = true, .connections = 20, .connected = 20, .width = 39}) ==
        "12/60 s  482 of 375/s  fail 15  wait 3");
}

TEST_CASE("a progress line fits whatever the width") {
    const auto interval = busy_second();
    for (std::size_t width = 1; width < 130; ++width) {
        const auto line = progress_line(
            interval, {.total_s = 60, .open_loop = true, .connections = 20, .connected = 20, .width = width});
        CHECK(report::columns_of(line) <= width);
        CHECK_FALSE(line.empty());
    }
}
