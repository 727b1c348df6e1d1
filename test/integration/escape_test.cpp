// What a server or a file says, shown: no control character reaches the terminal, no invalid UTF-8 the JSON.
#include <fmt/format.h>

#include "pgtraffic/postgres/client.hpp"
#include "pgtraffic/report/layout.hpp"
#include "support/catch.hpp"
#include "support/fake_server_process.hpp"
#include "support/real_run.hpp"

using namespace pgtraffic;
using Catch::Matchers::Contains;
using test::run_pgtraffic;

namespace {

/// Lines as they are, and nothing in them that printable() would have to change.
bool is_safe(std::string_view text) {
    while (!text.empty()) {
        const auto line = text.substr(0, text.find('\n'));
        if (report::printable(line, 1'000'000) != line) return false;
        text.remove_prefix(std::min(line.size() + 1, text.size()));
    }
    return true;
}

/// A database of its own that takes any bytes, and whose messages hold them.
class AnyBytes {
 public:
    AnyBytes() : admin_{test::server_conninfo()} {
        admin_.execute("DROP DATABASE IF EXISTS pgtraffic_any_bytes WITH (FORCE)");
        admin_.execute(
            "CREATE DATABASE pgtraffic_any_bytes ENCODING SQL_ASCII LOCALE 'C' TEMPLATE template0");
    }
    ~AnyBytes() { admin_.execute("DROP DATABASE pgtraffic_any_bytes WITH (FORCE)"); }
    AnyBytes(const AnyBytes&) = delete;
    AnyBytes& operator=(const AnyBytes&) = delete;

    [[nodiscard]] std::string dsn(const std::string& database = "pgtraffic_any_bytes") const {
        const auto& server = test::server_conninfo();
        return fmt::format("host='{}' port={} user={} dbname='{}'", server.get("host"), server.get("port"),
                           server.get("user"), database);
    }

 private:
    postgres::Client admin_;
};

const std::string kRude =
    "x\x1b[2J\x07\x9b"
    "31m\xff\xe2\x80\xae";

}  // namespace

TEST_CASE("the check of this test sees what must not be printed") {
    CHECK(is_safe("plain\nµs 1 %\n"));
    for (const char* bad : {"a\x1b[2J", "a\rb", "a\x07", "\xc2\x9b", "\xff", "\xe2\x80\xae", "\x7f"}) {
        CHECK_FALSE(is_safe(bad));
    }
}

TEST_CASE("a rude error message is harmless in the report and in the JSON") {
    const AnyBytes database;
    std::string hex;
    for (const char c : kRude) hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
    const test::TemporaryFile scenario{fmt::format(
        R"json({{"name": "rude \u202e \u009b2J", "operations": [{{"name": "o \u202e", "statements": [
        {{"sql": "SELECT convert_from(decode($1, 'hex'), 'SQL_ASCII')::int", "parameters": [{{"constant": "{}"}}]}}]}}]}})json",
        hex)};
    for (const char* format : {"text", "json"}) {
        const auto run = run_pgtraffic({"run", "-d", database.dsn(), "--scenario", scenario.path(), "-t",
                                        "20", "-c", "2", "--warmup", "0", "--format", format});
        INFO(run.err << run.out);
        CHECK(run.exit_code == 2);
        CHECK(is_safe(run.err));
        CHECK(is_safe(run.out));
        if (std::string{format} == "text") {
            CHECK_THAT(run.out, Contains("x\\x1b[2J\\x07"));
        } else {
            // Strict about UTF-8 and control characters, as any reader is.
            const auto result = test::read_result(run, 2);
            CHECK_THAT(result["errors"][0]["sample"].get<std::string>(), Contains("x\x1b[2J\x07"));
        }
    }
}

TEST_CASE("messages that end a program are harmless, too") {
    const AnyBytes database;
    const std::string rude_name = "no\x1b[2Jsuch\r";
    for (const char* command : {"run", "init", "cleanup"}) {
        const auto run = run_pgtraffic({command, "-d", database.dsn(rude_name)});
        CHECK(run.exit_code == 1);
        CHECK(is_safe(run.err));
        CHECK_THAT(run.err, Contains("no\\x1b[2Jsuch\\r"));
    }
    const test::TemporaryFile scenario{
        R"json({"name": "s", "operations": [{"name": "o", "statements": [{"sql": "SELECT \"\u001b[2J\""}]}]})json"};
    const auto parse = run_pgtraffic({"run", "-d", database.dsn(), "--scenario", scenario.path()});
    CHECK(parse.exit_code == 1);
    CHECK(is_safe(parse.err));
    CHECK_THAT(parse.err, Contains("\\x1b[2J"));
    for (const std::vector<std::string>& line :
         {std::vector<std::string>{"run", "--json", "/nonexistent/\x1b[2J"},
          {"run", "--scenario", "\x1b[2J"},
          {"run", "--\x1b[2J"},
          {"run", "--mix", "\x1b[2J=1"},
          {"\x1b[2J"},
          {"run", "--pattern", "\x1b[2J"},
          {"show", "\x1b[2J"},
          {"run", "--stop-file", "/\xff\x1b[2J", "--connections", "0"}}) {
        const auto run = run_pgtraffic(line);
        CAPTURE(line.front(), line.back().size());
        CHECK(run.exit_code == 1);
        CHECK(is_safe(run.err));
        CHECK(run.out.empty());
    }
}

TEST_CASE("a rude server is harmless whenever it speaks, whatever it is asked for") {
    const std::vector<std::vector<std::string>> commands{
        {"init"},
        {"init", "--reset"},
        {"cleanup"},
        {"cleanup", "--run", "0123456789abcdef"},
        {"run", "-t", "4", "-c", "2", "--warmup", "0"},
        {"run", "-t", "4", "-c", "2", "--warmup", "0", "--format", "json"},
        {"run", "-t", "4", "-c", "2", "--warmup", "0", "--format", "pgbench"},
        {"run", "-t", "4", "-c", "2", "--warmup", "0", "--query-type", "insert", "--audit"},
        {"run", "-t", "4", "-c", "2", "--warmup", "0", "--live", "panel", "--measure-network"}};
    int heard = 0;
    for (const std::string evil :
         {"greeting-rude", "greeting-rude@2", "greeting-rude-parameters", "greeting-garbage", "prepare-rude",
          "prepare-rude-rows", "prepare-words", "prepare-narrow", "prepare-no-rows", "error-markup"}) {
        const bool rude = evil.find("rude") != std::string::npos || evil == "error-markup";
        for (auto command : commands) {
            if (!rude && command.front() == "run") continue;  // integration/hostile_test
            const test::FakeServerProcess server{{"--evil", evil}};
            command.insert(command.begin() + 1, {"-d", server.dsn() + " connect_timeout=2"});
            test::ProcessOptions options;
            options.stderr_terminal = command.back() == "--measure-network";  // draws, with its own commands
            const auto run = run_pgtraffic(command, options);
            INFO(evil << ", " << command.front() << " … " << command.back() << "\n" << run.err << run.out);
            // 99: an audit that misses what the fake server never stored.
            CHECK((run.exit_code >= 0 && (run.exit_code <= 2 || run.exit_code == 99)));
            CHECK_THAT(run.err, !Contains("internal"));
            CHECK(is_safe(run.out));
            if (!options.stderr_terminal) CHECK(is_safe(run.err));
            for (const char* obeyed : {"\x1b]0;", "\x1b[2J", "\xc2\x9b", "\x7f", "\xe2\x80\xae"})
                CHECK_THAT(run.err, !Contains(obeyed));
            if ((run.err + run.out).find("owned") != std::string::npos) ++heard;
        }
    }
    CHECK(heard > 25);  // it was quoted, so that the test has seen something
}
