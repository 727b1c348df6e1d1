// Results that come back as files: any bytes end in base::Error, or in a document that every report can show.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "pgtraffic/base/error.hpp"
#include "pgtraffic/base/json_reader.hpp"
#include "pgtraffic/report/compare.hpp"
#include "pgtraffic/report/html.hpp"
#include "pgtraffic/report/result_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace pgtraffic;
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    try {
        const auto document = base::parse_json(text, "input");
        report::check_result({document, "input"});
        (void)report::html_report(document);
        const auto runs = report::label_groups({{{"a", document}}, {{"b", document}}});
        const auto comparison = report::compare(runs, {});
        (void)report::compare_html(comparison, runs);
        (void)report::compare_text(comparison, runs, {});
        (void)report::compare_json(comparison, runs);
    } catch (const base::Error&) {
    }
    return 0;
}
