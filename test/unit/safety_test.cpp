// Whether a write needs a confirmation, what is said of the target, and what is hidden of a command line:
// decided without a server.
#include "pgtraffic/cli/safety.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "pgtraffic/base/error.hpp"
#include "pgtraffic/brickhouse/marks.hpp"
#include "pgtraffic/cli/command_line.hpp"
#include "pgtraffic/cli/options.hpp"
#include "support/catch.hpp"

using namespace pgtraffic;
using Catch::Matchers::Contains;

namespace {

postgres::Conninfo target(const std::string& text) {
    return postgres::Conninfo::parse(text, "test");
}

/// A terminal in the place of stdin and stderr while it lives.
class Terminal {
 public:
    Terminal() : master_{::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)} {
        REQUIRE(master_ >= 0);
        REQUIRE((::grantpt(master_) == 0 && ::unlockpt(master_) == 0));
        const int slave = ::open(::ptsname(master_), O_RDWR | O_NOCTTY | O_CLOEXEC);
        REQUIRE(slave >= 0);
        std::fflush(nullptr);
        for (std::size_t i = 0; i < saved_.size(); ++i) {
            saved_[i] = ::fcntl(kStreams[i], F_DUPFD_CLOEXEC, 3);
            ::dup2(slave, kStreams[i]);
        }
        ::close(slave);
    }
    ~Terminal() {
        for (std::size_t i = 0; i < saved_.size(); ++i) {
            ::dup2(saved_[i], kStreams[i]);
            ::close(saved_[i]);
        }
        ::close(master_);
    }
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;

    void type(std::string_view text) const {
        REQUIRE(::write(master_, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    }
    /// What is on it now, with the echo of what was typed.
    [[nodiscard]] std::string shown() const {
        std::string text;
        std::array<char, 1000> piece{};
        REQUIRE(::fcntl(master_, F_SETFL, O_NONBLOCK) == 0);
        for (ssize_t n = 0; (n = ::read(master_, piece.data(), piece.size())) > 0;)
            text.append(piece.data(), static_cast<std::size_t>(n));
        return text;
    }

 private:
    static constexpr std::array<int, 2> kStreams{STDIN_FILENO, STDERR_FILENO};
    int master_;
    std::array<int, 2> saved_{};
};

}  // namespace

TEST_CASE("this machine is a loopback address, a Unix socket or localhost, and nothing else") {
    for (const char* local : {"", "/run/postgresql", "@abstract", "localhost", "127.0.0.1", "127.1.2.3",
                              "::1", "::ffff:127.0.0.1"}) {
        CAPTURE(local);
        CHECK(cli::is_local(local));
    }
    for (const char* remote :
         {"10.0.0.5", "192.0.2.1", "128.0.0.1", "0.0.0.0", "::", "2001:db8::1", "::ffff:10.0.0.1",
          "db.example", "localhost.example", "127.0.0.1.example", "fe80::1",
          "a-name-that-is-longer-than-any-address-could-possibly-be.example.com"}) {
        CAPTURE(remote);
        CHECK_FALSE(cli::is_local(remote));
    }
}

TEST_CASE("only a write to somebody else's tables on another machine asks for a confirmation") {
    for (int bits = 0; bits < 16; ++bits) {
        const cli::WriteRisk risk{(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0};
        CHECK(cli::needs_confirmation(risk) == (bits == 1));
    }
}

TEST_CASE("a target is local only if all its hosts are") {
    CHECK(cli::all_local(target("host=/tmp dbname=x"), ""));
    CHECK(cli::all_local(target("host=localhost dbname=x"), "127.0.0.1"));
    CHECK(cli::all_local(target("host=db.example hostaddr=127.0.0.1 dbname=x"), "127.0.0.1"));
    CHECK(cli::all_local(target("host=127.0.0.1,localhost,/tmp port=1,2,3 dbname=x"), "127.0.0.1"));
    CHECK_FALSE(cli::all_local(target("host=db.example dbname=x"), "10.0.0.5"));
    CHECK_FALSE(cli::all_local(target("host=/tmp hostaddr=10.0.0.5 dbname=x"), "10.0.0.5"));
    CHECK_FALSE(
        cli::all_local(target("host=localhost,db.example hostaddr=127.0.0.1, dbname=x"), "127.0.0.1"));
    CHECK(cli::all_local(target("host=db.example,/tmp hostaddr=127.0.0.1, dbname=x"), "127.0.0.1"));
    // We reached the local one; a session may reach the other.
    CHECK_FALSE(cli::all_local(target("host=127.0.0.1,10.0.0.5 dbname=x"), "127.0.0.1"));
    CHECK_FALSE(cli::all_local(target("host=a,b hostaddr=127.0.0.1,10.0.0.5 dbname=x"), "127.0.0.1"));
    CHECK(cli::all_local(target("host=a,b hostaddr=127.0.0.1,127.0.0.2 dbname=x"), "127.0.0.1"));
}

TEST_CASE("the target in a line, safe for a terminal") {
    metrics::ServerInfo server;
    server.version = "15.18\033[2J";
    server.host = "db.example";
    server.address = "10.0.0.5";
    server.port = "5432";
    server.database = "shop\r";
    server.user = "app";
    server.standby = true;
    server.ssl = true;
    server.other_sessions = 1;
    server.free_connections = 1234;
    CHECK(cli::describe_target(server) ==
          "host \"db.example\" (10.0.0.5), port 5432, database \"shop\\r\", user \"app\": PostgreSQL "
          "15.18\\x1b[2J, standby, TLS, 1 other session, 1,234 free connection slots");
    server.other_sessions.reset();
    server.free_connections.reset();
    server.standby = false;
    server.pooler = true;
    server.host = server.address;
    CHECK_THAT(cli::describe_target(server), Contains("host \"10.0.0.5\", port"));
    CHECK_THAT(cli::describe_target(server), Contains(", primary, TLS, behind a pooler"));
}

TEST_CASE("without a terminal a confirmation is the option, and it must name the database") {
    metrics::ServerInfo server;
    server.host = server.address = "10.0.0.5";
    server.database = "shop";
    CHECK_NOTHROW(cli::require_confirmation(server, "run writes", "shop", false));
    CHECK_THROWS_WITH(
        cli::require_confirmation(server, "run writes to x", std::nullopt, false),
        "this run writes to x in database \"shop\" on \"10.0.0.5\". Nothing was changed. If that "
        "is meant, say --confirm shop");
    auto spaced = server;
    spaced.database = "my shop";
    CHECK_THROWS_WITH(cli::require_confirmation(spaced, "run writes to x", std::nullopt, false),
                      Catch::Matchers::EndsWith("say --confirm 'my shop'"));
    CHECK_THROWS_WITH(cli::require_confirmation(server, "run writes", "other", false),
                      Contains("--confirm: names the database \"other\", and the target is \"shop\""));
}

TEST_CASE("on a terminal the name is asked for, and only the right one goes on") {
    metrics::ServerInfo server;
    server.host = server.address = "10.0.0.5";
    server.database = "shop";
    {
        Terminal terminal;
        terminal.type("shop\n");
        CHECK_NOTHROW(cli::require_confirmation(server, "run writes to x", std::nullopt, true));
        CHECK_THAT(terminal.shown(), Contains("This run writes to x in database \"shop\" on \"10.0.0.5\".") &&
                                         Contains("Type the name of the database to go on: "));
    }
    for (const char* typed : {"other\n", "\n", "shop 2\n", "\x04"}) {  // the last one is the end of the file
        Terminal terminal;
        terminal.type(typed);
        CHECK_THROWS_WITH(cli::require_confirmation(server, "run writes to x", std::nullopt, true),
                          "that is not the name of the database; nothing was changed");
    }
    Terminal terminal;
    terminal.type("shop\n");
    CHECK_THROWS_WITH(cli::require_confirmation(server, "run writes to x", std::nullopt, false),
                      Contains("say --confirm shop"));
}

TEST_CASE("a password command is hidden wherever a command line is shown") {
    CHECK(cli::masked_argv({"pgtraffic", "run", "--password-command", "echo s3cret", "-T", "5"}) ==
          std::vector<std::string>{"pgtraffic", "run", "--password-command", "********", "-T", "5"});
    CHECK(
        cli::masked_argv({"pgtraffic", "--password-command=echo s3cret", "-d", "postgres://u:s3cret@h/d"}) ==
        std::vector<std::string>{"pgtraffic", "--password-command=********", "-d",
                                 "postgres://u:********@h/d"});
    CHECK(cli::masked_argv({"pgtraffic", "--password-command"}) ==
          std::vector<std::string>{"pgtraffic", "--password-command"});
    const auto options = cli::read_run_options({"--password-command", "echo s3cret", "-d", "x"});
    CHECK(options.password_command == "echo s3cret");
    for (const auto& [name, value] : options.resolved) {
        CAPTURE(name);
        CHECK(value.find("s3cret") == std::string::npos);
    }
    // Without quotes its second word strays; it is not repeated.
    CHECK_THROWS_WITH(cli::read_run_options({"--password-command", "echo", "s3cret"}),
                      Contains("quote the whole value") && !Contains("s3cret"));
}

TEST_CASE("the options that keep from harm, and their values") {
    const auto run =
        cli::read_run_options({"--confirm", "shop", "--max-rows", "500", "--stop-file", "/tmp/stop"});
    CHECK(run.confirm == "shop");
    CHECK(run.max_rows == 500U);
    CHECK(run.stop_file == "/tmp/stop");
    CHECK(cli::read_init_options({"--reset", "--confirm=shop"}).confirm == "shop");
    CHECK(cli::read_cleanup_options({"--run", "0123456789abcdef"}).run == "0123456789abcdef");
    for (const std::vector<std::string>& wrong : {std::vector<std::string>{"--max-rows", "0"},
                                                  {"--max-rows", "-1"},
                                                  {"--max-rows", "many"},
                                                  {"--stop-file", ""},
                                                  {"--stop-file", "postgres://u:p@h/d"},
                                                  {"--confirm="}}) {
        CAPTURE(wrong.front(), wrong.back());
        CHECK_THROWS_AS(cli::read_run_options(wrong), base::Error);
    }
    for (const char* id : {"", "1", "0123456789ABCDEF", "0123456789abcdef0", "0123456789abcde%"}) {
        CHECK_THROWS_AS(cli::read_cleanup_options({"--run", id}), base::Error);
    }
}

TEST_CASE("the built-in inserts write the note by which cleanup finds them") {
    for (const char* name : {"insert", "mixed"}) {
        const auto scenario = workload::built_in_scenario(name);
        int notes = 0;
        for (const auto& operation : scenario.operations) {
            for (const auto& statement : operation.statements) {
                for (const auto& argument : statement.arguments) {
                    const auto* note = std::get_if<workload::RunIdParameter>(&argument.parameter);
                    if (note == nullptr) continue;
                    ++notes;
                    CHECK(note->prefix == brickhouse::kRunNote);
                }
            }
        }
        CHECK(notes == 1);
    }
}
