// The frame of an HTML page that stands alone: policy, style, scripts and library inside it, nothing outside.
// Everything that came from a server, a file or a user goes through html_text(); the scripts are fixed texts
// that the page's policy names by their hashes, so that nothing else in it can ever run.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pgtraffic::report {

/// Any text as HTML: markup is escaped, control characters made visible, on one line.
[[nodiscard]] std::string html_text(std::string_view text);

/// The same for a text of several lines, which keeps them.
[[nodiscard]] std::string html_lines(std::string_view text);

struct HtmlColumn {
    std::string head;      ///< HTML
    bool is_text = false;  ///< to the left, and wrapped
};

/// A table that scrolls by itself where the page is narrow. The first cell of a row is its name; cells are
/// HTML.
[[nodiscard]] std::string html_table(std::string_view label, const std::vector<HtmlColumn>& columns,
                                     const std::vector<std::vector<std::string>>& rows);

/// A chart's place, which a script fills: `id`, its name, the unit behind it (HTML).
[[nodiscard]] std::string html_chart(std::string_view id, std::string_view name, std::string_view unit,
                                     bool tall = false);

/// The places of the charts that charts.js draws of a run over time, with how to read them; `open`: of one
/// that follows a plan; `no_failures`: HTML in the place of the chart of failures, where there were none.
[[nodiscard]] std::string time_charts(bool open, const std::string& no_failures = {});

/// Of a table of the same.
[[nodiscard]] const std::vector<HtmlColumn>& time_columns();

struct HtmlPage {
    std::string title;   ///< plain text
    std::string body;    ///< HTML
    std::string script;  ///< name of the embedded script beside charts.js: "report", "compare" or "live"
    std::string connect = "'none'";  ///< whom the script may ask, in the words of a policy
};

/// The page's content security policy: the scripts and the style that it names by their hashes, nothing else.
[[nodiscard]] std::string html_policy(const HtmlPage& page);

/// The whole page.
[[nodiscard]] std::string html_page(const HtmlPage& page);

}  // namespace pgtraffic::report
