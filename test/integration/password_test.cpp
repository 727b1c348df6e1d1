// Passwords: those that a command gives, anew when they expire, and that none shows in any output, however it
// was given and whatever went wrong.
#include <fmt/format.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "pgtraffic/base/time.hpp"
#include "pgtraffic/postgres/client.hpp"
#include "pgtraffic/postgres/temporary_server.hpp"
#include "support/catch.hpp"
#include "support/folder.hpp"
#include "support/real_run.hpp"

using namespace pgtraffic;
using Catch::Matchers::Contains;
using test::Folder;
using test::read_file;
using test::run_pgtraffic;

namespace {

constexpr const char* kPassword = "S3cret:p@ss/w%rd";
constexpr const char* kEncoded = "S3cret%3Ap%40ss%2Fw%25rd";

postgres::TemporaryServer& server() {
    static const auto instance = [] {
        postgres::TemporaryServerOptions options;
        options.fsync = false;
        options.max_connections = 60;
        options.tcp = true;
        options.tcp_password = kPassword;
        return std::make_unique<postgres::TemporaryServer>(options);
    }();
    return *instance;
}

std::string target(const std::string& more = "") {
    return fmt::format("host=127.0.0.1 port={} dbname=pgtraffic user=pgtraffic {}",
                       server().conninfo().get("port"), more);
}

std::string url(const std::string& password) {
    return fmt::format("postgresql://pgtraffic:{}@127.0.0.1:{}/pgtraffic", password,
                       server().conninfo().get("port"));
}

void write(const std::string& path, const std::string& text) {
    std::ofstream{path, std::ios::binary} << text;
}

/// Everything in every file of it.
std::string everything_in(const Folder& folder) {
    std::string text;
    for (const auto& entry : std::filesystem::directory_iterator{folder.path()})
        text += read_file(entry.path());
    return text;
}

const test::TemporaryFile& one() {
    static const test::TemporaryFile file{
        R"json({"name": "one", "operations": [{"name": "one", "statements": [{"sql": "SELECT 1"}]}]})json"};
    return file;
}

std::vector<std::string> with(std::vector<std::string> first, const std::vector<std::string>& more) {
    first.insert(first.end(), more.begin(), more.end());
    return first;
}

std::vector<std::string> command_run(const std::string& command, const std::vector<std::string>& more) {
    return with({"run", "-d", target(), "--password-command", command, "--scenario", one().path(), "--warmup",
                 "0", "--format", "json"},
                more);
}

}  // namespace

TEST_CASE("a password command gives the password, once for all who connect at the same time") {
    const Folder folder;
    const auto calls = folder / "calls";
    const auto run = run_pgtraffic(command_run(
        fmt::format("echo x >> '{}'; printf '%s\\n' '{}'", calls, kPassword), {"-t", "50", "-c", "30"}));
    const auto result = test::read_result(run, 0);
    CHECK(result["summary"]["queries"]["ok"] == 50);
    CHECK(result["config"]["password_command"] == "********");
    const auto n = read_file(calls).size() / 2;
    CHECK(n >= 2);  // before the load, and for it
    CHECK(n < 15);  // not one a session
}

TEST_CASE("a token that expires in mid-run is asked for anew when sessions come back") {
    const Folder folder;
    const auto token = folder / "token";
    write(token, std::string{kPassword} + "\n");
    test::Process process{
        test::pgtraffic_argv(command_run("cat '" + token + "'",
                                         {"--rate", "100", "-T", "6", "-c", "4", "--progress", "250ms"})),
        test::without_target()};
    REQUIRE(process.wait_for_stderr("/s "));
    postgres::Client admin{server().conninfo()};
    admin.execute("ALTER ROLE pgtraffic PASSWORD 'an0ther token'");
    write(token, "an0ther token\n");
    admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgtraffic' AND pid "
        "<> "
        "pg_backend_pid()");
    const auto ended = process.wait();
    admin.execute(fmt::format("ALTER ROLE pgtraffic PASSWORD '{}'", kPassword));
    const auto result = test::read_result(ended, 0);
    CHECK_THAT(result["run"]["warnings"].dump(), Contains("4 connections were lost and made again"));
    CHECK(result["summary"]["queries"]["failed"].get<int>() <= 4);
    for (const char* secret : {kPassword, "an0ther token"}) {
        CHECK(ended.out.find(secret) == std::string::npos);
        CHECK(ended.err.find(secret) == std::string::npos);
    }
}

TEST_CASE("Ctrl-C before the load ends the password command with all that it started") {
    const Folder folder;
    const auto file = folder / "pid";
    test::Process process{
        test::pgtraffic_argv(
            command_run(fmt::format("sleep 300 & echo $! > '{0}.new'; mv '{0}.new' '{0}'; wait", file), {})),
        test::without_target()};
    for (const auto begun = base::mono_now(); !std::filesystem::exists(file);)
        REQUIRE(base::mono_now() - begun < std::chrono::seconds{30});
    process.send_signal(SIGINT);
    (void)process.wait();
    const pid_t pid = std::stoi(read_file(file));
    // Whoever adopted it may not have fetched its end yet.
    const auto lives = [&] {
        std::ifstream status{fmt::format("/proc/{}/stat", pid)};
        std::string line;
        return std::getline(status, line) && line.find(") Z ") == std::string::npos;
    };
    for (const auto begun = base::mono_now(); lives();)
        REQUIRE(base::mono_now() - begun < std::chrono::seconds{5});
}

TEST_CASE("a password command that fails says so, and shows nothing of what it printed") {
    const auto refused = [](const std::string& command, const std::string& reason) {
        CAPTURE(command);
        for (const auto& line :
             {command_run(command, {"-t", "1", "-c", "1"}),
              std::vector<std::string>{"init", "-d", target(), "--password-command", command},
              {"cleanup", "-d", target(), "--password-command", command}}) {
            const auto run = run_pgtraffic(line);
            CHECK(run.exit_code == 1);
            CHECK_THAT(run.err, Contains(reason));
            CHECK_THAT(run.out + run.err, !Contains("wr0ng"));
        }
    };
    refused("echo wr0ng; echo wr0ng >&2; exit 3", "--password-command ended with exit code 3");
    refused("wr0ng-program", "exit code 127");
    refused("true # wr0ng", "--password-command printed nothing");
    refused("printf 'wr0ng\\nwr0ng\\n'", "more than one line");
    refused("echo wr0ng", "password authentication failed");

    const auto both = run_pgtraffic({"run", "-d", url("wr0ng"), "--password-command", "echo wr0ng"});
    CHECK(both.exit_code == 1);
    CHECK_THAT(both.err, Contains("the database URL holds a password, too") && !Contains("wr0ng"));
    const auto none = run_pgtraffic({"run", "--password-command", "echo wr0ng"});
    CHECK(none.exit_code == 1);
    CHECK_THAT(none.err, Contains("--password-command") && !Contains("wr0ng"));
}

TEST_CASE("init and cleanup take a password command") {
    const std::vector<std::string> how{"-d", target(), "--password-command",
                                       fmt::format("echo '{}'", kPassword)};
    const auto init = run_pgtraffic(with({"init", "--scale", "0.01"}, how));
    INFO(init.err);
    CHECK(init.exit_code == 0);
    CHECK(run_pgtraffic(with({"cleanup"}, how)).exit_code == 0);
}

TEST_CASE("no output holds the password, however it was given and whatever went wrong") {
    // A server that repeats it: the constant is the password, and the error message quotes the constant.
    const auto echo = [](const std::string& sql) {
        return test::TemporaryFile{fmt::format(
            R"json({{"name": "echo", "operations": [{{"name": "echo", "statements": [{{"sql": "{}"{}}}]}}]}})json",
            sql,
            sql.find("$1") == std::string::npos
                ? std::string{}
                : fmt::format(R"(, "parameters": [{{"constant": "{}"}}])", kPassword))};
    };
    const auto fine = echo("SELECT 1");
    const auto told_in_run = echo("SELECT ($1::text)::int");
    const auto told_before = echo(fmt::format("SELECT '{}'::int", kPassword));
    const Folder secrets;
    write(secrets / "pgpass", "*:*:*:*:S3cret\\:p@ss/w%rd\n");
    write(secrets / "service", fmt::format("[s]\n{}", [] {
              std::string lines = target(fmt::format("password={}", kPassword));
              std::replace(lines.begin(), lines.end(), ' ', '\n');
              return lines;
          }()));
    for (const char* name : {"pgpass", "service"})
        std::filesystem::permissions(secrets / name, std::filesystem::perms{0600});

    struct Way {
        std::vector<std::string> arguments;
        test::Environment environment;
    };
    const std::vector<Way> ways{
        {{"-d", url(kEncoded)}, {}},
        {{"-d", target(fmt::format("password='{}'", kPassword))}, {}},
        {{"-d", fmt::format("postgresql://127.0.0.1:{}/pgtraffic?user=pgtraffic&password={}",
                            server().conninfo().get("port"), kEncoded)},
         {}},
        {{"-d", target()}, {{"PGPASSWORD", kPassword}}},
        {{}, {{"DATABASE_URL", url(kEncoded)}}},
        {{"-d", target()}, {{"PGPASSFILE", secrets / "pgpass"}}},
        {{"-d", "service=s"}, {{"PGSERVICEFILE", secrets / "service"}}},
        {{"-d", target(), "--password-command", fmt::format("echo '{}'", kPassword)}, {}},
    };
    for (const auto& way : ways) {
        CAPTURE(way.arguments, way.environment.size());
        const auto check = [&](const test::TemporaryFile& scenario, const std::vector<std::string>& more,
                               int exit_code, const std::string& said) {
            const Folder files;
            test::ProcessOptions options;
            options.environment = way.environment;
            auto arguments = with({"run",        "-t",
                                   "40",         "-c",
                                   "3",          "--warmup",
                                   "0",          "--progress",
                                   "100ms",      "--measure-network",
                                   "--scenario", scenario.path(),
                                   "--json",     files / "json",
                                   "--stream",   files / "stream",
                                   "--csv",      files / "csv",
                                   "--hdr-log",  files / "hdr"},
                                  way.arguments);
            const auto run = run_pgtraffic(with(arguments, more), options);
            INFO(run.out << run.err);
            CHECK(run.exit_code == exit_code);
            const auto all = run.out + run.err + everything_in(files);
            CHECK_THAT(all, Contains(said));
            CHECK(all.find(kPassword) == std::string::npos);
            CHECK(all.find(kEncoded) == std::string::npos);
        };
        check(fine, {}, 0, "40");
        check(told_in_run, {}, 2, "invalid input syntax for type integer: \\\"********");
        check(told_before, {}, 1, "invalid input syntax for type integer: \"********");
        check(fine, {"--protocol", "unknown"}, 1, "--protocol");
        check(fine, {"--connections", "500"}, 1, "--connections");
    }
}

TEST_CASE("nor does a statement that the command line gives show it") {
    for (const std::string& sql :
         {fmt::format("SELECT '{}'", kPassword), fmt::format("SELECT '{}'::int", kPassword)}) {
        for (const bool one_word : {false, true}) {
            const Folder files;
            auto arguments = with(
                {"run", "-d", url(kEncoded), "-t", "4", "-c", "2", "--warmup", "0", "--json", files / "json"},
                one_word ? std::vector<std::string>{"--sql=" + sql} : std::vector<std::string>{"--sql", sql});
            const auto run = run_pgtraffic(arguments);
            const auto all = run.out + run.err + everything_in(files);
            INFO(all);
            CHECK_THAT(all, Contains("********"));
            CHECK(all.find(kPassword) == std::string::npos);
        }
    }
}

TEST_CASE("nor does a variable of a script") {
    const test::TemporaryFile script{"SELECT :word, 'x'::text;"};
    for (const auto& definition : std::vector<std::vector<std::string>>{
             {"-D", fmt::format("word={}", kPassword)}, {fmt::format("--define=word={}", kPassword)}}) {
        const Folder files;
        const auto run = run_pgtraffic(with({"run", "-d", url(kEncoded), "-t", "4", "-c", "2", "--warmup",
                                             "0", "--json", files / "json", "-f", script.path()},
                                            definition));
        const auto all = run.out + run.err + everything_in(files);
        INFO(all);
        CHECK(run.exit_code == 0);
        CHECK_THAT(all, Contains("********"));
        CHECK(all.find(kPassword) == std::string::npos);
    }
}
