// Runs while pgtraffic is built: writes the manual page and the completions, made of the option table, into
// the directory that it is given.
#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>

#include "pgtraffic/cli/completion.hpp"
#include "pgtraffic/cli/manual.hpp"

namespace {

bool write(const std::filesystem::path& path, const std::string& text) {
    std::ofstream file{path, std::ios::binary};
    file << text;
    file.close();
    if (!file) fmt::print(stderr, "cannot write {}\n", path.string());
    return !file.fail();
}

}  // namespace

int main(int argc, char** argv) {
    try {
        if (argc != 2) {
            fmt::print(stderr, "usage: generate_pages DIRECTORY\n");
            return 1;
        }
        namespace cli = pgtraffic::cli;
        const std::filesystem::path directory{argv[1]};
        const bool written = write(directory / "pgtraffic.1", cli::manual_page()) &&
                             write(directory / "pgtraffic.bash", cli::bash_completion()) &&
                             write(directory / "_pgtraffic", cli::zsh_completion()) &&
                             write(directory / "pgtraffic.fish", cli::fish_completion());
        return written ? 0 : 1;
    } catch (const std::exception& error) {
        fmt::print(stderr, "generate_pages: {}\n", error.what());
        return 1;
    }
}
