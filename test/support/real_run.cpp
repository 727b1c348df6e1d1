#include "support/real_run.hpp"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "support/catch.hpp"

namespace pgtraffic::test {

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

nlohmann::json read_result(const ProcessResult& process, int exit_code) {
    INFO("stderr: " << process.err);
    REQUIRE_FALSE(process.timed_out);
    REQUIRE(process.exit_code == exit_code);
    const TemporaryFile file{process.out};
    const std::string root = PGTRAFFIC_SOURCE_DIR;
    const auto validation = run_process({"/usr/bin/python3", root + "/test/support/validate_result.py",
                                         root + "/docs/result.schema.json", file.path()});
    INFO("validator: " << validation.out << validation.err);
    REQUIRE(validation.exit_code == 0);
    return nlohmann::json::parse(process.out);
}

nlohmann::json run_and_read(const Database& database, const std::vector<std::string>& arguments,
                            int exit_code) {
    return read_result(run_pgtraffic(run_arguments(database, arguments)), exit_code);
}

}  // namespace pgtraffic::test
