// Reads "[scope.]metric[.statistic] op number[unit]" from left to right. Names may hold dots and spaces, so a
// scope is not split off at a dot but recognised as the longest known name that a metric follows.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "pgtraffic/base/error.hpp"
#include "pgtraffic/base/text.hpp"
#include "pgtraffic/base/units.hpp"
#include "pgtraffic/metrics/metric.hpp"
#include "pgtraffic/metrics/threshold.hpp"

namespace pgtraffic::metrics {
namespace {

constexpr std::string_view kStatistics =
    "min, mean, p50, p75, p90, p95, p99, p999, p9999, max or any p with a percentile, such as p99.5";
constexpr std::string_view kPhasePrefix = "phase:";

struct UnitWord {
    std::string_view word;
    Unit unit;
};
constexpr auto kDurationUnits = std::to_array<UnitWord>({
    {"ns", Unit::nanoseconds},
    {"us", Unit::microseconds},
    {"µs", Unit::microseconds},
    {"\xCE\xBCs", Unit::microseconds},  // the Greek letter, which looks the same
    {"ms", Unit::milliseconds},
    {"s", Unit::seconds},
});

constexpr auto kComparisons = std::to_array<std::pair<std::string_view, Comparison>>({
    {"<=", Comparison::less_or_equal},
    {">=", Comparison::greater_or_equal},
    {"<", Comparison::less},
    {">", Comparison::greater},
});

/// A condition is one line: no other white space parts its words.
bool is_blank(char c) {
    return c == ' ' || c == '\t';
}
bool is_word(char c) {
    return base::is_letter(c) || base::is_digit(c);
}

std::string_view word_at(std::string_view text, std::size_t at) {
    std::size_t end = std::min(at, text.size());
    while (end < text.size() && is_word(text[end])) ++end;
    return text.substr(std::min(at, text.size()), end - at);
}

const MetricRow* find_metric(std::string_view word) {
    const auto table = metric_table();
    const auto row = std::ranges::find(table, word, &MetricRow::name);
    return row == table.end() ? nullptr : &*row;
}

/// The share that a percentile's word means: "p99", "p99.5", and of nines only "p999" for 99.9.
std::optional<double> quantile_of(std::string_view word) {
    if (word.size() < 2 || word[0] != 'p') return std::nullopt;
    const auto digits = word.substr(1);
    if (!base::is_digit(digits.front()) || !base::is_digit(digits.back())) return std::nullopt;
    if (digits.find_first_not_of("0123456789.") != std::string_view::npos) return std::nullopt;
    const bool nines = digits.size() > 2 && digits.find_first_not_of('9') == std::string_view::npos;
    // Nines as they are written: 99.9 / 100 is a little more than 0.999, which is a rank of its own.
    auto share = base::parse_number(nines ? fmt::format("0.{}", digits) : std::string{digits});
    if (share && !nines) *share /= 100;
    return share && *share > 0 && *share < 1 ? share : std::nullopt;
}

std::optional<Statistic> statistic_of(std::string_view word) {
    if (word == "min") return Statistic::min;
    if (word == "mean") return Statistic::mean;
    if (word == "max") return Statistic::max;
    if (quantile_of(word)) return Statistic::quantile;
    return std::nullopt;
}

template <class Range>
std::string known_words(std::string_view word, const Range& known) {
    const auto near = base::nearest_word(word, known);
    return fmt::format("{}known are {}", near.empty() ? "" : fmt::format("did you mean \"{}\"? ", near),
                       fmt::join(known, ", "));
}

class Parser {
 public:
    Parser(std::string_view text, const ThresholdScope& scope, bool in_window)
        : text_{text}, scope_{scope}, in_window_{in_window} {}

    Threshold parse();
    Threshold parse_figure();

 private:
    [[noreturn]] void fail(std::size_t at, const std::string& what) const {
        throw base::Error(fmt::format("column {}: {}", base::characters_of(text_.substr(0, at)) + 1, what));
    }

    void skip_spaces() {
        while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
    }
    bool take(std::string_view token) {
        if (!text_.substr(at_).starts_with(token)) return false;
        at_ += token.size();
        return true;
    }

    void parse_scope();
    void parse_phase();
    bool take_known_name(const std::vector<std::string>& names);
    void take_quoted_name(const std::vector<std::string>& names, std::string_view kind);
    [[noreturn]] void refuse_name(std::size_t at, std::string_view name,
                                  const std::vector<std::string>& names, std::string_view kind) const;
    void refuse_statement(std::size_t at, std::string_view operation) const;
    void refuse_unknown_scope() const;
    const MetricRow& parse_metric();
    void parse_statistic(const MetricRow& row);
    void parse_comparison();
    void parse_limit(const MetricRow& row);
    Unit unit_of(const MetricRow& row, std::size_t at, std::string_view word) const;
    [[nodiscard]] std::vector<std::string_view> allowed_metrics() const;

    std::string_view text_;
    const ThresholdScope& scope_;
    bool in_window_;
    std::size_t at_ = 0;
    Threshold result_;
};

std::vector<std::string_view> Parser::allowed_metrics() const {
    std::vector<std::string_view> names;
    for (const auto& row : metric_table()) {
        if ((row.in_window || !in_window_) && row.is_known(scope_.open_loop, scope_.latency_limit))
            names.push_back(row.name);
    }
    return names;
}

void Parser::refuse_name(std::size_t at, std::string_view name, const std::vector<std::string>& names,
                         std::string_view kind) const {
    fail(at, fmt::format("the run has no {} \"{}\"; {}", kind, name, known_words(name, names)));
}

/// The longest of `names` that stands here with a dot behind it, if possible one that a metric follows.
bool Parser::take_known_name(const std::vector<std::string>& names) {
    const auto rest = text_.substr(at_);
    const std::string* best = nullptr;
    bool best_goes_on = false;
    for (const auto& name : names) {
        if (!rest.starts_with(name) || !rest.substr(name.size()).starts_with('.')) continue;
        const bool goes_on = find_metric(word_at(rest, name.size() + 1)) != nullptr;
        const bool better =
            best == nullptr || std::pair{goes_on, name.size()} > std::pair{best_goes_on, best->size()};
        if (!better) continue;
        best = &name;
        best_goes_on = goes_on;
    }
    // An operation may be called "response": then "response.p99" still means the run's.
    if (best == nullptr || (!best_goes_on && find_metric(word_at(rest, 0)) != nullptr)) return false;
    result_.name = *best;
    at_ += best->size() + 1;
    return true;
}

void Parser::take_quoted_name(const std::vector<std::string>& names, std::string_view kind) {
    const std::size_t begin = at_;
    const auto end = text_.find('"', begin + 1);
    if (end == std::string_view::npos) fail(begin, "the quote is not closed");
    const auto name = text_.substr(begin + 1, end - begin - 1);
    if (std::find(names.begin(), names.end(), name) == names.end()) refuse_name(begin, name, names, kind);
    result_.name = name;
    at_ = end + 1;
    if (!take(".")) fail(at_, fmt::format("a dot and a metric must follow the name of the {}", kind));
}

void Parser::parse_phase() {
    result_.population = Population::phase;
    at_ += kPhasePrefix.size();
    const auto rest = text_.substr(at_);
    if (rest.starts_with('"')) return take_quoted_name(scope_.phases, "phase");
    if (take_known_name(scope_.phases)) return;
    refuse_name(at_, rest.substr(0, rest.find_first_of(".<>=")), scope_.phases, "phase");
}

/// "selct.response.p99": what stands before a metric is meant to be a name.
void Parser::refuse_unknown_scope() const {
    const auto left = text_.substr(0, text_.find_first_of("<>=", at_));
    for (auto dot = left.find('.', at_); dot != std::string_view::npos; dot = left.find('.', dot + 1)) {
        if (find_metric(word_at(left, dot + 1)) == nullptr) continue;
        const auto name = left.substr(at_, dot - at_);
        if (std::find(scope_.phases.begin(), scope_.phases.end(), name) != scope_.phases.end())
            fail(at_, fmt::format("\"{0}\" is a phase: write phase:{0}", name));
        refuse_name(at_, name, scope_.operations, "operation");
    }
}

/// "place.commit.service.p99": the report has such lines.
void Parser::refuse_statement(std::size_t at, std::string_view operation) const {
    const auto rest = text_.substr(at);
    for (const auto& [its_operation, name] : scope_.statements) {
        if (its_operation != operation || !rest.starts_with(name) ||
            !rest.substr(name.size()).starts_with('.'))
            continue;
        fail(at, fmt::format(
                     "\"{}\" is a statement of \"{}\", and conditions are of whole operations: leave it out",
                     name, operation));
    }
}

void Parser::parse_scope() {
    if (text_.substr(at_).starts_with('"')) {
        result_.population = Population::operation;
        take_quoted_name(scope_.operations, "operation");
    } else if (take_known_name(scope_.operations)) {
        result_.population = Population::operation;
    } else if (text_.substr(at_).starts_with(kPhasePrefix)) {
        parse_phase();
    } else if (find_metric(word_at(text_, at_)) == nullptr) {
        refuse_unknown_scope();
    }
}

const MetricRow& Parser::parse_metric() {
    const std::size_t begin = at_;
    const auto word = word_at(text_, begin);
    if (word.empty()) {
        fail(begin, fmt::format("a metric is missing; known are {}", fmt::join(allowed_metrics(), ", ")));
    }
    const auto* row = find_metric(word);
    if (row == nullptr && result_.population == Population::operation) refuse_statement(begin, result_.name);
    if (row == nullptr && statistic_of(word)) {
        fail(begin, fmt::format("\"{0}\" of what? Write response.{0}, or service.{0}", word));
    }
    if (row == nullptr)
        fail(begin, fmt::format("unknown metric \"{}\"; {}", word, known_words(word, allowed_metrics())));
    if (!row->is_known(scope_.open_loop, scope_.latency_limit)) {
        fail(begin, row->needs != MetricNeeds::latency_limit && !scope_.open_loop
                        ? fmt::format("a closed loop has no {}: it takes --rate, --pattern or "
                                      "--real-simulation",
                                      word)
                        : fmt::format("{} takes --latency-limit", word));
    }
    if (in_window_ && !row->in_window) {
        fail(begin, fmt::format("{} is not known while the run lasts; known are {}", word,
                                fmt::join(allowed_metrics(), ", ")));
    }
    if (!row->of_parts() && result_.population != Population::run) {
        fail(begin, fmt::format("{} is known of the whole run only; leave the name before it out", word));
    }
    at_ += word.size();
    return *row;
}

void Parser::parse_statistic(const MetricRow& row) {
    const bool dot = text_.substr(at_).starts_with('.');
    if (row.kind != MetricKind::duration) {
        if (dot) fail(at_, fmt::format("{} is one number; nothing may follow it but < <= > >=", row.name));
        return;
    }
    if (!dot) {
        fail(at_,
             fmt::format("say which figure of {}: {}.p99; known are {}", row.name, row.name, kStatistics));
    }
    const std::size_t begin = ++at_;
    auto word = word_at(text_, begin);
    const bool fraction = word.starts_with('p') && text_.substr(begin + word.size()).starts_with('.');
    if (fraction)
        word = text_.substr(begin, word.size() + 1 + word_at(text_, begin + word.size() + 1).size());
    const auto statistic = statistic_of(word);
    if (!statistic)
        fail(begin, fmt::format("\"{}\" is no figure of {}; known are {}", word, row.name, kStatistics));
    if (in_window_ && *statistic != Statistic::quantile && *statistic != Statistic::max) {
        fail(begin,
             fmt::format("{} is not known while the run lasts; known are max and percentiles such as p99",
                         word));
    }
    result_.statistic = *statistic;
    result_.quantile = quantile_of(word).value_or(0);
    at_ += word.size();
}

void Parser::parse_comparison() {
    skip_spaces();
    for (const auto& [sign, comparison] : kComparisons) {
        if (!take(sign)) continue;
        result_.comparison = comparison;
        return;
    }
    fail(at_, "here must stand one of < <= > >=");
}

Unit Parser::unit_of(const MetricRow& row, std::size_t at, std::string_view word) const {
    switch (row.kind) {
        case MetricKind::duration: {
            for (const auto& known : kDurationUnits) {
                if (known.word == word) return known.unit;
            }
            constexpr auto kKnown = "known are ns, us, ms, s";
            if (word.empty()) fail(at, fmt::format("the unit is missing, as in 20ms; {}", kKnown));
            fail(at, fmt::format("unknown unit \"{}\"; {}", word, kKnown));
        }
        case MetricKind::rate:
            if (word == "/s" || word.empty()) return Unit::per_second;
            fail(at,
                 fmt::format("unknown unit \"{}\"; {} is per second: write 1000, or 1000/s", word, row.name));
        case MetricKind::share:
            if (word == "%") return Unit::percent;
            if (word.empty()) return Unit::none;
            fail(at, fmt::format("unknown unit \"{}\"; {} is a share: write 0.1%, or 0.001", word, row.name));
        case MetricKind::count:
            if (word.empty()) return Unit::none;
            fail(at, fmt::format("\"{}\" behind the number; {} is a count and has no unit", word, row.name));
        case MetricKind::microseconds:
            if (word.empty() || word == "us" || word == "µs") return Unit::none;
            fail(at, fmt::format("unknown unit \"{}\"; {} is in µs: write 25, or 25us", word, row.name));
    }
    return Unit::none;
}

void Parser::parse_limit(const MetricRow& row) {
    skip_spaces();
    const std::size_t begin = at_;
    const auto is_part = [this](std::size_t i) {
        const char c = text_[i];
        const bool exponent = (c == 'e' || c == 'E') && i + 1 < text_.size() &&
                              (base::is_digit(text_[i + 1]) || text_[i + 1] == '-' || text_[i + 1] == '+');
        return base::is_digit(c) || c == '.' || c == '-' || c == '+' || exponent;
    };
    while (at_ < text_.size() && is_part(at_)) ++at_;
    const auto digits = text_.substr(begin, at_ - begin);
    const auto number = base::parse_number(digits);
    if (digits.empty()) fail(begin, "here must stand a number");
    if (!number || *number < 0) fail(begin, fmt::format("\"{}\" is not a number from 0 on", digits));

    skip_spaces();
    const std::size_t unit_at = at_;
    while (at_ < text_.size() && !is_blank(text_[at_])) ++at_;
    result_.unit = unit_of(row, unit_at, text_.substr(unit_at, at_ - unit_at));
    result_.limit = *number;
    if (row.kind == MetricKind::share && *number > (result_.unit == Unit::percent ? 100 : 1)) {
        fail(begin, fmt::format("{} is a share and lies between 0 and 1, or 0% and 100%", row.name));
    }
    const bool wants_all = result_.comparison == Comparison::greater_or_equal;
    if (row.kind == MetricKind::share && result_.unit == Unit::none && *number == 1 && !wants_all)
        fail(begin, "1 is all of them: write 100%, or 1% for one in a hundred");
    skip_spaces();
    if (at_ < text_.size()) {
        fail(at_, fmt::format("\"{}\" is too much: one option holds one condition", text_.substr(at_)));
    }
}

Threshold Parser::parse() {
    skip_spaces();
    if (at_ == text_.size()) fail(0, "it is empty; write a condition such as response.p99<20ms");
    auto end = text_.size();
    while (is_blank(text_[end - 1])) --end;
    result_.expression = text_.substr(at_, end - at_);
    const std::size_t begin = at_;
    parse_scope();
    if (in_window_ && result_.population != Population::run) {
        fail(begin, "operations and phases are not looked at while the run lasts; leave the name out");
    }
    const auto& row = parse_metric();
    result_.metric = row.metric;
    parse_statistic(row);
    parse_comparison();
    parse_limit(row);
    return std::move(result_);
}

Threshold Parser::parse_figure() {
    skip_spaces();
    if (at_ == text_.size()) fail(0, "a figure is missing, such as response.p99");
    auto end = text_.size();
    while (is_blank(text_[end - 1])) --end;
    text_ = text_.substr(0, end);
    result_.expression = text_.substr(at_);
    parse_scope();
    const auto& row = parse_metric();
    result_.metric = row.metric;
    parse_statistic(row);
    if (at_ < text_.size()) fail(at_, fmt::format("\"{}\" is too much behind the figure", text_.substr(at_)));
    if (row.kind == MetricKind::duration) result_.unit = Unit::nanoseconds;
    return std::move(result_);
}

}  // namespace

Threshold parse_figure(std::string_view figure, const ThresholdScope& scope) {
    return Parser{figure, scope, false}.parse_figure();
}

Threshold parse_threshold(std::string_view expression, const ThresholdScope& scope) {
    return Parser{expression, scope, false}.parse();
}

Threshold parse_abort_condition(std::string_view expression, const ThresholdScope& scope) {
    return Parser{expression, scope, true}.parse();
}

}  // namespace pgtraffic::metrics
