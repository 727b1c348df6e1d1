// The sections of the HTML report, and what they are made of. Each is a function of the JSON document and its
// figures, in a file with those that answer the same question: can I believe it, when did it happen, how is
// it spread and which queries were it, what exactly was run. html.cpp puts them in their order.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pgtraffic/report/html_figure.hpp"
#include "pgtraffic/report/html_page.hpp"

namespace pgtraffic::report {

using Json = nlohmann::ordered_json;
using Rows = std::vector<std::vector<std::string>>;

// The sections, as HTML. `document` is what html_report() was given, as valid UTF-8; `figure` reads it.
// html_verdict.cpp
[[nodiscard]] std::string html_verdict(const Json& document, const HtmlFigures& figure);
// html_search.cpp; empty where no rate was looked for
[[nodiscard]] std::string html_search(const Json& document, const HtmlFigures& figure);
// html_connections.cpp; empty where no number of connections was looked for
[[nodiscard]] std::string html_connections(const Json& document, const HtmlFigures& figure);
// html_time.cpp
[[nodiscard]] std::string html_over_time(const Json& document, const HtmlFigures& figure);
// html_queries.cpp
[[nodiscard]] std::string html_heat_map(const Json& document);
[[nodiscard]] std::string html_percentiles(const Json& document, const HtmlFigures& figure);
[[nodiscard]] std::string html_operations(const Json& document, const HtmlFigures& figure);
[[nodiscard]] std::string html_errors(const Json& document, const HtmlFigures& figure);
// html_network.cpp, html_audit.cpp; empty where they were not asked for
[[nodiscard]] std::string html_network(const Json& document, const HtmlFigures& figure);
[[nodiscard]] std::string html_audit(const Json& document, const HtmlFigures& figure);
// html_setup.cpp
[[nodiscard]] std::string html_set_up(const Json& document, const HtmlFigures& figure);

// What they are made of. Texts that come in are HTML, but for values of the document.

[[nodiscard]] std::string section(std::string_view id, std::string_view title, const std::string& inside);
[[nodiscard]] std::string hint(std::string_view html);

/// A text of an object; empty where it has none of that name.
[[nodiscard]] std::string text_of(const Json& object, const char* key);
/// A value of the document as a user would write it. Not HTML yet.
[[nodiscard]] std::string plain(const Json& value);

/// The list of `document` under this name; empty where it has none.
[[nodiscard]] const Json& list_of(const Json& document, const char* name);

inline constexpr std::string_view kNoSteadyState =
    "No percentiles of the response: under a growing backlog they depend on the length of the run.";

/// A row for each step of a search: `row` begins it, and how long the step was and its responses are added,
/// from `place` in the document. The heads of these columns behind `heads` likewise.
void add_step_cells(std::vector<std::string>& row, const std::string& place, const HtmlFigures& figure);
[[nodiscard]] std::string step_table(std::string_view label, std::vector<HtmlColumn> heads, const Rows& rows);

/// A table of two columns: names and what belongs to them, as HTML.
[[nodiscard]] std::string pairs_table(std::string_view label,
                                      const std::vector<std::pair<std::string, std::string>>& pairs);

/// `html`, and below it what the mark means where a percentile in it has one.
[[nodiscard]] std::string with_mark_notes(std::string html);

struct FigureColumn {
    const char* head;
    const char* key;  ///< below an element: "response_ms/p50"
    Look look;
};
/// The elements of this list ("phases") of the document: the name of each, then figures. Those of the
/// response are left out where the backlog grew.
[[nodiscard]] std::string figure_table(std::string_view label, const Json& document, const char* list,
                                       std::string_view name_head, std::vector<FigureColumn> columns,
                                       const HtmlFigures& figure);

}  // namespace pgtraffic::report
