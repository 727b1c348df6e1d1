// The two entry scripts, in a copy of their own with a stand-in for the program that prints what it was
// given: where .env, environment and options lead, and that nothing is installed without need. What they
// install and build for real is shown by running them; here nothing is installed and nothing is built.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "support/catch.hpp"
#include "support/subprocess.hpp"
#include "support/text.hpp"

namespace {

namespace fs = std::filesystem;
namespace test = pgtraffic::test;

/// A directory with the scripts in it, gone with its owner. Neither copies nor moves.
class Tree {
 public:
    Tree() {
        std::string path = (fs::temp_directory_path() / "pgtraffic-scripts-XXXXXX").string();
        REQUIRE(mkdtemp(path.data()) != nullptr);
        root_ = path;
        for (const auto* name : {"run_simulation.sh", "run_tests.sh", ".ci/setup.sh"}) {
            fs::create_directories((root_ / name).parent_path());
            fs::copy_file(fs::path{PGTRAFFIC_SOURCE_DIR} / name, root_ / name);
        }
    }
    Tree(const Tree&) = delete;
    Tree& operator=(const Tree&) = delete;
    ~Tree() { fs::remove_all(root_); }

    void write(const std::string& name, const std::string& text) const {
        fs::create_directories((root_ / name).parent_path());
        std::ofstream{root_ / name, std::ios::binary} << text;
    }

    void write_program(const std::string& name, const std::string& text) const {
        write(name, "#!/bin/sh\n" + text);
        fs::permissions(root_ / name, fs::perms::owner_all);
    }

    /// Replaces installing and building by nothing, and the program by one that shows what reaches it.
    void skip_the_build() const {
        std::ofstream{root_ / ".ci/setup.sh", std::ios::app}
            << "\nrequire_packages() { :; }\nbuild_preset() { :; }\n";
        write_program("build/release/pgtraffic",
                      "echo \"args: $*\"\nenv | grep -E '^(PG|DATABASE_URL)' | sort\n");
    }

    /// Runs a bash script in the tree with no environment but a path that begins with the tree's own
    /// programs.
    [[nodiscard]] test::ProcessResult run(const std::string& script) const {
        const std::string path = std::getenv("PATH");
        return test::run_process({"env", "-i", "-C", root_.string(),
                                  "PATH=" + (root_ / "programs:").string() + path, "bash", "-c", script,
                                  "script"});
    }

 private:
    fs::path root_;
};

const std::string kSettings = "args: --connections 150 --duration 30 --disable-logging";

/// What the program gets when run_simulation.sh finds this .env file.
std::string seen_with(const std::string& env_file, const std::string& script = "./run_simulation.sh") {
    const Tree tree;
    tree.skip_the_build();
    tree.write(".env", env_file);
    return tree.run(script).out;
}

}  // namespace

TEST_CASE("the simulation script runs the original's settings, which later options and commands override") {
    const Tree tree;
    tree.skip_the_build();
    CHECK(tree.run("./run_simulation.sh").out == kSettings + "\n");
    CHECK(tree.run("./run_simulation.sh --duration 5 --query-type mixed").out ==
          kSettings + " --duration 5 --query-type mixed\n");
    CHECK(tree.run("./run_simulation.sh plan --pattern 'of mine.json'").out ==
          "args: plan --pattern of mine.json\n");
    CHECK(tree.run("./run_simulation.sh --help").out == "args: --help\n");
    CHECK(tree.run("./run_simulation.sh -h").out == "args: -h\n");
    CHECK(tree.run("./run_simulation.sh -h db").out == kSettings + " -h db\n");
    for (const std::string seen : {"--live panel", "--listen=0", "--progress 1", "-P1"}) {
        CHECK(tree.run("./run_simulation.sh " + seen).out ==
              "args: --connections 150 --duration 30 " + seen + "\n");
    }
    CHECK(tree.run("cd / && \"$OLDPWD/run_simulation.sh\"").out == kSettings + "\n");
    // Who asks no database needs no whole target, and what another program's environment says is no mistake.
    tree.write(".env", "DB_HOST='not closed\n");
    for (const std::string asked :
         {"--help", "-V", "plan --pattern nightly-batch", "compare a b", "init --help", "run -V"})
        CHECK(tree.run("DB_NAME=shop ./run_simulation.sh " + asked).out == "args: " + asked + "\n");
    CHECK(tree.run("DB_NAME=shop ./run_simulation.sh init").exit_code == 1);
}

TEST_CASE(
    "the simulation script hands DB_HOST and its kin on by libpq's variables, never on a command line") {
    const Tree tree;
    tree.skip_the_build();
    const auto seen = tree.run(
        "export DB_HOST=db DB_PORT=6000 DB_USER=u DB_PASSWORD='s3cret word' DB_NAME=shop PGSERVICE=other "
        "PGHOSTADDR=::1\n"
        "./run_simulation.sh");
    CHECK(seen.out ==
          kSettings +
              "\nPGDATABASE=shop\nPGHOST=db\nPGPASSWORD=s3cret word\nPGPORT=6000\nPGSSLMODE=require\n"
              "PGUSER=u\n");
    CHECK(tree.run("export DB_HOST=db PGSSLMODE=disable; ./run_simulation.sh").out ==
          kSettings + "\nPGHOST=db\nPGSSLMODE=disable\n");
}

TEST_CASE("the simulation script wants a PostgreSQL server only for the temporary one") {
    const auto wants_server = [](const std::string& script, const std::string& env_file = "") {
        const Tree tree;
        tree.skip_the_build();
        tree.write(".ci/setup.sh",
                   "root=$PWD\nbuild_packages=(g++)\nserver_packages=(postgresql)\n"
                   "say() { :; }\ndie() { exit 1; }\nbuild_preset() { :; }\n"
                   "require_packages() { echo \"wants $*\"; }\n");
        if (!env_file.empty()) tree.write(".env", env_file);
        const auto out = tree.run(script).out;
        REQUIRE(test::holds(out, "wants g++"));
        return test::holds(out, "wants g++ postgresql");
    };
    for (const char* script :
         {"./run_simulation.sh", "./run_simulation.sh -c 10", "PGHOST=db ./run_simulation.sh --ephemeral"}) {
        INFO(script);
        CHECK(wants_server(script));
    }
    for (const char* script :
         {"./run_simulation.sh -d shop", "./run_simulation.sh --host=db", "PGHOST=db ./run_simulation.sh",
          "DATABASE_URL=postgresql://db/shop ./run_simulation.sh", "./run_simulation.sh plan",
          "./run_simulation.sh --help", "./run_simulation.sh run '-?'", "./run_simulation.sh compare a b",
          "./run_simulation.sh init -d shop"}) {
        INFO(script);
        CHECK_FALSE(wants_server(script));
    }
    CHECK_FALSE(wants_server("./run_simulation.sh", "DB_HOST=db\n"));
}

TEST_CASE("an .env file is read with quotes, spaces and comments, and never run") {
    const auto host = [](const std::string& line) {
        const auto seen = seen_with("# a comment\n\n" + line + "\nPGHOST=ignored\n");
        const auto from = seen.find("PGHOST=");
        REQUIRE(from != std::string::npos);
        return seen.substr(from + 7, seen.find('\n', from) - from - 7);
    };
    CHECK(host("DB_HOST=db") == "db");
    CHECK(host("  export DB_HOST = db  # where it is") == "db");
    CHECK(host("DB_HOST=d#b") == "d#b");
    CHECK(host("DB_HOST=db\r") == "db");
    CHECK(host("DB_HOST='a \"b\" # c'  # d") == "a \"b\" # c");
    CHECK(host(R"(DB_HOST="a \"b\" \\ \$x \n 'c'" # d)") == R"(a "b" \ $x \n 'c')");
    CHECK(host("DB_HOST=$(touch run) `touch run` ${HOME}") == "$(touch run) `touch run` ${HOME}");
    CHECK(host("DB_HOST=first\nDB_HOST=last") == "last");
    CHECK(seen_with("DB_HOST=$(touch run)", "./run_simulation.sh >/dev/null; ls") ==
          "build\nrun_simulation.sh\nrun_tests.sh\n");

    const auto without_newline = seen_with("DB_HOST=db\nDB_NAME=shop");
    CHECK(without_newline.find("PGDATABASE=shop\n") != std::string::npos);

    const Tree tree;
    tree.skip_the_build();
    tree.write(".env", "DB_HOST=db\nDB_PASSWORD=\"s3cret\n");
    const auto broken = tree.run("./run_simulation.sh");
    CHECK(broken.exit_code == 1);
    CHECK(broken.err ==
          "run_simulation.sh: .env:2: the value of DB_PASSWORD has a quote that is not closed\n");
}

TEST_CASE("the environment stands above the .env file") {
    const std::string file = "DB_HOST=of-file\nDB_NAME=of-file\nDATABASE_URL=postgresql://of-file/\n";
    CHECK(seen_with(file) == kSettings + "\nDATABASE_URL=postgresql://of-file/\n");
    CHECK(seen_with(file, "DATABASE_URL=postgresql://mine/ ./run_simulation.sh") ==
          kSettings + "\nDATABASE_URL=postgresql://mine/\n");
    CHECK(seen_with(file, "DB_HOST=mine ./run_simulation.sh") ==
          kSettings + "\nPGDATABASE=of-file\nPGHOST=mine\nPGSSLMODE=require\n");
    CHECK(seen_with(file, "DATABASE_URL= DB_HOST= DB_NAME= ./run_simulation.sh") == kSettings + "\n");
    CHECK(seen_with(file, "PGHOST=mine ./run_simulation.sh") == kSettings + "\nPGHOST=mine\n");
    CHECK(seen_with(file, "PGSERVICE=mine ./run_simulation.sh") == kSettings + "\nPGSERVICE=mine\n");
}

TEST_CASE("another host in the environment gets neither user nor password of the file's host") {
    const std::string file = "DB_HOST=of-file\nDB_USER=u\nDB_PASSWORD=s3cret\nDB_PORT=6000\nDB_NAME=shop\n";
    CHECK(seen_with(file, "DB_HOST=mine ./run_simulation.sh") ==
          kSettings + "\nPGDATABASE=shop\nPGHOST=mine\nPGSSLMODE=require\n");
    CHECK(seen_with(file, "DB_HOST=of-file ./run_simulation.sh") == seen_with(file));
    CHECK(seen_with("DB_PASSWORD=s3cret\n", "DB_HOST=mine ./run_simulation.sh") ==
          kSettings + "\nPGHOST=mine\nPGPASSWORD=s3cret\nPGSSLMODE=require\n");
}

TEST_CASE("a target in the options keeps the password of another server out of it") {
    const std::string file = "DB_HOST=of-file\nDB_PASSWORD=s3cret\n";
    for (const std::string options :
         {"-d shop", "--database-url=postgresql://mine/", "-h mine", "--ephemeral"}) {
        CHECK(seen_with(file, "./run_simulation.sh " + options) == kSettings + " " + options + "\n");
    }
}

TEST_CASE("the simulation script refuses half a target instead of running somewhere else") {
    const Tree tree;
    tree.skip_the_build();
    const auto half = tree.run("DB_PASSWORD=s3cret ./run_simulation.sh");
    CHECK(half.exit_code == 1);
    CHECK(half.err ==
          "run_simulation.sh: DB_PASSWORD is set, but not DB_HOST: set it, or unset DB_PASSWORD to go "
          "without\n");
}

TEST_CASE("the test script leaves out what takes long unless it is asked for, or for something else") {
    const Tree tree;
    tree.skip_the_build();
    tree.write_program("programs/ctest", "echo \"$*\"\n");
    const std::string dev = "--preset dev --no-tests=error --parallel 2";
    const std::string sanitized = "--preset asan-ubsan --no-tests=error --parallel 2";
    CHECK(tree.run("./run_tests.sh").out == dev + " -LE long\n");
    CHECK(tree.run("./run_tests.sh --all").out == dev + "\n");
    CHECK(tree.run("./run_tests.sh -L unit").out == dev + " -L unit\n");
    CHECK(tree.run("./run_tests.sh --sanitize").out == sanitized + " -LE long\n");
    CHECK(tree.run("./run_tests.sh --sanitize --all").out == sanitized + "\n");
    CHECK(tree.run("./run_tests.sh --all --sanitize -LE timing").out == sanitized + " -LE timing\n");
}

TEST_CASE("packages are installed only when some are missing, and only those") {
    const Tree tree;
    const std::string require = ". .ci/setup.sh; require_packages one two three; echo done";
    tree.write_program("programs/apt-get", "echo \"apt-get $*\" >>apt.log\n");
    tree.write_program("programs/sudo", "[ \"$1\" = -v ] || exec \"$@\"\n");  // root does not come by here
    tree.write_program("programs/dpkg-query", "echo installed\n");
    CHECK(tree.run(require).out == "done\n");
    CHECK(tree.run("cat apt.log").exit_code != 0);

    tree.write_program("programs/dpkg-query",
                       "case $* in *two) exit 1 ;; *three) echo config-files ;; *) echo installed ;; esac\n");
    const auto installed = tree.run(require);
    CHECK(installed.out == "done\n");
    CHECK(installed.err == "script: installing two three\n");
    CHECK(tree.run("cat apt.log").out ==
          "apt-get -o DPkg::Lock::Timeout=300 update\n"
          "apt-get install --yes --no-install-recommends -o DPkg::Lock::Timeout=300 two three\n");

    tree.write_program("programs/apt-get", "echo no network; exit 100\n");
    const auto failed = tree.run(require);
    CHECK(failed.exit_code == 1);
    CHECK(failed.err.find("no network\n") != std::string::npos);
    CHECK(failed.out.empty());
}

TEST_CASE("a build that was copied with its tree is made anew, others go on") {
    const Tree tree;
    tree.write_program("programs/cmake", "echo \"cmake $*\" >>cmake.log; touch build/dev/build.ninja\n");
    const std::string build = ". .ci/setup.sh; build_preset dev; cat cmake.log; rm cmake.log";
    const std::string cache = "build/dev/CMakeCache.txt";
    CHECK(tree.run(build).out == "cmake --preset dev\ncmake --build --preset dev\n");
    CHECK(tree.run("echo \"CMAKE_HOME_DIRECTORY:INTERNAL=$PWD\" >" + cache + "; " + build).out ==
          "cmake --build --preset dev\n");
    CHECK(tree.run("echo CMAKE_HOME_DIRECTORY:INTERNAL=/elsewhere >" + cache + "; " + build).out ==
          "cmake --preset dev\ncmake --build --preset dev\n");
}

TEST_CASE("a build that fails shows why, and where all of it is") {
    const Tree tree;
    tree.write_program("programs/cmake", "echo \"cmake $*\"; echo broken; exit 1\n");
    const auto failed = tree.run(". .ci/setup.sh; build_preset dev; echo done");
    CHECK(failed.exit_code == 1);
    CHECK(failed.err.find("cmake --preset dev\nbroken\n") != std::string::npos);
    CHECK(failed.err.find("build/dev.log") != std::string::npos);
    CHECK(failed.out.empty());
}
