// The manual page and the completions as they are installed: read by the programs that they are for, as far
// as those are here, and where `cmake --install` puts them.
#include <unistd.h>

#include <filesystem>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "pgtraffic/cli/completion.hpp"
#include "support/catch.hpp"
#include "support/subprocess.hpp"

using namespace pgtraffic;

namespace {

namespace fs = std::filesystem;

const fs::path kPages{PGTRAFFIC_PAGES};

/// .ci/setup.sh installs none of those that are asked for, so that none may be needed.
bool is_there(const std::string& program) {
    const bool found = test::run_process({"sh", "-c", "command -v " + program}).exit_code == 0;
    if (!found) WARN(program << " is not installed: less is checked");
    return found;
}

std::string offered_by(const std::vector<std::string>& argv) {
    const auto result = test::run_process(argv);
    INFO(result.err);
    CHECK(result.exit_code == 0);
    CHECK(result.err.empty());
    return result.out;
}

std::set<std::string> offered_lines(const std::string& text) {
    std::set<std::string> lines;
    std::istringstream in{text};
    for (std::string line; std::getline(in, line);) lines.insert(line);
    return lines;
}

/// What bash offers for the last of these words, which it has split at '=' already.
std::set<std::string> bash_offers(const std::vector<std::string>& words) {
    const auto empty = kPages / "empty";  // no file to complete to
    fs::create_directories(empty);
    std::vector<std::string> argv{
        "bash",
        "-c",
        "source \"$1\"; cd \"$2\"; shift 2; COMP_WORDS=(\"$@\"); "
        "COMP_CWORD=$(($# - 1)); _pgtraffic; if ((${#COMPREPLY[@]})); then printf '%s\\n' "
        "\"${COMPREPLY[@]}\"; fi",
        "bash",
        (kPages / "pgtraffic.bash").string(),
        empty.string(),
        "pgtraffic"};
    argv.insert(argv.end(), words.begin(), words.end());
    return offered_lines(offered_by(argv));
}

std::set<std::string> fish_offers(const std::string& line) {
    const auto text =
        offered_by({"fish", "--no-config", "-c", "source $argv[1]; complete --do-complete $argv[2]",
                    (kPages / "pgtraffic.fish").string(), line});
    std::set<std::string> words;
    for (const auto& offer : offered_lines(text)) words.insert(offer.substr(0, offer.find('\t')));
    return words;
}

/// Whether an interactive zsh, told `line` and a Tab, shows what matches `pattern`. Waits for it, at most for
/// `seconds`.
bool zsh_shows(const std::string& line, const std::string& pattern, const std::string& seconds = "20") {
    // The prompt is spelt so that the echo of the command that sets it is not taken for it.
    constexpr const char* kAsk = R"zsh(
        zmodload zsh/zpty
        zpty shell zsh -f -i
        zpty -w shell "PS1='rea''dy'; fpath=('$1' \$fpath); autoload -Uz compinit; compinit -D -u"
        zpty -r shell shown '*ready*'
        zpty -w -n shell "$2"$'\t'
        zpty -r shell shown "*$3*"
    )zsh";
    return test::run_process(
               {"timeout", seconds, "zsh", "-f", "-c", kAsk, "zsh", kPages.string(), line, pattern})
               .exit_code == 0;
}

std::set<std::string> options_of(cli::Command command) {
    std::set<std::string> options;
    for (const auto& row : cli::option_table()) {
        if (!row.belongs_to(command)) continue;
        options.insert("--" + std::string{row.name});
        if (row.letter != 0) options.insert(std::string{"-"} + row.letter);
    }
    return options;
}

using Words = std::set<std::string>;

}  // namespace

TEST_CASE("bash offers every option of every command, and the words of its value") {
    CHECK(bash_offers({"-"}) == options_of(cli::Command::run));
    Words commands;
    for (const auto& command : cli::command_table()) {
        commands.emplace(command.name);
        INFO(command.name);
        CHECK(bash_offers({std::string{command.name}, "-"}) == options_of(command.command));
        for (const auto& row : cli::option_table()) {
            if (!row.belongs_to(command.command) || row.is_flag()) continue;
            INFO("--" << row.name);
            const auto words = cli::value_candidates(row).words;
            const std::string name{command.name};
            const auto option = "--" + std::string{row.name};
            CHECK(bash_offers({name, option, ""}) == Words(words.begin(), words.end()));
            CHECK(bash_offers({name, option, "="}) == Words(words.begin(), words.end()));
        }
    }
    CHECK(bash_offers({""}) == commands);
}

TEST_CASE("bash offers what begins with the word at hand") {
    CHECK(bash_offers({"--format", "=", "p"}) == Words{"pgbench"});
    CHECK(bash_offers({"-M", "pre"}) == Words{"prepared"});
    CHECK(bash_offers({"plan", "--pattern", "e"}) == Words{"ecommerce-rush"});
    CHECK(bash_offers({"show", "m"}) == Words{"mixed"});
    CHECK(bash_offers({"-d", "shop", "--session-order", "l"}) == Words{"lifo"});
    CHECK(bash_offers({"-d", ""}).empty());
    // A file with a space and one with a star stay one word each.
    const auto result = test::run_process(
        {"bash", "-c",
         "cd \"$(mktemp -d)\"; touch 'a b.json' '*.json'; source \"$1\"; COMP_WORDS=(pgtraffic --json ''); "
         "COMP_CWORD=2; _pgtraffic; printf '%s\\n' \"${COMPREPLY[@]}\"; rm ./*; rmdir \"$PWD\"",
         "bash", (kPages / "pgtraffic.bash").string()});
    CHECK(offered_lines(result.out) == Words{"*.json", "a b.json"});
}

TEST_CASE("zsh offers a command's words and an option's, at a prompt") {
    CHECK(test::run_process({"bash", "-n", (kPages / "pgtraffic.bash").string()}).exit_code == 0);
    if (!is_there("zsh")) return;
    CHECK(zsh_shows("pgtraffic pl", "plan"));
    CHECK(zsh_shows("pgtraffic show mi", "mixed"));
    CHECK(zsh_shows("pgtraffic run --pacing ", "economy*precise"));
    CHECK(zsh_shows("pgtraffic run --max-r", "max-rows"));
    CHECK_FALSE(zsh_shows("pgtraffic show mi", "economy", "1"));
}

TEST_CASE("fish offers what bash does") {
    if (!is_there("fish")) return;
    for (const auto& command : cli::command_table()) {
        const auto line = "pgtraffic " + std::string{command.name} + " --";
        Words names;
        for (const auto& option : options_of(command.command)) {
            if (option.starts_with("--")) names.insert(option);
        }
        Words offers;  // those with a value are offered with their '='
        for (auto offer : fish_offers(line)) {
            if (offer.ends_with('=')) offer.pop_back();
            offers.insert(offer);
        }
        CHECK(offers == names);
    }
    CHECK(fish_offers("pgtraffic --format ") == Words{"text", "json", "pgbench"});
    CHECK(fish_offers("pgtraffic show mi") == Words{"mixed"});
    CHECK(fish_offers("pgtraffic pl") == Words{"plan"});
}

TEST_CASE("the manual page is read without a warning") {
    const auto page = (kPages / "pgtraffic.1").string();
    if (is_there("groff")) {
        const auto result = test::run_process({"groff", "-man", "-Tutf8", "-ww", "-rF0", "-z", page});
        INFO(result.err);
        CHECK(result.exit_code == 0);
        CHECK(result.err.empty());
    }
    if (is_there("man")) {
        test::ProcessOptions options;
        options.environment = {{"MANWIDTH", "80"}, {"LC_ALL", "C.UTF-8"}, {"MANROFFSEQ", ""}};
        const auto result = test::run_process({"man", "--warnings", "-E", "UTF-8", "-l", page}, options);
        INFO(result.err);
        CHECK(result.exit_code == 0);
        CHECK(result.err.empty());
        CHECK(result.out.find("PostgreSQL traffic simulator") != std::string::npos);
    }
}

TEST_CASE("cmake --install puts everything into its place") {
    std::string directory = (fs::temp_directory_path() / "pgtraffic-install-XXXXXX").string();
    REQUIRE(mkdtemp(directory.data()) != nullptr);
    const fs::path root{directory};
    const auto installed =
        test::run_process({"cmake", "--install", kPages.parent_path().string(), "--prefix", root.string()});
    INFO(installed.err);
    CHECK(installed.exit_code == 0);
    for (const auto* file :
         {"bin/pgtraffic", "share/man/man1/pgtraffic.1.gz", "share/bash-completion/completions/pgtraffic",
          "share/zsh/site-functions/_pgtraffic", "share/fish/vendor_completions.d/pgtraffic.fish",
          "share/doc/pgtraffic/README.md", "share/doc/pgtraffic/LICENSE", "share/doc/pgtraffic/CHANGELOG.md",
          "share/doc/pgtraffic/docs/result.schema.json", "share/doc/pgtraffic/docs/integrations.md"}) {
        INFO(file);
        CHECK(fs::is_regular_file(root / file));
    }
    // Those are the Debian package's own.
    CHECK_FALSE(fs::exists(root / "share/doc/pgtraffic/changelog.Debian.gz"));
    CHECK(test::run_process({(root / "bin/pgtraffic").string(), "--version"}).exit_code == 0);
    fs::remove_all(root);
}
