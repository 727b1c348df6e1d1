// What is read as a connection's settings, and that no way of showing them shows a password: not the masked
// form, not the complaint about text that libpq cannot parse, not a command line.
#include <cstdlib>
#include <optional>

#include "pgtraffic/base/error.hpp"
#include "pgtraffic/postgres/conninfo.hpp"
#include "pgtraffic/postgres/messages.hpp"
#include "support/catch.hpp"
#include "support/text.hpp"

using pgtraffic::postgres::Conninfo;
using pgtraffic::postgres::mask_argument;
using pgtraffic::test::holds;

namespace {

/// An environment variable for the length of a scope.
class Variable {
 public:
    Variable(const char* name, const char* value) : name_{name} {
        if (const char* before = std::getenv(name)) before_ = before;
        setenv(name, value, 1);
    }
    ~Variable() {
        if (before_) {
            setenv(name_, before_->c_str(), 1);
        } else {
            unsetenv(name_);
        }
    }
    Variable(const Variable&) = delete;
    Variable& operator=(const Variable&) = delete;

 private:
    const char* name_;
    std::optional<std::string> before_;
};

std::string complaint_about(const std::string& text) {
    try {
        (void)Conninfo::parse(text, "--database-url");
    } catch (const pgtraffic::base::Error& error) {
        return error.what();
    }
    return "none";
}

}  // namespace

TEST_CASE("a URL, a conninfo string and a bare name are told apart") {
    const auto url = Conninfo::parse("postgres://ann:s%40fe@db.example:6543/shop?sslmode=require", "x");
    CHECK(url.get("host") == "db.example");
    CHECK(url.get("port") == "6543");
    CHECK(url.get("dbname") == "shop");
    CHECK(url.get("user") == "ann");
    CHECK(url.get("password") == "s@fe");
    CHECK(url.get("sslmode") == "require");

    const auto words = Conninfo::parse("host=/tmp dbname='my shop' password=a://b", "x");
    CHECK(words.get("host") == "/tmp");
    CHECK(words.get("dbname") == "my shop");
    CHECK(words.get("password") == "a://b");

    const auto name = Conninfo::parse("shop", "x");
    CHECK(name.get("dbname") == "shop");
    CHECK(name.settings().size() == 1);
}

TEST_CASE("a question mark in a URL's password is part of the password") {
    CHECK(Conninfo::parse("postgres://ann:se?cret@h/db", "x").get("password") == "se?cret");
}

TEST_CASE("a setting replaces, a default does not") {
    Conninfo conninfo = Conninfo::parse("host=a host=b", "x");
    CHECK(conninfo.get("host") == "b");
    conninfo.set("host", "c");
    conninfo.set_default("host", "d");
    CHECK(conninfo.get("host") == "c");
    CHECK(conninfo.settings().size() == 1);
    conninfo.set_default("application_name", "pgtraffic");
    CHECK(conninfo.get("application_name") == "pgtraffic");
}

TEST_CASE("connect_timeout limits an attempt as libpq would: at least two seconds, 0 for not at all") {
    const auto limit = [](const char* text) { return Conninfo::parse(text, "test").connect_timeout(); };
    CHECK_FALSE(limit("host=a"));
    CHECK(limit("connect_timeout=30") == std::chrono::seconds{30});
    CHECK(limit("connect_timeout=1") == std::chrono::seconds{2});
    CHECK(limit("connect_timeout=99999999") == std::chrono::seconds{1'000'000});
    for (const char* none : {"connect_timeout=0", "connect_timeout=-5"}) {
        CAPTURE(none);
        CHECK_FALSE(limit(none));
    }
    for (const char* wrong : {"connect_timeout=soon", "connect_timeout=5s", "connect_timeout=-"})
        CHECK_THROWS_WITH(limit(wrong), Catch::Matchers::Contains("is no whole number of seconds"));
}

TEST_CASE("a default gives way to the environment") {
    const Variable name{"PGAPPNAME", "mine"};
    Conninfo conninfo;
    conninfo.set_default("application_name", "pgtraffic");
    CHECK(conninfo.get("application_name").empty());
    CHECK(conninfo.effective("application_name") == "mine");
    // What libpq was built with is no wish of the user's.
    conninfo.set_default("gssencmode", "disable");
    CHECK(conninfo.get("gssencmode") == "disable");
}

TEST_CASE("an effective value comes from the settings, the environment, or libpq") {
    const Variable user{"PGUSER", "env_user"};
    Conninfo conninfo;
    CHECK(conninfo.effective("port") == "5432");
    CHECK(conninfo.effective("user") == "env_user");
    CHECK(conninfo.effective("dbname") == "env_user");
    conninfo.set("user", "set_user");
    CHECK(conninfo.effective("user") == "set_user");
}

TEST_CASE("a service file's settings count as set") {
    char path[] = "/tmp/pgtraffic-service-XXXXXX";
    const int fd = mkstemp(path);
    REQUIRE(fd >= 0);
    FILE* file = fdopen(fd, "w");
    std::fputs("[shop]\nhost=from-service\napplication_name=service-app\npassword=service-secret\n", file);
    std::fclose(file);
    const Variable services{"PGSERVICEFILE", path};
    Conninfo conninfo = Conninfo::parse("service=shop", "x");
    CHECK(conninfo.effective("host") == "from-service");
    conninfo.set_default("application_name", "pgtraffic");
    CHECK(conninfo.get("application_name").empty());
    CHECK(conninfo.without_secrets("it was service-secret!") == "it was ********!");
    CHECK(std::getenv("PGSERVICE") == nullptr);
    std::remove(path);
}

TEST_CASE("the environment names a target only by where, not by who") {
    Conninfo::forget_environment();
    CHECK_FALSE(Conninfo::environment_names_target());
    {
        const Variable password{"PGPASSWORD", "x"};
        const Variable empty{"PGHOST", ""};
        CHECK_FALSE(Conninfo::environment_names_target());
    }
    for (const char* name : {"PGHOST", "PGHOSTADDR", "PGSERVICE", "PGDATABASE", "PGPORT"}) {
        const Variable variable{name, "1"};
        CHECK(Conninfo::environment_names_target());
    }
    setenv("PGHOSTADDR", "10.1.2.3", 1);
    setenv("PGAPPNAME", "kept", 1);
    Conninfo::forget_environment();
    CHECK(std::getenv("PGHOSTADDR") == nullptr);
    CHECK(std::getenv("PGAPPNAME") != nullptr);
    unsetenv("PGAPPNAME");
}

TEST_CASE("the masked form shows where and who, and hides every secret") {
    const auto conninfo = Conninfo::parse(
        "host=h port=1 dbname='a b' user=u password=hunter22 sslpassword=hunter33 sslmode=prefer", "x");
    CHECK(conninfo.masked() ==
          "host=h port=1 dbname='a b' user=u password=******** sslmode=prefer sslpassword=********");
}

TEST_CASE("secrets vanish from a message, those of the environment too") {
    const Variable password{"PGPASSWORD", "topsecret"};
    Conninfo conninfo;
    CHECK(conninfo.without_secrets("a topsecret b topsecret") == "a ******** b ********");
    // A message that was cut within it.
    const std::string cut = std::string(postgres::kLongestError - 6, '.') + "topsec";
    CHECK(conninfo.without_secrets(cut) == std::string(postgres::kLongestError - 6, '.') + "********");
    CHECK(conninfo.without_secrets("SELECT * FROM topsec") == "SELECT * FROM topsec");
    conninfo.set("password", "inner");
    CHECK(conninfo.without_secrets("winner takes inner") == "w******** takes ********");
    // Of a few letters only where they stand alone, or every word were shredded.
    conninfo.set("password", "at");
    CHECK(conninfo.without_secrets("that is at: \"at\"") == "that is ********: \"********\"");
    // A password that is the user's name cannot be hidden by hiding the name: that would tell.
    conninfo.set("user", "postgres");
    conninfo.set("password", "postgres");
    CHECK(conninfo.without_secrets("user \"postgres\"") == "user \"postgres\"");
}

TEST_CASE("a complaint about malformed text names the origin and the cure, and no password") {
    for (const char* text :
         {"postgres://ann:hunter22/x@h/db", "postgres://ann:hun@ter22@h/db", "postgres://ann:hunter22",
          "postgres://ann:hunter22@h:port/db", "postgres://ann:%zzhunter22@h/db",
          "postgres://ann:hunter22@[::1/db", "postgres://ann:hunter22@h/db?sslmode", "password=my hunter22",
          "password='hunter22", "password=a hunter22=b", "mysql://ann:hunter22@h/db",
          "postgresql+psycopg2://ann:hunter22@h/db", "postgres://ann:pa?hunter22=x/y@h/db",
          "host=h password=hunter22 bogus", "postgres://ann:hunter22@h/d%00b",
          "postgres://ann@h/db?password=hunter22&x"}) {
        CAPTURE(text);
        const std::string complaint = complaint_about(text);
        CHECK(complaint.starts_with("--database-url: "));
        CHECK(holds(complaint, "://"));
        CHECK_FALSE(holds(complaint, "hunter22"));
        CHECK_FALSE(holds(complaint, "ter22"));
    }
}

TEST_CASE("a complaint still names an unknown keyword") {
    CHECK(holds(complaint_about("postgres://ann:pw@h/db?pgbouncer=true"), "pgbouncer"));
    CHECK(holds(complaint_about("hots=localhost dbname=x"), "hots"));
    CHECK(holds(complaint_about("mysql://h/db"), "postgresql://"));
    CHECK(holds(complaint_about(""), "empty"));
}

TEST_CASE("passwords in arguments are masked, nothing else is") {
    const std::pair<const char*, const char*> cases[] = {
        {"postgres://ann:pw@h/db", "postgres://ann:********@h/db"},
        {"-dpostgresql://ann:pw@h/db", "-dpostgresql://ann:********@h/db"},
        {"--database-url=postgres://ann:p?w@h:1/db?application_name=b@c",
         "--database-url=postgres://ann:********@h:1/db?application_name=b@c"},
        {"postgres://h/db?user=u&password=pw&sslmode=prefer",
         "postgres://h/db?user=u&password=********&sslmode=prefer"},
        {"postgres://h/db?pass%77ord=pw", "postgres://h/db?pass%77ord=********"},
        {"postgres://ann@h/db", "postgres://ann@h/db"},
        {"postgres://h:5432/db", "postgres://h:5432/db"},
        {"postgres://ann:p/w@h/db", "postgres://********"},
        {"postgres://ann:pw", "postgres://********"},
        {"ann:p@w@h/db", "ann:********@h/db"},
        {"-dann:pw@h:1/db", "-dann:********@h:1/db"},
        {"ann@h:1/db", "ann@h:1/db"},
        {"scram_client_key=pw host=h", "scram_client_key=******** host=h"},
        {"mysql://ann:pw@h/db", "mysql://********@h/db"},
        {"http://localhost:4318/v1", "http://localhost:4318/v1"},
        {"host=h password=pw dbname=x", "host=h password=******** dbname=x"},
        {"host=h password = 'p w' dbname=x", "host=h password = ******** dbname=x"},
        {"password='it\\'s dbname=x' host=h", "password=******** host=h"},
        {"password='open host=h", "password=********"},
        {"password=my pw host=h", "password=******** host=h"},
        {"PASSWORD=pw", "PASSWORD=********"},
        {"password=a://b", "password=********"},
        {"sslpassword=pw passfile=/f", "sslpassword=******** passfile=/f"},
        {"--json=out.json", "--json=out.json"},
        {"--password-command=cat x", "--password-command=cat x"},
        {"select", "select"},
        {"", ""},
    };
    for (const auto& [argument, shown] : cases) CHECK(mask_argument(argument) == shown);
}
