// Whole command lines, a word a line: they end in values within their ranges or in base::Error, and a
// password in them never comes back out.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "pgtraffic/base/error.hpp"
#include "pgtraffic/cli/command_line.hpp"

namespace {

using namespace pgtraffic;

constexpr std::string_view kSecret = "s3cr3tXYZ";

std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> words;
    while (!text.empty()) {
        const auto end = text.find('\n');
        words.emplace_back(text.substr(0, end));
        // A null byte ends an argument, whoever passes it.
        words.back().resize(words.back().find('\0') < words.back().size() ? words.back().find('\0')
                                                                          : words.back().size());
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return words;
}

template <class Read, class Check>
void read(const Read& read_options, const std::vector<std::string>& words, const Check& check) {
    try {
        check(read_options(words));
    } catch (const base::Error&) {
    }
}

void check_run(const cli::RunOptions& options) {
    if (options.connections == 0 || options.duration <= base::Nanos{0}) std::abort();
    if (options.rate_per_s && !(*options.rate_per_s > 0)) std::abort();
    if (options.interval <= base::Nanos{0} || options.abort_window <= base::Nanos{0}) std::abort();
    if (options.timeout && *options.timeout <= base::Nanos{0}) std::abort();
}

/// The same words behind a URL that holds a password: what is kept for the report must not show it.
void check_masking(std::vector<std::string> words) {
    words.insert(words.begin(),
                 {"--database-url", "postgresql://user:" + std::string{kSecret} + "@127.0.0.1/db"});
    try {
        for (const auto& [name, text] : cli::read_run_options(words).resolved) {
            if (text.find(kSecret) != std::string::npos) std::abort();
        }
    } catch (const base::Error& error) {
        if (std::string_view{error.what()}.find(kSecret) != std::string_view::npos) std::abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto words = words_of({reinterpret_cast<const char*>(data), size});
    for (const auto& word : words) {
        if (word.find(kSecret) != std::string::npos) return 0;
    }
    read(cli::read_run_options, words, check_run);
    read(cli::read_init_options, words, [](const auto&) {});
    read(cli::read_plan_options, words, [](const auto&) {});
    read(cli::read_cleanup_options, words, [](const auto&) {});
    check_masking(words);
    return 0;
}
