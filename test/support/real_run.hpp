// The built program run against a real PostgreSQL, its JSON result read and validated.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "pgtraffic/postgres/client.hpp"
#include "support/subprocess.hpp"
#include "support/test_server.hpp"

namespace pgtraffic::test {

/// Runs `pgtraffic run -d DSN --format json` with `arguments`, requires `exit_code`, validates the document
/// against docs/result.schema.json by python3-jsonschema and returns it.
[[nodiscard]] nlohmann::json run_and_read(const Database& database, const std::vector<std::string>& arguments,
                                          int exit_code = 0);

/// The same for a program that has been waited for.
[[nodiscard]] nlohmann::json read_result(const ProcessResult& process, int exit_code);
/// How often the client went to sleep for each query that it started. On a busy machine, where it is late,
/// less often than on a quiet one.
[[nodiscard]] double sleeps_a_query(const nlohmann::json& result);

/// The arguments of such a run, for Process.
[[nodiscard]] std::vector<std::string> run_arguments(const Database& database,
                                                     const std::vector<std::string>& arguments);

[[nodiscard]] const nlohmann::json& queries(const nlohmann::json& result);

/// Its entry of `operations`; there must be one.
[[nodiscard]] const nlohmann::json& operation(const nlohmann::json& result, const std::string& name);

/// The message of the warning with this code; empty where there is none.
[[nodiscard]] std::string warning(const nlohmann::json& result, const std::string& code);

/// Every arrival is counted once: started, waiting or missed, and each that started ended in one way or not.
void check_conserved(const nlohmann::json& result);

/// Terminates the backend of one of the program's sessions in the client's database.
void terminate_one_session(postgres::Client& client);

/// A file with this text, removed at the end of its scope.
class TemporaryFile {
 public:
    explicit TemporaryFile(const std::string& text, const std::string& suffix = ".json");
    ~TemporaryFile();
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
    std::string path_;
};

}  // namespace pgtraffic::test
