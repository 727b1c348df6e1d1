// A load of inserts that lasts until a test ends it, on a server that the test is going to harm. What is told
// on stderr every quarter of a second is the clock by which tests wait.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "pgtraffic/postgres/client.hpp"
#include "support/real_run.hpp"
#include "support/subprocess.hpp"

namespace pgtraffic::test {

/// "host='…' port='…'" of a conninfo, as a user would pass it to --database-url, with `more` behind it.
[[nodiscard]] std::string dsn_of(const postgres::Conninfo& conninfo, const std::string& more = "");

/// Makes the table that the load writes to.
void make_orders(const postgres::Conninfo& conninfo);

/// Sessions of the load (application_name pgtraffic) at the server.
[[nodiscard]] int sessions_at(postgres::Client& client);

class FaultyLoad {
 public:
    static constexpr int kSessions = 8;
    static constexpr int kRate = 200;

    /// Uniform arrivals, `rate` a second, on so many connections; returns once it measures.
    explicit FaultyLoad(const std::string& dsn, const std::vector<std::string>& more = {},
                        double rate = kRate, int sessions = kSessions);

    /// Waits for so many more lines of progress: a quarter of a second each.
    void wait_for_lines(int lines);

    /// Waits until a line of progress holds `text`.
    void wait_for(std::string_view text);

    /// Waits until the server behind `client` has `sessions` of the load again, and a second more.
    void wait_until_back(postgres::Client& client, int sessions = kSessions);

    /// Ends the load with SIGINT and returns its result, after the checks that hold whatever happened: all
    /// arrivals were due on time, each ended in one way, the loop never stood still.
    [[nodiscard]] nlohmann::json finish(int exit_code = 130);

    [[nodiscard]] pid_t pid() const noexcept { return process_.pid(); }

 private:
    double rate_;
    TemporaryFile scenario_;
    Process process_;
};

/// One outage of the whole service that is over, of a load of `rate` a second.
[[nodiscard]] const nlohmann::json& whole_outage(const nlohmann::json& result,
                                                 double rate = FaultyLoad::kRate);

/// Nothing that was acknowledged is missing, and what was in doubt is there once or not at all.
void check_sound_audit(const nlohmann::json& result);

/// Into the log of the test, whence docs/reliability.md has its figures.
void report_recovery(const std::string& fault, const nlohmann::json& outage);

}  // namespace pgtraffic::test
