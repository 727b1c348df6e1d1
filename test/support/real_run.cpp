#include "support/real_run.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "support/catch.hpp"

namespace pgtraffic::test {
namespace {

/// "valid", or what the schema has against it. One validator serves all documents of a test program.
std::string validity(std::string document) {
    const std::string root = PGTRAFFIC_SOURCE_DIR;
    ProcessOptions options;
    options.more_input = true;
    options.limit = std::chrono::hours{24};
    static Process validator{{"/usr/bin/python3", root + "/test/support/validate_result.py", "--serve",
                              root + "/docs/result.schema.json"},
                             options};
    // Within a string a line's end is escaped, so each that is there separates tokens.
    std::replace(document.begin(), document.end(), '\n', ' ');
    std::string answer;
    if (validator.say(document)) answer = validator.next_stdout_line().value_or("");
    return answer.empty() ? "the validator ended: " + std::string{validator.stderr_so_far()} : answer;
}

}  // namespace

const nlohmann::json& queries(const nlohmann::json& result) {
    return result["summary"]["queries"];
}

const nlohmann::json& operation(const nlohmann::json& result, const std::string& name) {
    for (const auto& entry : result["operations"]) {
        if (entry["name"] == name) return entry;
    }
    FAIL("no operation " << name);
    return result;
}

std::string warning(const nlohmann::json& result, const std::string& code) {
    for (const auto& entry : result["run"]["warnings"]) {
        if (entry["code"] == code) return entry["message"];
    }
    return "";
}

void check_conserved(const nlohmann::json& result) {
    INFO(queries(result).dump());
    const auto n = [&](const char* key) { return queries(result)[key].get<std::uint64_t>(); };
    CHECK(n("planned") == n("started") + n("waiting") + n("missed"));
    CHECK(n("started") == n("ok") + n("empty") + n("failed") + n("timed_out") + n("in_flight"));
}

/// Each failure and each attempt that was retried has its SQLSTATE, and the operations make up the whole.
void check_sums(const nlohmann::json& result) {
    const auto n = [&](const char* key) { return queries(result)[key].get<std::uint64_t>(); };
    std::uint64_t count = 0;
    std::uint64_t retried = 0;
    for (const auto& error : result["errors"]) {
        count += error["count"].get<std::uint64_t>();
        retried += error["retried"].get<std::uint64_t>();
    }
    CHECK(count == n("failed") + n("timed_out"));
    CHECK(retried == n("retries"));
    double per_s = 0;
    for (const auto& operation : result["operations"]) per_s += operation["throughput_per_s"].get<double>();
    CHECK(per_s == Approx(result["summary"]["throughput_per_s"].get<double>()));
}

void terminate_one_session(postgres::Client& client) {
    client.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgtraffic' "
        "AND datname = current_database() AND pid <> pg_backend_pid() LIMIT 1");
}

TemporaryFile::TemporaryFile(const std::string& text, const std::string& suffix) {
    path_ = (std::filesystem::temp_directory_path() / "pgtraffic-test-XXXXXX").string() + suffix;
    const int fd = mkstemps(path_.data(), static_cast<int>(suffix.size()));
    REQUIRE(fd >= 0);
    REQUIRE(::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    ::close(fd);
}

TemporaryFile::~TemporaryFile() {
    std::filesystem::remove(path_);
}

std::vector<std::string> run_arguments(const Database& database, const std::vector<std::string>& arguments) {
    std::vector<std::string> all{"run", "-d", database.dsn(), "--format", "json"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return all;
}

double sleeps_a_query(const nlohmann::json& result) {
    const auto& client = result["client"];
    return (client["context_switches"].get<double>() - client["context_switches_involuntary"].get<double>()) /
           result["summary"]["queries"]["started"].get<double>();
}

nlohmann::json read_result(const ProcessResult& process, int exit_code) {
    INFO("stderr: " << process.err);
    REQUIRE_FALSE(process.timed_out);
    REQUIRE(process.exit_code == exit_code);
    REQUIRE(validity(process.out) == "valid");
    auto result = nlohmann::json::parse(process.out);
    check_sums(result);
    return result;
}

nlohmann::json run_and_read(const Database& database, const std::vector<std::string>& arguments,
                            int exit_code) {
    return read_result(run_pgtraffic(run_arguments(database, arguments)), exit_code);
}

}  // namespace pgtraffic::test
