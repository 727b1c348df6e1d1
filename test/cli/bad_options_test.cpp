// Bad input that is known before anything is connected to: exit 1, one message on stderr that names the
// option or the place in the file, nothing on stdout, nothing written.
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "support/catch.hpp"
#include "support/folder.hpp"
#include "support/subprocess.hpp"

using namespace pgtraffic;
using Catch::Matchers::Contains;

namespace {

struct Case {
    std::vector<std::string> arguments;
    std::vector<std::string> expected;  // in the message, beside its begin
};

/// A folder of its own with files in it.
class Folder : public test::Folder {
 public:
    [[nodiscard]] std::string file(const std::string& name, const std::string& text) const {
        test::write_file(*this / name, text);
        return *this / name;
    }
};

void check_refused(const Case& bad, const test::ProcessOptions& options = {}) {
    const auto result = test::run_pgtraffic(bad.arguments, options);
    std::string words;
    for (const auto& argument : bad.arguments) words += argument.substr(0, 200) + " ";
    INFO("arguments: " << words);
    INFO("stderr: " << result.err);
    CHECK(result.exit_code == 1);
    CHECK(result.out.empty());
    CHECK(result.err.find("pgtraffic: ") == 0);
    CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
    for (const auto& expected : bad.expected) CHECK(result.err.find(expected) != std::string::npos);
}

/// A scenario of one operation, with `extra` beside it.
std::string scenario_with(const std::string& extra) {
    return R"({"name": "mine", "operations": [{"name": "one", "statements": [{"sql": "select 1"}]}])" +
           extra + "}";
}

}  // namespace

TEST_CASE("unknown commands, options and words are refused") {
    for (const auto& bad : std::vector<Case>{
             {{"rum"}, {"unknown command \"rum\"", "did you mean \"run\"?"}},
             {{"shop"}, {"unknown command \"shop\"", "a database is named with -d"}},
             {{"postgresql://db/shop"}, {"unknown command", "a database is named with -d"}},
             {{"ini"}, {"unknown command \"ini\"", "\"init\""}},
             {{"help", "rum"}, {"unknown command \"rum\""}},
             {{"-d", "shop", "plan"},
              {"unexpected word \"plan\": it is a command, which comes first: pgtraffic plan"}},
             {{"--scenario", "mixed"}, {"there is no file \"mixed\"", "--query-type mixed"}},
             {{""}, {"unknown command \"\""}},
             {{"--conections", "5"}, {"unknown option \"--conections\"", "--connections"}},
             {{"run", "--query-typ", "select"}, {"unknown option \"--query-typ\"", "--query-type"}},
             {{"run", "-z"}, {"unknown option \"-z\""}},
             {{"run", "-duration", "5"}, {"unknown option \"-duration\"", "--duration"}},
             {{"run", "now"}, {"unexpected word \"now\"", "a database is named with -d"}},
             {{"-f", "nowhere.sql"}, {"--file: nowhere.sql: cannot read it"}},
             {{"-f", "a.sql", "--sql", "SELECT 1"}, {"--file: cannot go with --sql"}},
             {{"-f", "a.sql", "--mix", "a=1"}, {"--file: cannot go with --mix"}},
             {{"-D", "x=1"}, {"--define: has no meaning without --file"}},
             {{"-f", "a.sql", "-D", "x"}, {"--define: \"x\" must be NAME=VALUE"}},
             {{"-j", "4"}, {"unknown option \"-j\": one thread serves all connections"}},
             {{"-S"}, {"unknown option \"-S\": that is --query-type select"}},
             {{"run", "run"}, {"unexpected word \"run\""}},
             {{"--rate", "5", "init"}, {"unexpected word \"init\""}},
             {{"cleanup", "--scale", "2"}, {"--scale: `pgtraffic cleanup` has no such option"}},
             {{"init", "--rate=2"}, {"--rate: `pgtraffic init` has no such option"}},
             {{"list", "mixed"}, {"unexpected word \"mixed\""}},
             {{"show", "mixed", "select"}, {"unexpected word \"select\""}}}) {
        check_refused(bad);
    }
}

TEST_CASE("counts that are zero, negative, absurd or no numbers are refused") {
    const std::string port_range = "is not a whole number from 1 to 65535";
    const std::string range = "is neither a whole number from 1 to 65535 nor auto";
    for (const std::string value : {"0", "-1", "65536", "1000000", "nan", "ten", "1.5", "1e2", " 5", "5 ",
                                    "0x10", "+5", "99999999999999999999999", "1,000", "\xD9\xA5"}) {
        check_refused({{"--connections", value}, {"--connections: \"" + value + "\" " + range}});
        check_refused({{"-c" + value}, {"--connections: \"" + value + "\" " + range}});
        check_refused({{"--port", value}, {"--port: \"" + value + "\" " + port_range}});
    }
    for (const std::string value : {"0", "-1", "257", "many"}) {
        check_refused(
            {{"--pipeline", value}, {"--pipeline: \"" + value + "\" is not a whole number from 1 to 256"}});
    }
    check_refused({{"--connections="}, {"--connections: its value is empty"}});
    check_refused({{"--connections"}, {"--connections: its value is missing"}});
    check_refused({{"--port", "5432,0"}, {"--port: \"5432,0\""}});
    for (const std::string value : {"0", "-5", "1.5", "many", "1000000000001", "inf"}) {
        check_refused({{"--total-queries", value},
                       {"--total-queries: \"" + value + "\" is not a whole number from 1"}});
    }
    for (const std::string value : {"-1", "1.5", "seed", "18446744073709551616"}) {
        check_refused(
            {{"--random-seed", value}, {"--random-seed: \"" + value + "\" is not a whole number from 0"}});
    }
    for (const auto* command : {"run", "init"}) {
        for (const std::string value : {"0", "-1", "nan", "inf", "big", "1001", "1e999"}) {
            check_refused(
                {{command, "--scale", value}, {"--scale: \"" + value + "\" is not a number above 0"}});
        }
    }
}

TEST_CASE("rates that are zero, negative, absurd or no numbers are refused") {
    for (const std::string value :
         {"0", "-1", "nan", "inf", "-inf", "1e9", "fast", "10/s", "1,000", "0.0", "1e999"}) {
        check_refused({{"plan", "--rate", value},
                       {"--rate: \"" + value + "\" is not a number above 0, at most 10000000"}});
        check_refused({{"-R" + value}, {"--rate: \"" + value + "\""}});
        check_refused({{"--rate=" + value}, {"--rate: \"" + value + "\" is n", " number above 0"}});
        check_refused({{"--real-simulation", "--peak-rate", value}, {"--peak-rate: \"" + value + "\" is "}});
    }
    check_refused({{"--rate="}, {"--rate: its value is empty"}});
}

TEST_CASE("durations that are zero, negative, absurd or no durations are refused") {
    for (const std::string value : {"0", "0s", "-1", "-1s", "nan", "inf", "soon", "5 minutes", "5d", "30m1h",
                                    "9000h", "1e300", "s", "1e", "10us", "\n5"}) {
        check_refused({{"--duration", value}, {"--duration: \"", "is not a duration from 1ms to 8760h"}});
        check_refused({{"plan", "-T" + value}, {"--duration: \""}});
    }
    check_refused({{"--warmup", "-1"}, {"--warmup: \"-1\" is not a duration from 0 to 24h"}});
    check_refused({{"--warmup", "25h"}, {"--warmup: \"25h\""}});
    check_refused({{"--timeout", "0"}, {"--timeout: \"0\" is not a duration from 1ms to 1h"}});
    check_refused({{"--timeout", "2h"}, {"--timeout: \"2h\""}});
    check_refused({{"--sql", "SELECT 1", "--query-type", "select"}, {"--sql: cannot go with --query-type"}});
    check_refused({{"--sql", "SELECT 1", "--scenario", "x.json"}, {"--sql: cannot go with --scenario"}});
    check_refused({{"--sql", "SELECT 1", "--mix", "select=1"}, {"--sql: cannot go with --mix"}});
    check_refused({{"--sql", ""}, {"--sql: its value is empty"}});
    check_refused({{"--sql", "/* */"}, {"--sql: the statement is empty"}});
    check_refused({{"-L", "20"}, {"--latency-limit: the unit is missing: 20ms, or 20s"}});
    check_refused({{"--rate=5", "--latency-limit", "0"}, {"--latency-limit: \"0\" is not a duration"}});
    check_refused({{"--progress", "0"}, {"--progress: \"0\" is not a duration from 100ms to 24h"}});
    check_refused({{"-P", "often"}, {"--progress: \"often\""}});
    for (const std::string value : {"0", "99ms", "61m", "-1", "nan", "1 s"}) {
        check_refused(
            {{"--interval", value}, {"--interval: \"" + value + "\" is not a duration from 100ms to 1h"}});
    }
    check_refused(
        {{"--interval", "100500us"}, {"--interval: \"100500us\" is not a whole number of milliseconds"}});
}

TEST_CASE("words that are not among the allowed ones are refused with the nearest") {
    for (const auto& bad : std::vector<Case>{
             {{"--query-type", "selct"},
              {"--query-type: \"selct\" is not one of select, insert, update, mixed",
               "did you mean \"select\"?"}},
             {{"--query-type", "delete"},
              {"--query-type: \"delete\" is not one of select, insert, update, mixed"}},
             {{"--query-type", "SELECT"}, {"--query-type: \"SELECT\"", "\"select\""}},
             {{"--query-type="}, {"--query-type: its value is empty"}},
             {{"--rate=5", "--arrivals", "poison"}, {"--arrivals: \"poison\"", "\"poisson\""}},
             {{"--key-distribution", "zip"}, {"--key-distribution: \"zip\"", "\"zipf\""}},
             {{"--key-distribution", "zipf", "--query-type", "insert"}, {"asks for no key"}},
             {{"--disable-logging", "--live", "panel"}, {"--live: cannot be shown with --disable-logging"}},
             {{"--disable-logging", "-P", "1"}, {"--progress: cannot be shown with --disable-logging"}},
             {{"--live", "off", "-P", "1"}, {"--progress: cannot be shown with --live off"}},
             {{"--rate=5", "--pacing=100ms", "-L", "20ms"},
              {"--pacing: queries start up to 100.00 ms late", "latency-limit"}},
             {{"--protocol", "simple"}, {"--protocol: \"simple\" is not one of extended, prepared"}},
             {{"--format", "xml"}, {"--format: \"xml\" is not one of text, json"}},
             {{"--session-order", "random"}, {"--session-order: \"random\" is not one of fifo, lifo"}},
             {{"--pacing", "cheap"},
              {"--pacing: \"cheap\" is not a duration from 1ms to 100ms, nor precise, nor economy"}},
             {{"--pacing", "1s"}, {"--pacing: \"1s\" is not a duration from 1ms to 100ms"}},
             {{"--pacing", "0"}, {"--pacing: \"0\" is not a duration from 1ms to 100ms"}},
             {{"--color", "yes"}, {"--color: \"yes\" is not one of auto, always, never"}},
             {{"--duration-only=maybe"}, {"--duration-only: \"maybe\" is neither true nor false"}},
             {{"--pattern", "busines-hours"},
              {"--pattern: there is no traffic pattern \"busines-hours\"",
               "did you mean \"business-hours\"?"}},
             {{"--pattern", "weekend"}, {"--pattern: ", "business-hours, ecommerce-rush, nightly-batch"}},
             {{"plan", "--pattern=nightly", "--peak-rate=5"}, {"--pattern: ", "nightly"}},
             {{"--pattern=x://y"}, {"--pattern: \"x://y\" is a URL"}}}) {
        check_refused(bad);
    }
}

TEST_CASE("a mix that is empty, negative, unknown or sums to nothing is refused") {
    for (const std::string value :
         {"", "select", "select=", "select=-1", "select=0", "select=nan", "select=0,insert=0",
          "select=1,select=2", "selct=1", "delete=1", "select=1,", "=1", "select=60;insert=40"}) {
        check_refused({{"--mix", value}, {"--mix: "}});
    }
    check_refused({{"--mix", "selct=1"}, {"select"}});
}

TEST_CASE("options that contradict each other are refused") {
    for (const auto& bad : std::vector<Case>{
             {{"--rate=5", "--pattern=business-hours"}, {"--rate: cannot go with --pattern"}},
             {{"--rate=5", "--real-simulation"}, {"--rate: cannot go with --real-simulation"}},
             {{"--rate=5", "--peak-rate=10"}, {"--rate: cannot go with --peak-rate"}},
             {{"--real-simulation", "--pattern=business-hours"},
              {"--real-simulation: cannot go with --pattern"}},
             {{"--stop-file=/nowhere/at/all"},
              {"--stop-file: \"/nowhere/at/all\" is in no folder that exists"}},
             {{"--abort-if=", "-T5"}, {"--abort-if: its value is empty; give EXPR"}},
             {{"--peak-rate=10"}, {"--peak-rate: has no meaning without --pattern"}},
             {{"--rate=auto", "--pattern=business-hours"}, {"--rate: cannot go with --pattern"}},
             {{"--rate=auto", "--peak-rate=10"}, {"--rate: cannot go with --peak-rate"}},
             {{"--rate=auto", "--max-rows=10"}, {"--max-rows: the search for the rate would use", "--rate"}},
             {{"-c", "auto", "--max-rows=10"},
              {"--max-rows: the search for the connections would use", "name them with --connections"}},
             {{"-c", "auto", "--rate=10"}, {"--connections: auto is for a closed loop"}},
             {{"-c", "auto", "--real-simulation"}, {"--connections: auto is for a closed loop"}},
             {{"plan", "--rate=auto"}, {"--rate: auto measures a server"}},
             {{"--peak-rate=auto"}, {"--peak-rate: has no meaning without --pattern"}},
             {{"--threshold=late<5"}, {"--threshold: \"late<5\": column 1: late takes --latency-limit"}},
             {{"--arrivals=uniform"}, {"--arrivals: has no meaning without --rate"}},
             {{"--pacing=economy"}, {"--pacing: has no meaning without --rate"}},
             {{"--query-type=mixed", "--scenario=x.json"}, {"--query-type: cannot go with --scenario"}},
             {{"--query-type=select", "--mix=select=1"},
              {"--mix: --query-type select has one operation only"}},
             {{"--ephemeral", "-d", "shop"}, {"--ephemeral: cannot go with --database-url"}},
             {{"--ephemeral", "-h", "db"}, {"--ephemeral: cannot go with --host"}},
             {{"-d", "shop", "--unsafe-fast"}, {"--unsafe-fast: only for the temporary server"}},
             {{"-d", "shop", "--scale=2"}, {"--scale: only for the temporary server"}},
             {{"-d", "host=a", "-h", "b"}, {"--host: --database-url already says host=a"}},
             {{"--json=-", "--format=text"}, {"--json: cannot go to stdout with --format text"}},
             {{"--stream=-", "--format=json"}, {"--stream: cannot go to stdout with --format json"}},
             {{"--stream=-", "--json=-"}, {"--stream: cannot go to stdout with --json"}},
             {{"--csv=-", "--json=-"}, {"--csv: cannot go to stdout with --json"}},
             {{"--stream=-", "--csv=-"}, {"--csv: cannot go to stdout with --stream"}},
             {{"--hdr-log=-", "--csv=-"}, {"--hdr-log: cannot go to stdout with --csv"}},
             {{"--query-log=-", "--stream=-"}, {"--query-log: cannot go to stdout with --stream"}},
             {{"--query-log=a", "--stream=a"}, {"--query-log: \"a\" is the file of --stream"}},
             {{"--sampling-rate=0.1"}, {"--sampling-rate: it is the part of the queries that --query-log"}},
             {{"--query-log=a", "--sampling-rate=0"}, {"--sampling-rate: \"0\" is not"}},
             {{"--query-log=a", "--sampling-rate=1.5"}, {"--sampling-rate: \"1.5\" is not"}},
             {{"--think-time=0"}, {"--think-time: \"0\" is not a duration from 1ms to 1h"}},
             {{"--think-time=1", "--rate=5"}, {"--think-time: is for a closed loop"}},
             {{"--think-time=1", "--pipeline=2"}, {"--think-time: cannot go with --pipeline"}},
             {{"--think-time=1", "-c", "auto"}, {"--think-time: cannot go with --connections auto"}},
             {{"--label=commit"}, {"--label: \"commit\" must be KEY=VALUE"}},
             {{"--label=2nd=x"}, {"--label: \"2nd=x\" must be KEY=VALUE"}},
             {{"--label=a-b=x"}, {"must be KEY=VALUE"}},
             {{"--label=a=x", "--label=a=y"}, {"--label: a is given twice"}},
             {{"--label=a=" + std::string(201, 'x')}, {"--label: the value of a is longer than 200 bytes"}},
             {{"-l"}, {"single queries are written by --query-log FILE"}},
             {{"--csv=a", "--stream=a"}, {"--csv: \"a\" is the file of --stream"}},
             {{"--hdr-log=b", "--json=b"}, {"--hdr-log: \"b\" is the file of --json"}},
             {{"--json=b", "--html=./b"}, {"--html: \"./b\" is the file of --json"}},
             {{"--scenario=s.json", "--json=s.json"}, {"--json: \"s.json\" is the file of --scenario"}},
             {{"--pattern=p", "--html=p"}, {"--html: \"p\" is the file of --pattern"}},
             {{"--stop-file=s", "--stream=s"}, {"--stream: \"s\" is the file of --stop-file"}}}) {
        check_refused(bad);
    }
}

TEST_CASE("a malformed URL is refused without its password") {
    for (const std::string url : {"postgresql://app:geheim@db:port/shop", "postgresql://app:geheim@[::1/shop",
                                  "postgresql://app:geheim@db/shop?no_such_thing=1",
                                  "host=db password=geheim nonsense=1", "password=geheim host='db"}) {
        for (const auto* command : {"run", "init", "cleanup"}) {
            check_refused({{command, "--database-url", url}, {"--database-url: "}});
            test::ProcessOptions options;
            options.environment = {{"DATABASE_URL", url}};
            check_refused({{command}, {"DATABASE_URL: "}}, options);
            CHECK(test::run_pgtraffic({command, "-d", url}).err.find("geheim") == std::string::npos);
            CHECK(test::run_pgtraffic({command}, options).err.find("geheim") == std::string::npos);
        }
    }
}

TEST_CASE("a password in a URL that lacks its beginning, or is a host, is not repeated") {
    const std::string bare = "app:geheim@db/shop";
    const std::string url = "postgresql://app:geheim@db/shop";
    test::ProcessOptions options;
    options.environment = {{"PGHOST", url}};
    test::ProcessOptions database;
    database.environment = {{"PGDATABASE", url}};
    test::ProcessOptions named;
    named.environment = {{"DATABASE_URL", bare}};
    for (const auto& [refused, said] :
         {std::pair{test::run_pgtraffic({"run", "-d", bare}), "--database-url: looks like a URL without its"},
          std::pair{test::run_pgtraffic({"init"}, named), "DATABASE_URL: looks like a URL without its"},
          std::pair{test::run_pgtraffic({"run", "-h", url}), "is a whole URL"},
          std::pair{test::run_pgtraffic({"cleanup"}, options),
                    "the host (-h, PGHOST or DB_HOST) is a whole URL"},
          std::pair{test::run_pgtraffic({"run"}, database),
                    "the database's name (PGDATABASE or DB_NAME) is a"},
          std::pair{test::run_pgtraffic({"run", "-h", "db", "-U", url}),
                    "the user (-U, PGUSER or DB_USER) is a"},
          std::pair{test::run_pgtraffic({bare}), "a database is named with -d"}}) {
        CHECK(refused.exit_code == 1);
        CHECK_THAT(refused.err, Contains(said) && !Contains("geheim"));
    }
}

TEST_CASE("a password in a misplaced word is not repeated") {
    const std::string url = "postgresql://app:geheim@db/shop";
    for (const auto& arguments : std::vector<std::vector<std::string>>{{url},
                                                                       {"run", url},
                                                                       {"--connections", url},
                                                                       {"--datbase-url=" + url},
                                                                       {"--query-type", url},
                                                                       {"--duration-only=" + url},
                                                                       {"--pattern", url},
                                                                       {"show", url},
                                                                       {"--json", "--database-url=" + url},
                                                                       {"--json", url},
                                                                       {"--stream", url},
                                                                       {"--scenario", url},
                                                                       {"--mix", url},
                                                                       {"--mix", url + "?sslmode=require"},
                                                                       {"-D" + url},
                                                                       {"--database-url" + url},
                                                                       {"report", url, "--html", "x"},
                                                                       {"compare", url, "x"}}) {
        const auto result = test::run_pgtraffic(arguments);
        INFO(result.err);
        CHECK(result.exit_code == 1);
        CHECK(result.err.find("geheim") == std::string::npos);
    }
}

TEST_CASE("a condition is refused with its column and the known words, before anything is started") {
    for (const auto& bad : std::vector<Case>{
             {{"--threshold", "respons.p99<20ms"},
              {"--threshold: \"respons.p99<20ms\": column 1: unknown metric", "did you mean \"response\"?"}},
             {{"--threshold", "response.p99<20"}, {"column 16: the unit is missing", "ns, us, ms, s"}},
             {{"--threshold", "selct.response.p99<20ms"}, {"no operation \"selct\"", "\"select\"?"}},
             {{"--threshold", "insert.response.p99<20ms"}, {"no operation \"insert\"; known are select"}},
             {{"--query-type=mixed", "--mix=select=1", "--threshold=insert.failed<1"},
              {"no operation \"insert\"; known are select"}},
             {{"--pattern=business-hours", "--threshold=phase:rush.failed<1"},
              {"column 7: the run has no phase"}},
             {{"--threshold", "lag.p99<20ms"}, {"a closed loop has no lag"}},
             {{"--threshold", "failed<1", "--threshold", "failed<x"},
              {"--threshold: \"failed<x\": column 8"}},
             {{"--threshold", "failed<x", "--threshold", "failed<1"},
              {"--threshold: \"failed<x\": column 8"}},
             {{"--threshold="}, {"--threshold: \"\": column 1: it is empty"}},
             {{"--threshold"}, {"--threshold: its value is missing"}},
             {{"--threshold", "--strict"}, {"--threshold: its value is missing"}},
             {{"--threshold", "\x1b[31m<5"}, {"column 1: a metric is missing"}},
             {{"--abort-if", "service.p99>1s"},
              {"--abort-if: \"service.p99>1s\": column 1: service is not known while the run lasts"}},
             {{"--abort-if", "select.failed>1"}, {"column 1: operations and phases"}},
             {{"--abort-if"}, {"--abort-if: its value is missing"}},
             {{"--abort-if=throughput<5", "-T5"}, {"--abort-if: ", "10.00 s", "5.00 s", "--abort-window"}},
             {{"--abort-if=bogus", "-T1"}, {"--abort-if: \"bogus\": "}},
             {{"--abort-if=throughput<5", "-T5", "--abort-window=4.9"}, {"--abort-if: ", "5.00 s"}},
             {{"--abort-if=throughput<5", "-T1.2", "--abort-window=1.1", "--interval=700ms"},
              {"--abort-if: ", "1.40 s", "1.20 s"}},
             {{"--pattern=nightly-batch", "--max-rows=10"}, {"--max-rows: ", "--peak-rate"}},
             {{"--abort-window=5"}, {"--abort-window: has no meaning without --abort-if"}},
             {{"--abort-if=throughput<5", "--abort-window=0"}, {"--abort-window: \"0\" is not a duration"}},
             {{"--abort-if=throughput<5", "--abort-window=x"}, {"--abort-window: \"x\" is not a duration"}},
             {{"--strict=maybe"}, {"--strict: \"maybe\" is neither true nor false"}},
             {{"plan", "--threshold", "failed<1"}, {"--threshold: `pgtraffic plan` has no such option"}}}) {
        check_refused(bad);
    }
}

TEST_CASE("init and cleanup do not make up a database") {
    for (const auto* command : {"init", "cleanup"}) {
        check_refused({{command}, {"no database is named", "--database-url", "DATABASE_URL"}});
        test::ProcessOptions options;
        options.environment = {{"DATABASE_URL", ""}};
        check_refused({{command}, {"no database is named"}}, options);
    }
}

TEST_CASE("a scenario file is refused with its place") {
    const Folder folder;
    const auto refused = [&](const std::string& text, const std::vector<std::string>& expected) {
        const auto file = folder.file("mine.json", text);
        auto all = expected;
        all.push_back(file + ":");
        check_refused({{"--scenario", file}, all});
    };
    refused("", {"it is empty"});
    refused("   ", {":1:"});
    refused("{\n  \"name\": \"mine\",\n  oops\n}", {":3:", "not valid JSON"});
    refused("[]", {"must be an object"});
    refused(R"({"name": "mine"})", {"operations"});
    refused(R"({"name": "mine", "operations": []})", {"/operations"});
    refused(R"({"name": "mine", "operations": 5})", {"/operations", "array"});
    refused(scenario_with(R"(, "conections": 5)"), {"unknown key \"conections\"", "\"connections\""});
    refused(scenario_with(R"(, "connections": "5")"), {"/connections"});
    refused(scenario_with(R"(, "connections": 0)"), {"/connections"});
    refused(scenario_with(R"(, "arrivals": "poison")"), {"/arrivals"});
    refused(scenario_with(R"(, "thresholds": 5)"), {"/thresholds"});
    refused(scenario_with(R"(, "thresholds": ["failed<1", "on.failed<1"])"),
            {"/thresholds/1: \"on.failed<1\": column 1: the run has no operation \"on\"", "\"one\"?"});
    refused(scenario_with(R"(, "thresholds": ["failed\n<1"])"), {"/thresholds/0: ", "column 7: "});
    refused(
        R"({"name": "m", "operations": [{"name": "a", "weight": -1, "statements": [{"sql": "select 1"}]}]})",
        {"/operations/0/weight"});
    refused(
        R"({"name": "m", "operations": [{"name": "a", "weight": 0, "statements": [{"sql": "select 1"}]}]})",
        {"/operations"});
    refused(R"({"name": "m", "operations": [{"name": "a", "statements": [{"sql": 5}]}]})",
            {"/operations/0/statements/0/sql", "must be a string, not a number"});
    refused(
        R"({"name": "m", "operations": [{"name": "a", "statements": [{"sql": "select 1", "parametres": []}]}]})",
        {"/operations/0/statements/0", "\"parametres\"", "\"parameters\""});
    refused(R"({"name": "m", "operations": [{"name": "a", "statements": [{"sql": "copy t from stdin"}]}]})",
            {"/operations/0/statements/0/sql"});
    refused(R"({"name": "m", "operations": [{"name": "a", "statements": [{"sql": "select 1"}],
                "retry": {"on": ["x"], "max": 5}}]})",
            {"/operations/0/retry"});

    check_refused({{"--scenario", folder / "missing.json"}, {folder / "missing.json", "No such file"}});
    check_refused({{"--scenario", folder / ""}, {folder / ""}});
    check_refused({{"--scenario="}, {"--scenario: its value is empty"}});
    check_refused({{"plan", "--scenario", folder / "missing.json"}, {folder / "missing.json"}});
}

TEST_CASE("statements that wait for one another, or control transactions, are refused in a pipeline") {
    const Folder folder;
    const auto refused = [&](const std::string& statements, const std::string& why) {
        const auto file =
            folder.file("chain.json", R"({"name": "m", "operations": [{"name": "pay", "statements": [)" +
                                          statements + "]}]}");
        check_refused(
            {{"--scenario", file, "--pipeline", "4"}, {"--pipeline: the operation \"pay\" " + why}});
    };
    refused(R"({"sql": "select 1"}, {"sql": "select 2"})", "has 2 statements");
    const auto pausing =
        folder.file("pausing.json",
                    R"({"name": "m", "operations": [{"name": "pay", "statements": [{"sql": "select 1"}], )"
                    R"("retry": {"on": ["40001"], "max": 2, "backoff_ms": [1, 2]}}]})");
    check_refused({{"--scenario", pausing, "--pipeline", "4"},
                   {"--pipeline: the operation \"pay\" pauses before it tries again"}});
    for (const std::string sql : {"BEGIN", "commit;", "-- a\\n /* b */ start transaction", "(Rollback"}) {
        refused(R"({"sql": ")" + sql + R"("})", "controls transactions");
    }
}

TEST_CASE("the traffic of a scenario file is refused with its place") {
    const Folder folder;
    const auto refused = [&](const std::string& traffic, const std::vector<std::string>& expected) {
        const auto file = folder.file("mine.json", scenario_with(", \"traffic\": " + traffic));
        auto all = expected;
        all.push_back(file + ": /traffic");
        check_refused({{"--scenario", file}, all});
        check_refused({{"plan", "--scenario", file, "--peak-rate=5"}, all});
        check_refused({{"plan", "--scenario", file, "--rate=5"}, all});
    };
    refused("\"busines-hours\"", {"did you mean \"business-hours\"?"});
    refused("5", {"pattern"});
    refused("{}", {"phases"});
    refused(R"({"phases": []})", {"/traffic/phases"});
    refused(R"({"phases": [{"name": "a", "share": 0.5, "from": 1}]})", {"/traffic/phases"});
    refused(R"({"phases": [{"name": "a", "share": 1, "from": "lofty"}]})", {"/traffic/phases/0/from"});
    refused(R"({"phases": [{"name": "a", "share": 1, "from": [0.5, 0.2]}]})", {"/traffic/phases/0/from"});
    refused(R"({"phase": []})", {"unknown key \"phase\"", "\"phases\""});
}

TEST_CASE("a pattern file is refused with its place") {
    const Folder folder;
    const auto broken = folder.file("pattern.json", "{\"name\": \"p\",\n \"phases\": [}");
    check_refused({{"--pattern", broken}, {broken + ":2:", "not valid JSON"}});
    const auto wrong =
        folder.file("wrong.json", R"({"name": "p", "phases": [{"name": "a", "share": 1, "from": 7}]})");
    check_refused({{"--pattern", wrong}, {wrong + ": /phases/0/from"}});
    check_refused({{"plan", "--pattern", folder / "none.json", "--peak-rate=5"}, {folder / "none.json"}});
}

TEST_CASE("a refused run leaves no output file and keeps one that was there") {
    const Folder folder;
    const auto kept = folder.file("kept.json", "precious");
    for (const auto& json : {folder / "new.json", kept}) {
        check_refused({{"--json", json, "--connections", "0"}, {"--connections: "}});
        check_refused({{"--json", json, "--scenario", folder / "none.json"}, {"none.json"}});
        check_refused({{"--json", json, "--mix", "x=1"}, {"--mix: "}});
    }
    const auto away = "postgresql://127.0.0.1:1/nowhere";
    for (const auto* option : {"--stream", "--query-log", "--csv", "--hdr-log"}) {
        for (const auto& file : {folder / "new.json", kept}) {
            check_refused({{option, file, "--mix", "x=1"}, {"--mix: "}});
            check_refused({{option, file, "-d", away}, {"127.0.0.1"}});  // known after the file was opened
        }
        const auto missing = folder / "no/such/file";
        check_refused({{option, missing}, {std::string{option} + ": cannot write \"" + missing + "\""}});
        check_refused({{option, folder / ""}, {std::string{option} + ": cannot write"}});
        check_refused({{std::string{option} + "="}, {std::string{option} + ": its value is empty"}});
        check_refused(
            {{option, "postgresql://app:geheim@db/shop"}, {std::string{option} + ": ", "is a URL"}});
    }
    CHECK_FALSE(std::filesystem::exists(folder / "new.json"));
    std::string text;
    std::getline(std::ifstream{kept} >> std::ws, text);
    CHECK(text == "precious");
    CHECK(std::distance(std::filesystem::directory_iterator{folder / ""}, {}) == 1);
}
