// Reads scenarios, and replaces their weights. A scenario that was accepted needs no further check of its
// shape: whatever could stop a run for reasons that the file shows is refused here with its place. Knows no
// database; the SQL is read only as far as its first word.
#include "pgtraffic/workload/scenario.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <span>
#include <utility>

#include "pgtraffic/base/check.hpp"
#include "pgtraffic/base/embedded.hpp"
#include "pgtraffic/base/error.hpp"
#include "pgtraffic/base/text.hpp"
#include "pgtraffic/base/units.hpp"
#include "pgtraffic/workload/sql_scanner.hpp"

namespace pgtraffic::workload {

[[nodiscard]] std::span<const base::EmbeddedFile> embedded_scenarios() noexcept;  // made by cmake/embed.cmake

namespace {

constexpr std::size_t kMaxOperations = 100;
constexpr std::size_t kMaxListed = 100;       // SQLSTATEs of a policy, thresholds
constexpr std::size_t kMaxLines = 1000;       // of a statement
constexpr std::size_t kMaxName = 63;          // bytes
constexpr std::size_t kMaxCondition = 4'000;  // bytes: it stands in the result, once for each statement
constexpr double kMaxWeight = 1e9;
constexpr std::int64_t kMaxRetries = 100;
constexpr std::int64_t kMaxConnections = 65'535;
constexpr double kMaxPauseMs = 600'000;

std::size_t limited_size(const base::JsonNode& node, std::size_t least, std::size_t most) {
    const auto size = node.array_size();
    if (size < least || size > most)
        node.fail(fmt::format("must hold {} to {} values, not {}", least, most, size));
    return size;
}

std::int64_t limited_integer(const base::JsonNode& node, std::int64_t low, std::int64_t high) {
    const auto n = node.integer();
    if (n < low || n > high) node.fail(fmt::format("must lie between {} and {}, not {}", low, high, n));
    return n;
}

/// Names stand in --mix, in tables of the report and in JSON.
std::string parse_name(const base::JsonNode& node) {
    auto name = node.text(kMaxName);
    const bool printable = std::none_of(name.begin(), name.end(), [](char c) {
        return (c >= '\0' && c < ' ') || c == '\x7f' || c == '=' || c == ',';
    });
    if (name.empty() || !printable || name.front() == ' ' || name.back() == ' ') {
        node.fail("must be a name without \"=\", \",\", control characters, or spaces around it");
    }
    return name;
}

/// A text, or its lines: JSON has none of several.
std::string lines_of(const base::JsonNode& node) {
    if (!node.is_array()) return node.text(kMaxText);
    std::string text;
    const auto count = limited_size(node, 1, kMaxLines);
    for (std::size_t i = 0; i < count; ++i) {
        if (i > 0) text += '\n';
        text += node.at(i).text(kMaxText);
        if (text.size() > kMaxText) node.fail(fmt::format("has more than {} bytes together", kMaxText));
    }
    return text;
}

std::string parse_sql(const base::JsonNode& node) {
    auto sql = lines_of(node);
    if (const auto complaint = complaint_of_statement(sql); !complaint.empty()) node.fail(complaint);
    return sql;
}

double parse_weight(const base::JsonNode& node) {
    return node.has("weight") ? node.at("weight").number_between(0, kMaxWeight) : 1.0;
}

/// "values" of an operation: {"account": {"key": …}, …}.
std::vector<NamedValue> parse_values(const base::JsonNode& node) {
    const auto names = node.keys();
    if (names.empty() || names.size() > kMaxParameters)
        node.fail(fmt::format("must hold 1 to {} values, not {}", kMaxParameters, names.size()));
    std::vector<NamedValue> values;
    for (const auto& name : names) {
        // What is computed may name those before it.
        auto parameter = parse_parameter(node.at(name), values);
        values.push_back({name, std::move(parameter)});
    }
    return values;
}

/// "*", or "order_*": that in front of each column's name.
std::string parse_returns(const base::JsonNode& node) {
    auto prefix = node.text(kMaxName + 1);
    if (!prefix.ends_with('*') || prefix.find('*') + 1 != prefix.size())
        node.fail("must be \"*\", or what the columns' names get in front and \"*\", as in \"order_*\"");
    prefix.pop_back();
    return prefix;
}

/// Whether one of these statements may return a column of that name, with what is in front of it.
bool may_return(const std::vector<Statement>& statements, std::string_view name) {
    return std::ranges::any_of(statements, [&](const Statement& statement) {
        return statement.returns && name.starts_with(*statement.returns) &&
               name.size() > statement.returns->size();
    });
}

/// `operation` has its values, and the statements before it.
Argument parse_argument(const base::JsonNode& node, const Operation& operation) {
    const auto& values = operation.values;
    const bool returned = std::ranges::any_of(
        operation.statements, [](const Statement& statement) { return statement.returns.has_value(); });
    if (!node.has("value"))
        return {parse_parameter(node, values, !values.empty() || returned), std::nullopt, ""};
    node.expect_object({"value"});
    const auto wanted = node.at("value").text();
    const auto found = std::ranges::find(values, wanted, &NamedValue::name);
    const std::string name = may_return(operation.statements, wanted) ? wanted : "";
    if (found != values.end())
        return {found->parameter, static_cast<std::uint32_t>(found - values.begin()), name};
    if (name.empty()) {
        std::vector<std::string_view> known;
        for (const auto& value : values) known.emplace_back(value.name);
        const auto near = base::nearest_word(wanted, known);
        node.at("value").fail(fmt::format("the operation has no value \"{}\" among its \"values\"{}{}",
                                          wanted, returned ? ", and no statement before returns one" : "",
                                          near.empty() ? "" : fmt::format("; did you mean \"{}\"?", near)));
    }
    return {ConstantParameter{}, std::nullopt, name};
}

Statement parse_statement(const base::JsonNode& node, const Operation& operation) {
    node.expect_object({"name", "sql", "parameters", "weight", "returns"});
    Statement statement;
    if (node.has("name")) statement.name = parse_name(node.at("name"));
    statement.sql = parse_sql(node.at("sql"));
    if (node.has("parameters")) {
        const auto list = node.at("parameters");
        const auto count = limited_size(list, 0, kMaxParameters);
        statement.written = list.value();
        for (std::size_t i = 0; i < count; ++i)
            statement.arguments.push_back(parse_argument(list.at(i), operation));
    }
    if (node.has("returns")) {
        if (operation.choose_one) {
            node.at("returns").fail(
                "with \"choose\": \"one\" no statement follows that could take what it returns");
        }
        statement.returns = parse_returns(node.at("returns"));
    }
    if (node.has("weight") && !operation.choose_one) {
        node.at("weight").fail("a statement has a weight only where the operation says \"choose\": \"one\"");
    }
    statement.weight = parse_weight(node);
    return statement;
}

RetryPolicy parse_retry(const base::JsonNode& node) {
    node.expect_object({"on", "max", "backoff_ms"});
    RetryPolicy policy;
    const auto list = node.at("on");
    const auto count = limited_size(list, 1, kMaxListed);
    for (std::size_t i = 0; i < count; ++i) {
        const auto text = list.at(i).text();
        const auto state = base::SqlState::parse(text);
        if (!state)
            list.at(i).fail(fmt::format("\"{}\" is no SQLSTATE: five digits or capital letters", text));
        policy.on.push_back(*state);
    }
    policy.max_retries = static_cast<std::uint32_t>(limited_integer(node.at("max"), 0, kMaxRetries));
    if (node.has("backoff_ms")) {
        const auto pair = node.at("backoff_ms");
        if (!pair.is_array() || pair.array_size() != 2)
            pair.fail("must be the first and the longest pause in milliseconds, as in [5, 500]");
        const auto pause = [&](std::size_t i) {
            return base::from_seconds(pair.at(i).number_between(0, kMaxPauseMs) / 1e3);
        };
        policy.first_pause = pause(0);
        policy.longest_pause = pause(1);
        if (policy.longest_pause < policy.first_pause)
            pair.fail("the longest pause is shorter than the first one");
    }
    return policy;
}

bool all_zero(const auto& weighted) {
    return std::all_of(weighted.begin(), weighted.end(), [](const auto& one) { return !(one.weight > 0); });
}

/// After their operation, with a number where it has several: a report must tell them apart.
void name_the_nameless(Operation& operation) {
    std::size_t number = 0;
    for (auto& statement : operation.statements) {
        ++number;
        if (!statement.name.empty()) continue;
        statement.name =
            operation.statements.size() == 1 ? operation.name : fmt::format("{} {}", operation.name, number);
    }
}

/// Where the values of a condition's names come from: as those of a parameter.
Guard parse_guard(const base::JsonNode& node, const Operation& operation) try {
    const auto find = [&](std::string_view name) {
        return std::ranges::find(operation.values, name, &NamedValue::name);
    };
    Guard guard{Expression{node.text(kMaxCondition),
                           [&](std::string_view name) -> std::optional<Scalar> {
                               const bool returned = may_return(operation.statements, name);
                               const auto found = find(name);
                               if (found == operation.values.end() && !returned) {
                                   throw Complaint{fmt::format(
                                       "the operation has no value \"{}\" among its \"values\", and no "
                                       "statement before returns one",
                                       name)};
                               }
                               return returned ? std::nullopt : number_of(*found);
                           }},
                {},
                static_cast<std::uint32_t>(operation.statements.size())};
    for (const auto& name : guard.condition.names()) {
        const auto found = find(name);
        auto& argument = guard.names.emplace_back(Argument{ConstantParameter{}, std::nullopt, ""});
        if (may_return(operation.statements, name)) argument.returned = name;
        if (found == operation.values.end()) continue;
        argument.parameter = found->parameter;
        argument.shared = static_cast<std::uint32_t>(found - operation.values.begin());
    }
    return guard;
} catch (const Complaint& complaint) {
    node.fail(complaint.what);
}

/// Reads an operation's statements, and {"if": …} among them, one after the other into one list.
class StatementReader {
 public:
    explicit StatementReader(Operation& operation) : operation_{operation} {}

    /// Whether something of it is sent, whatever holds.
    bool read(const base::JsonNode& list, std::size_t least) {
        const auto count = limited_size(list, least, kMaxStatements);
        bool sends = false;
        for (std::size_t i = 0; i < count; ++i) {
            const auto node = list.at(i);
            sends = (node.is_object() && node.has("if") ? read_branch(node) : read_statement(node)) || sends;
        }
        return sends;
    }

    /// What holds where a statement is sent, by statement; empty where it always is.
    [[nodiscard]] const std::vector<std::string>& conditions() const { return conditions_; }

 private:
    bool read_statement(const base::JsonNode& node) {
        if (operation_.statements.size() == kMaxStatements)
            node.fail(fmt::format("an operation has {} statements at most", kMaxStatements));
        operation_.steps.push_back(
            {Step::Kind::send, static_cast<std::uint32_t>(operation_.statements.size()), 0});
        operation_.statements.push_back(parse_statement(node, operation_));
        conditions_.push_back(fmt::format("{}", fmt::join(holding_, " and ")));
        return true;
    }

    bool read_branch(const base::JsonNode& node) {
        node.expect_object({"if", "then", "else"});
        if (operation_.choose_one)
            node.at("if").fail("with \"choose\": \"one\" weights decide, and no conditions");
        if (operation_.guards.size() == kMaxGuards)
            node.fail(fmt::format("an operation has {} conditions at most", kMaxGuards));
        operation_.guards.push_back(parse_guard(node.at("if"), operation_));
        const auto text = node.at("if").text();
        const auto unless = put(Step::Kind::unless, operation_.guards.size() - 1);
        const auto read_if = [&](std::string condition, const char* branch) {
            holding_.push_back(std::move(condition));
            const bool sends = read(node.at(branch), 0);
            holding_.pop_back();
            return sends;
        };
        const bool then_sends = read_if(fmt::format("({})", text), "then");
        if (!node.has("else")) {
            operation_.steps[unless].target = next();
            return false;
        }
        const auto go = put(Step::Kind::go, 0);
        operation_.steps[unless].target = next();
        const bool else_sends = read_if(fmt::format("not ({})", text), "else");
        operation_.steps[go].target = next();
        return then_sends && else_sends;
    }

    [[nodiscard]] std::uint32_t next() const { return static_cast<std::uint32_t>(operation_.steps.size()); }
    std::size_t put(Step::Kind kind, std::size_t index) {
        operation_.steps.push_back({kind, static_cast<std::uint32_t>(index), 0});
        return operation_.steps.size() - 1;
    }

    Operation& operation_;
    std::vector<std::string> holding_;
    std::vector<std::string> conditions_;
};

Operation parse_operation(const base::JsonNode& node) {
    node.expect_object({"name", "weight", "values", "statements", "choose", "retry"});
    Operation operation;
    operation.name = parse_name(node.at("name"));
    operation.weight = parse_weight(node);
    if (node.has("choose")) {
        const auto word = node.at("choose").text();
        if (word != "all" && word != "one")
            node.at("choose").fail(fmt::format("must be all or one, not \"{}\"", word));
        operation.choose_one = word == "one";
    }
    if (node.has("values")) operation.values = parse_values(node.at("values"));
    const auto list = node.at("statements");
    StatementReader reader{operation};
    if (!reader.read(list, 1)) {
        list.fail(
            "where no condition holds nothing is left to send: add an \"else\", or a statement that is sent "
            "in any case");
    }
    if (operation.guards.empty()) operation.steps.clear();
    name_the_nameless(operation);
    if (all_zero(operation.statements)) list.fail("all weights are zero");
    if (node.has("retry")) operation.retry = parse_retry(node.at("retry"));
    for (const auto* key : {"values", "retry"}) {
        if (node.has(key)) operation.written[key] = node.at(key).value();
    }
    for (const auto& statement : operation.statements) {
        if (statement.returns) operation.written["returns"][statement.name] = *statement.returns + "*";
    }
    for (std::size_t i = 0; i < operation.statements.size(); ++i) {
        const auto& condition = reader.conditions()[i];
        if (!condition.empty()) operation.written["conditions"][operation.statements[i].name] = condition;
    }
    return operation;
}

std::vector<Operation> parse_operations(const base::JsonNode& list) {
    std::vector<Operation> operations;
    const auto count = limited_size(list, 1, kMaxOperations);
    for (std::size_t i = 0; i < count; ++i) {
        auto operation = parse_operation(list.at(i));
        const bool known = std::any_of(operations.begin(), operations.end(),
                                       [&](const Operation& other) { return other.name == operation.name; });
        if (known)
            list.at(i).at("name").fail(fmt::format("a second operation of the name \"{}\"", operation.name));
        operations.push_back(std::move(operation));
    }
    if (all_zero(operations)) list.fail("all weights are zero");
    return operations;
}

struct MixEntry {
    std::string_view name;
    double weight = 0;
};

MixEntry parse_mix_entry(const Scenario& scenario, std::string_view entry) {
    const auto equals = entry.find('=');
    if (equals == std::string_view::npos) {
        throw base::Error(
            fmt::format("--mix: \"{}\" must be a name and a weight, as in select=60", base::trimmed(entry)));
    }
    const auto name = base::trimmed(entry.substr(0, equals));
    std::vector<std::string_view> known;
    for (const auto& operation : scenario.operations) known.emplace_back(operation.name);
    if (std::find(known.begin(), known.end(), name) == known.end()) {
        const auto near = base::nearest_word(name, known);
        throw base::Error(fmt::format("--mix: {} has no operation \"{}\"; {}", scenario.name, name,
                                      near.empty() ? fmt::format("it has {}", fmt::join(known, ", "))
                                                   : fmt::format("did you mean \"{}\"?", near)));
    }
    const auto text = base::trimmed(entry.substr(equals + 1));
    const auto weight = base::parse_number(text);
    if (!weight || *weight < 0 || *weight > kMaxWeight) {
        throw base::Error(fmt::format("--mix: the weight of {} must be a number from 0 to {}, not \"{}\"",
                                      name, kMaxWeight, text));
    }
    return {name, *weight};
}

const base::EmbeddedFile* find_embedded(std::string_view name) {
    const auto files = embedded_scenarios();
    const auto found =
        std::find_if(files.begin(), files.end(), [&](const auto& file) { return file.name == name; });
    return found == files.end() ? nullptr : &*found;
}

}  // namespace

std::string complaint_of_statement(std::string_view sql) {
    SqlScanner scanner{sql};
    if (scanner.peek().empty()) return "the statement is empty";
    if (scanner.take_word() == "copy") return "COPY moves its data outside of a query; use INSERT or SELECT";
    return "";
}

Scenario parse_scenario(const base::JsonNode& node) {
    node.expect_object({"name", "description", "operations", "traffic", "arrivals", "connections",
                        "thresholds", "read_only"});
    Scenario scenario;
    scenario.name = parse_name(node.at("name"));
    if (node.has("description")) scenario.description = node.at("description").text(kMaxText);
    scenario.operations = parse_operations(node.at("operations"));
    if (node.has("traffic")) {
        const auto traffic = node.at("traffic");
        if (!traffic.is_string() && !traffic.is_object())
            traffic.fail("must be the name of a pattern, or a pattern");
        scenario.traffic = traffic.value();
    }
    if (node.has("arrivals")) {
        scenario.arrivals = node.at("arrivals").text();
        if (*scenario.arrivals != "poisson" && *scenario.arrivals != "uniform") {
            node.at("arrivals")
                .fail(fmt::format("must be poisson or uniform, not \"{}\"", *scenario.arrivals));
        }
    }
    if (node.has("connections")) {
        scenario.connections =
            static_cast<std::uint32_t>(limited_integer(node.at("connections"), 1, kMaxConnections));
    }
    if (node.has("thresholds")) {
        const auto list = node.at("thresholds");
        const auto count = limited_size(list, 0, kMaxListed);
        for (std::size_t i = 0; i < count; ++i) scenario.thresholds.push_back(list.at(i).text(kMaxText));
    }
    if (node.has("read_only")) scenario.read_only = node.at("read_only").boolean();
    return scenario;
}

std::vector<std::string_view> scenario_names() {
    std::vector<std::string_view> names;
    for (const auto& file : embedded_scenarios()) names.push_back(file.name);
    std::sort(names.begin(), names.end());
    return names;
}

std::string_view scenario_text(std::string_view name) {
    const auto* file = find_embedded(name);
    return file == nullptr ? std::string_view{} : file->text;
}

Scenario built_in_scenario(std::string_view name) {
    const auto* file = find_embedded(name);
    PGTRAFFIC_CHECK(file != nullptr, "a built-in scenario that does not exist");
    const auto document = base::parse_json(file->text, name);
    return parse_scenario({document, std::string{name}});
}

Scenario scenario_of_statement(const std::string& sql) {
    if (const auto complaint = complaint_of_statement(sql); !complaint.empty()) throw base::Error(complaint);
    Operation operation;
    operation.name = "sql";
    operation.statements.emplace_back().sql = sql;
    name_the_nameless(operation);
    Scenario scenario;
    scenario.name = "sql";
    scenario.operations.push_back(std::move(operation));
    return scenario;
}

Scenario load_scenario_file(const std::string& path) {
    const auto document = base::read_json_file(path);
    return parse_scenario({document, base::input_name(path)});
}

void apply_mix(Scenario& scenario, std::string_view mix) {
    if (base::trimmed(mix).empty())
        throw base::Error("--mix: is empty; give names and weights, as in select=60,insert=40");
    std::vector<double> weights(scenario.operations.size(), 0.0);
    std::vector<bool> said(scenario.operations.size(), false);
    double sum = 0;
    for (bool more = true; more;) {
        const auto comma = mix.find(',');
        more = comma != std::string_view::npos;
        const auto entry = parse_mix_entry(scenario, mix.substr(0, comma));
        mix.remove_prefix(more ? comma + 1 : mix.size());
        const auto found =
            std::find_if(scenario.operations.begin(), scenario.operations.end(),
                         [&](const Operation& operation) { return operation.name == entry.name; });
        const auto index = static_cast<std::size_t>(found - scenario.operations.begin());
        if (said[index]) throw base::Error(fmt::format("--mix: {} is said twice", entry.name));
        said[index] = true;
        weights[index] = entry.weight;
        sum += entry.weight;
    }
    if (!(sum > 0)) throw base::Error("--mix: all weights are zero");
    for (std::size_t i = 0; i < weights.size(); ++i) scenario.operations[i].weight = weights[i];
}

void drop_weightless(Scenario& scenario) {
    const auto weightless = [](const auto& one) { return !(one.weight > 0); };
    std::erase_if(scenario.operations, weightless);
    for (auto& operation : scenario.operations) {
        if (operation.choose_one) std::erase_if(operation.statements, weightless);
    }
}

}  // namespace pgtraffic::workload
