// Connection strings: whatever libpq thinks of them, a password in one never comes back out.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "pgtraffic/base/error.hpp"
#include "pgtraffic/postgres/conninfo.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace pgtraffic;
    constexpr std::string_view kSecret = "s3cr3tXYZ";
    const std::string before{reinterpret_cast<const char*>(data), size};
    (void)postgres::mask_argument(before);
    if (before.find(kSecret) != std::string::npos) return 0;  // there it is no password
    // The same text as a password's surroundings.
    const std::string url = "postgresql://user:" + std::string{kSecret} + "@" + before;
    if (postgres::mask_argument(url).find(kSecret) != std::string::npos) std::abort();
    for (const auto& text : {before, url}) {
        try {
            const auto conninfo = postgres::Conninfo::parse(text, "--database-url");
            if (&text == &url) continue;
            (void)conninfo.masked();
        } catch (const base::Error& error) {
            if (std::string_view{error.what()}.find(kSecret) != std::string_view::npos) std::abort();
        }
    }
    return 0;
}
