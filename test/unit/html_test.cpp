// The page of a run: every figure is the result's, nothing of a server's text becomes markup, and it stays
// small.
#include "pgtraffic/report/html.hpp"

#include <zlib.h>

#include <algorithm>
#include <regex>
#include <string>

#include "pgtraffic/report/compare.hpp"
#include "pgtraffic/report/encoding.hpp"
#include "pgtraffic/report/html_page.hpp"
#include "pgtraffic/report/json.hpp"
#include "pgtraffic/report/pack.hpp"
#include "support/catch.hpp"
#include "support/sample_result.hpp"
#include "support/text.hpp"
#include "support/unpack.hpp"

using namespace pgtraffic;
using Json = nlohmann::ordered_json;
using nlohmann::literals::operator""_json_pointer;
using test::count_of;

namespace {

std::string page_of(const metrics::RunResult& run) {
    return report::html_report(report::json_report(run));
}

std::string between(const std::string& text, std::string_view before, std::string_view behind) {
    const auto begin = text.find(before);
    REQUIRE(begin != std::string::npos);
    const auto end = text.find(behind, begin + before.size());
    REQUIRE(end != std::string::npos);
    return text.substr(begin + before.size(), end - begin - before.size());
}

std::string decode_base64(const std::string& text) {
    const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string bytes;
    unsigned group = 0;
    int bits = 0;
    for (const char c : text) {
        if (c == '=') break;
        const auto digit = digits.find(c);
        REQUIRE(digit != std::string::npos);
        group = group << 6 | static_cast<unsigned>(digit);
        bits += 6;
        if (bits < 8) continue;
        bits -= 8;
        bytes += static_cast<char>(group >> bits & 0xFFU);
    }
    return bytes;
}

std::string gunzip(std::string packed) {
    z_stream stream{};
    REQUIRE(::inflateInit2(&stream, 15 + 16) == Z_OK);
    stream.next_in = reinterpret_cast<Bytef*>(packed.data());
    stream.avail_in = static_cast<uInt>(packed.size());
    std::string text;
    int status = Z_OK;
    while (status == Z_OK) {
        char buffer[65536];
        stream.next_out = reinterpret_cast<Bytef*>(buffer);
        stream.avail_out = sizeof buffer;
        status = ::inflate(&stream, Z_NO_FLUSH);
        text.append(buffer, sizeof buffer - stream.avail_out);
    }
    ::inflateEnd(&stream);
    REQUIRE(status == Z_STREAM_END);
    return text;
}

}  // namespace

TEST_CASE("the page shows every number of the summary with its exact value") {
    for (const auto& run :
         {test::sample_closed_run(), test::sample_open_run(), test::sample_overloaded_run()}) {
        const auto document = report::json_report(run);
        const auto page = report::html_report(document);
        const Json flat = Json{{"summary", document["summary"]}}.flatten();
        std::size_t numbers = 0;
        const bool growing = document["summary"].value("/backlog/growing"_json_pointer, false);
        for (const auto& [path, value] : flat.items()) {
            if (!value.is_number()) continue;
            // Under a growing backlog only the service means something, and else the backlog nothing.
            if (growing && path.find("_ms/") != std::string::npos && !path.starts_with("/summary/service"))
                continue;
            if (!growing && path.starts_with("/summary/backlog/")) continue;
            ++numbers;
            INFO(path << " = " << value.dump());
            CHECK(page.find("<data value=\"" + value.dump() + "\" data-path=\"" + path + "\">") !=
                  std::string::npos);
        }
        CHECK(numbers > 20);
    }
}

TEST_CASE("every <data> of the page is the number at its place in the result") {
    const auto document = report::json_report(test::sample_open_run());
    const auto page = report::html_report(document);
    const std::regex element{"<data value=\"([^\"]*)\" data-path=\"([^\"]*)\">"};
    std::size_t seen = 0;
    for (std::sregex_iterator at{page.begin(), page.end(), element}; at != std::sregex_iterator{};
         ++at, ++seen) {
        INFO((*at)[2]);
        CHECK(document.at(Json::json_pointer{(*at)[2]}).dump() == (*at)[1]);
    }
    CHECK(seen == count_of(page, "<data "));
    CHECK(seen > 100);
}

TEST_CASE("what a user said of the run stands in the page's head") {
    const auto html = report::html_report(report::json_report(test::sample_open_run()));
    CHECK(html.find(" · commit 1a2b3c · place a &quot;shed&quot; &amp; &lt;co&gt;</p>") != std::string::npos);
}

TEST_CASE("the page lets only its own scripts run and reaches nothing") {
    const auto page = page_of(test::sample_open_run());
    const auto policy = between(page, "http-equiv=\"Content-Security-Policy\" content=\"", "\"");
    CHECK(policy.starts_with("default-src 'none'; script-src 'sha256-"));
    CHECK(policy.find("unsafe") == std::string::npos);
    CHECK(policy.find("http") == std::string::npos);
    CHECK(count_of(policy, "'sha256-") == 4);  // two scripts, the library, the style
    CHECK(policy.find("*") == std::string::npos);
    // The library is text until a script allowed by its hash runs it.
    CHECK(count_of(page, "<script>") == 2);
    CHECK(count_of(page, "<script type=\"text/plain\"") == 2);
    CHECK(count_of(page, "<script") == 4);
    CHECK(count_of(page, "</script") == 4);
    const std::regex outside{"(src|href)=\"(?!#|data:)"};
    CHECK_FALSE(std::regex_search(page, outside));
    CHECK(page.find("Permission is hereby granted") != std::string::npos);
}

TEST_CASE("no text of a server, a file or a user becomes markup") {
    const auto calm = page_of(test::sample_open_run());
    const auto page = page_of(test::sample_hostile_run());
    for (const auto* tag : {"<script", "</script", "<img", "<style", "</style", "<!--", "onerror=\""}) {
        INFO(tag);
        CHECK(count_of(page, tag) == count_of(calm, tag));
    }
    CHECK(count_of(page, "&lt;/script&gt;&lt;script&gt;window.pwned = 1") >= 14);
    CHECK(page.find("\xE2\x80\xAE") == std::string::npos);  // turns the writing direction
    CHECK(page.find('\xFF') == std::string::npos);
}

TEST_CASE("the curves of a comparison leave out what is but a lower bound") {
    auto marked = report::json_report(test::sample_closed_run());
    marked["intervals"][0]["at_least_from"] = "max";
    marked["intervals"][1]["at_least_from"] = "p99";
    marked["intervals"][2]["at_least_from"] = "p50";
    const auto runs =
        report::label_groups({{{"a", marked}}, {{"b", report::json_report(test::sample_overloaded_run())}}});
    const auto page = report::compare_html(report::compare(runs, {}), runs);
    const auto packed = between(page, "<script type=\"text/plain\" id=\"runs\">", "</script>");
    const auto curves = Json::parse(gunzip(decode_base64(packed)));
    const auto& intervals = curves[0]["intervals"];
    CHECK(intervals[0]["p99_ms"].is_number());
    CHECK(intervals[1]["p99_ms"].is_null());
    CHECK(intervals[1]["p50_ms"].is_number());
    CHECK(intervals[2]["p50_ms"].is_null());
    CHECK_FALSE(curves[0]["response"]["counts"].empty());
    // Under a backlog that grows nothing of the response is.
    CHECK(curves[1]["response"]["counts"].empty());
    CHECK(curves[1]["max_ms"].is_null());
}

TEST_CASE("the page holds the JSON result itself, byte for byte") {
    const auto document = report::json_report(test::sample_hostile_run());
    const auto page = report::html_report(document);
    const auto packed = between(page, "<script type=\"text/plain\" id=\"result\">", "</script>");
    CHECK(test::unpack_lines(Json::parse(gunzip(decode_base64(packed)))) == report::json_text(document));
}

TEST_CASE("packing is undone byte for byte") {
    for (const auto& run : {test::sample_closed_run(), test::sample_hostile_run(), test::sample_empty_run(),
                            test::sample_hour_run()}) {
        const auto text = report::json_text(report::json_report(run));
        const auto parts = report::pack_lines(text);
        CHECK(test::unpack_lines(parts) == text);
    }
    std::string odd = "x";
    for (int i = 0; i < 40; ++i)
        odd += "\n[\"a\\\"\", -0.0, 1e5, null, " + std::to_string(i * i) + ", \"open";
    CHECK(test::unpack_lines(report::pack_lines(odd)) == odd);
    CHECK(test::unpack_lines(report::pack_lines("")).empty());
    std::string falling;
    for (int i = 40; i > 0; --i) falling += "  [" + std::to_string(i) + ",007],\n";
    CHECK(report::pack_lines(falling).size() == 1);
    CHECK(test::unpack_lines(report::pack_lines(falling)) == falling);
    // Their first letters have one byte in common, their last ones another.
    std::string letters;
    for (int i = 0; i < 40; ++i) letters += i % 2 == 0 ? "[\"\u0434\u044f\"],\n" : "[\"\u0432\u043f\"],\n";
    const auto packed = report::pack_lines(letters);
    CHECK_NOTHROW(packed.dump());
    CHECK(test::unpack_lines(packed) == letters);
}

TEST_CASE("the page of an hour's run stays below 500 kB") {
    const auto run = test::sample_hour_run();
    REQUIRE(run.intervals.size() == 3'600);
    const auto document = report::json_report(run);
    REQUIRE(document["histograms"]["response"]["counts"].size() > 5'000);
    const auto page = report::html_report(document);
    WARN("an hour's page has " << page.size() << " bytes, its JSON " << report::json_text(document).size());
    CHECK(page.size() < 500'000);
}

TEST_CASE("a run without a query has a page, too") {
    const auto page = page_of(test::sample_empty_run());
    CHECK(page.find("The run was interrupted") != std::string::npos);
    CHECK(page.find("nan") == std::string::npos);
}

TEST_CASE("statements are shown as they are written") {
    const auto page = page_of(test::sample_closed_run());
    CHECK(page.find("<pre>SELECT *\n  FROM orders\n WHERE order_id &lt; $1</pre>") != std::string::npos);
}

TEST_CASE("each of an operation's statements has its own service time") {
    const auto page = page_of(test::sample_open_run());
    CHECK(page.find("data-path=\"/operations/2/statements/0/service_ms/p99\">3.40") != std::string::npos);
    CHECK(page.find("/operations/0/statements/0/service_ms") == std::string::npos);
}

TEST_CASE("a network that was measured and tables that were audited have sections") {
    const auto page = page_of(test::sample_open_run());
    const auto network = between(page, "<section id=\"network\">", "</section>");
    CHECK(network.find("data-path=\"/network/rtt_ms/p50\">0.400 ms") != std::string::npos);
    CHECK(network.find("data-path=\"/network/tcp_rtt_ms/p50\"") != std::string::npos);
    CHECK(network.find("data-path=\"/network/network_ratio\">33 %") != std::string::npos);
    CHECK(network.find("Method: empty query on an idle connection") != std::string::npos);
    const auto audit = between(page, "<section id=\"audit\">", "</section>");
    CHECK(audit.find("data-path=\"/audit/0/rows_after\">83,702<") != std::string::npos);
    CHECK(audit.find("class=\"met\"><data value=\"0\" data-path=\"/audit/0/lost\">0<") != std::string::npos);
    CHECK(page.find("<a href=\"#audit\">") != std::string::npos);
    CHECK(page_of(test::sample_closed_run()).find("#audit") == std::string::npos);
}

TEST_CASE("the figure of a threshold has the unit of its expression") {
    auto run = test::sample_open_run();
    run.thresholds = {
        {"response.p99<1s", 0.0057549, "", true},         {"success_ratio >= 99.9 %", 99.998, "", true},
        {"phase:a<b.throughput>100/s", 4800.5, "", true}, {"insert.lag.p99<=250us", 12.5, "", true},
        {"cpu_us_per_query<25", 5.96, "", true},          {"missed<5", 4, "", true},
        {"throughput>1e3/s", 4700.5, "", true},           {"failed_ratio<1e-3", 0.0005, "", true},
        {"select.throughput >= 1000", 4600.5, "", true},  {"response.p99.99<1s", 0.5, "", true, true}};
    const auto page = page_of(run);
    for (const auto* text :
         {">0.0057549 s<", ">99.998 %<", ">4,800.5/s<", ">12.5 µs<", ">5.96 µs<", ">4<", ">4,700.5/s<",
          ">4,600.5/s<", ">0.0005<", ">0.5 s<span class=\"weak\">*</span>"}) {
        INFO(text);
        CHECK(page.find(text) != std::string::npos);
    }
}

TEST_CASE("percentiles that the data do not support are marked") {
    // Of 14,900 queries one lies above p99.99 and 149 above p99.
    const auto page = page_of(test::sample_open_run());
    CHECK(between(page, "data-path=\"/summary/response_ms/p99\">", "</td>").ends_with("</data>"));
    const auto weak = between(page, "data-path=\"/summary/response_ms/p9999\">", "</td>");
    CHECK(weak.ends_with("</data><span class=\"weak\">*</span>"));
    CHECK(page.find("* fewer than ten queries above it") != std::string::npos);
    auto few = report::json_report(test::sample_open_run());
    const auto is_weak = [&] {
        return between(report::html_report(few), "data-path=\"/operations/0/response_ms/p99\">", "</td>")
            .ends_with("*</span>");
    };
    CHECK_FALSE(is_weak());
    few["operations"][0]["response_ms"]["count"] = 900;  // nine above its p99
    CHECK(is_weak());
    few["operations"][0]["response_ms"].erase("count");  // of an earlier version
    CHECK_FALSE(is_weak());
    few["operations"][0]["ok"] = 900;
    CHECK(is_weak());
}

TEST_CASE("percentiles that are lower bounds are marked") {
    auto result = report::json_report(test::sample_closed_run());
    const std::string note = "≥ at least: too many";
    const auto in_front = [&](const std::string& path) {
        const auto page = report::html_report(result);
        const auto at = page.find("\" data-path=\"" + path + "\">");
        REQUIRE(at != std::string::npos);
        return page.substr(at - 60, 60).find("≥</span><data ") != std::string::npos;
    };
    CHECK(report::html_report(result).find(note) == std::string::npos);
    CHECK_FALSE(in_front("/operations/0/response_ms/p99"));
    result["operations"][0]["response_lower_bounds"] = {"p99"};
    CHECK(in_front("/operations/0/response_ms/p99"));
    CHECK_FALSE(in_front("/operations/0/response_ms/p50"));
    CHECK(report::html_report(result).find(note) != std::string::npos);
}

TEST_CASE("a backlog that grew stands in the place of the response's percentiles") {
    const auto run = test::sample_overloaded_run();
    const auto page = page_of(run);
    const auto verdict = between(page, "<section id=\"verdict\"", "</section>");
    CHECK(verdict.find("Backlog growth") != std::string::npos);
    CHECK(verdict.find("No percentiles of the response") != std::string::npos);
    CHECK(page.find("/summary/response_ms/") == std::string::npos);
    CHECK(page.find("/operations/0/response_ms/") == std::string::npos);
    CHECK(page.find("id=\"chart-nines\"") == std::string::npos);
    CHECK(page_of(test::sample_open_run()).find("Backlog growth") == std::string::npos);
}

TEST_CASE("queries that were missed, or wait at the end, are beside the success rate") {
    const auto page = page_of(test::sample_open_run());
    const auto card = between(page, "<dt>Succeeded</dt>", "</dd>");
    CHECK(card.find("data-path=\"/summary/queries/missed\">4</data> missed") != std::string::npos);
    CHECK(card.find("data-path=\"/summary/queries/waiting\">2</data> waiting at the end") !=
          std::string::npos);
    CHECK(between(page_of(test::sample_closed_run()), "<dt>Succeeded</dt>", "</dd>").find("missed") ==
          std::string::npos);
    auto missed = report::json_report(test::sample_closed_run());
    missed["summary"]["queries"]["missed"] = 729'672;
    CHECK(report::html_report(missed).find("missed: <data") != std::string::npos);
}

TEST_CASE("the command line can be pasted into a shell") {
    auto run = test::sample_closed_run();
    run.argv = {"pgtraffic", "-d", "shop", "--threshold", "response.p99 < 20ms", "it's", "", "--rate=5"};
    CHECK(page_of(run).find("<pre>pgtraffic -d shop --threshold &#39;response.p99 &lt; 20ms&#39; "
                            "&#39;it&#39;\\&#39;&#39;s&#39; &#39;&#39; --rate=5</pre>") != std::string::npos);
}

TEST_CASE("what ended a run with 99 is said") {
    auto run = test::sample_open_run();
    CHECK(page_of(run).find("the threshold <code>failed_ratio &lt; 0.1%</code> was missed (exit code 99)") !=
          std::string::npos);
    run.thresholds.clear();
    run.audit.front().twice = 1;
    CHECK(page_of(run).find("the audit of orders found rows missing or stored twice (exit code 99)") !=
          std::string::npos);
    run.audit.clear();
    run.warnings = {{"aborted", "stopped by --abort-if"}};
    CHECK(page_of(run).find("condition: stopped by --abort-if (exit code 99)") != std::string::npos);
}

TEST_CASE("the header names pattern, peak rate and rate as people write them") {
    auto run = test::sample_open_run();
    run.config = {{"pattern", "business-hours"}, {"peak_rate", 200'000}, {"connections", 1'000}};
    CHECK(between(page_of(run), "<header>", "</header>")
              .find("along business-hours at a peak of <data value=\"200000\" "
                    "data-path=\"/config/peak_rate\">200,000</data>/s · ") != std::string::npos);
    run.config["peak_rate"] = "auto";
    run.config["peak_rate_measured_per_s"] = {{"median", 5'210.5}, {"lowest", 5'000}, {"highest", 5'400}};
    CHECK(between(page_of(run), "<header>", "</header>").find(">5,210.5</data>/s (measured)") !=
          std::string::npos);
    run.config = {{"rate", 200'000}};
    CHECK(between(page_of(run), "<header>", "</header>").find(">200,000") != std::string::npos);
    run.config = {{"rate", "auto"}, {"rate_found_per_s", {{"lowest", 1'200}, {"highest", 1'300}}}};
    CHECK(between(page_of(run), "<header>", "</header>").find("(found: up to <data value=\"1300\"") !=
          std::string::npos);
    run.config = {{"rate", "auto"}};
    CHECK(between(page_of(run), "<header>", "</header>").find("auto") == std::string::npos);
}

TEST_CASE("a search for the rate has its steps and a chart, and a run without one has no such section") {
    const auto page = page_of(test::sample_open_run());
    const auto search = between(page, "<section id=\"search\"", "</section>");
    CHECK(search.find("Looked for: the highest rate at which response.p99 &lt; 10ms.") != std::string::npos);
    CHECK(search.find("data-path=\"/rate_search/found_per_s/1\">601.2") != std::string::npos);
    CHECK(search.find("id=\"chart-search\"") != std::string::npos);
    CHECK(search.find("<tr><th scope=\"row\">closed loop</th><td>–</td><td class=\"text\">–</td>") !=
          std::string::npos);
    CHECK(search.find("class=\"met\">carried<") != std::string::npos);
    CHECK(search.find("class=\"missed\">not carried<") != std::string::npos);
    CHECK(search.find("connections were lost") != std::string::npos);
    // Of 451 responses fewer than ten lie above the 99th percentile.
    CHECK(between(search, "data-path=\"/rate_search/steps/2/response_ms/p99\">", "</td>").find("*") !=
          std::string::npos);
    CHECK(page_of(test::sample_closed_run()).find("#search") == std::string::npos);
    auto broken_off = test::sample_open_run();
    broken_off.rate_search->found_per_s.clear();
    CHECK(page_of(broken_off).find("No search came to its end.") != std::string::npos);
}

TEST_CASE("a search for the connections has its steps and charts, and says what it came to") {
    auto run = test::sample_searched_run();
    const auto page = page_of(run);
    CHECK(page.find("<a href=\"#connections\">Connections</a>") != std::string::npos);
    const auto search = between(page, "<section id=\"connections\"", "</section>");
    for (const auto* text : {"data-path=\"/connection_search/found/connections\">150<", "; the highest was",
                             "id=\"chart-scaling\"", "id=\"chart-scaling-latency\"", "connections were lost",
                             "data-path=\"/connection_search/best/highest_per_s\">20,950",
                             "data-path=\"/connection_search/steps/5/failed\">12<"}) {
        INFO(text);
        CHECK(search.find(text) != std::string::npos);
    }
    run.connection_search->best = run.connection_search->found;
    CHECK(page_of(run).find(", the highest.") != std::string::npos);
    run.connection_search->grew_to_the_end = true;
    CHECK(page_of(run).find("the most that could be tried: more may do more.") != std::string::npos);
    run.connection_search->best = run.connection_search->found = std::nullopt;
    CHECK(page_of(run).find("It found no number of connections.") != std::string::npos);
    CHECK(page_of(test::sample_closed_run()).find("#connections") == std::string::npos);
}

TEST_CASE("memory is told in units") {
    auto run = test::sample_closed_run();
    run.client_info.memory_bytes = 25'276'026'880;
    run.server.settings = {{"effective_cache_size", "524288 8kB"}, {"work_mem", "4096 kB"}, {"jit", "on"}};
    const auto page = page_of(run);
    for (const auto* text : {">23.5 GiB<", ">4.0 GiB (524288 8kB)<", ">4.0 MiB (4096 kB)<", ">on<"}) {
        INFO(text);
        CHECK(page.find(text) != std::string::npos);
    }
}

TEST_CASE("outages of the result are listed") {
    auto document = report::json_report(test::sample_open_run());
    document["outages"] =
        Json::array({{{"from_s", 3.5},
                      {"to_s", 7.25},
                      {"scope", "<b>"},
                      {"errors", {{{"sqlstate", "57P01"}, {"queries", 12}, {"connects", 3}}}}},
                     {{"from_s", 20}, {"to_s", nullptr}}});
    const auto page = report::html_report(document);
    CHECK(page.find("57P01: 12 queries, 3 connects") != std::string::npos);
    CHECK(page.find("&lt;b&gt;") != std::string::npos);
    CHECK(page.find("data-path=\"/outages/0/to_s\">7.25 s") != std::string::npos);
}

TEST_CASE("base64 and hex are those of everybody") {
    CHECK(report::base64("") == "");
    CHECK(report::base64("f") == "Zg==");
    CHECK(report::base64("fo") == "Zm8=");
    CHECK(report::base64("foobar") == "Zm9vYmFy");
    CHECK(report::bytes_of_hex("00ff7a") == std::string("\x00\xff\x7a", 3));
    CHECK(gunzip(report::gzip("")).empty());
    CHECK(report::html_text("<a href=\"x\">'&\n") == "&lt;a href=&quot;x&quot;&gt;&#39;&amp;\\n");
    CHECK(report::html_lines("a <\nb") == "a &lt;\nb");
}
