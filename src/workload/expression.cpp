#include "pgtraffic/workload/expression.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numbers>
#include <utility>

#include "pgtraffic/base/text.hpp"
#include "pgtraffic/base/units.hpp"

namespace pgtraffic::workload {
namespace {

constexpr std::size_t kMostNodes = 1000;  // which also bounds how deep evaluate() goes
constexpr std::uint32_t kDeepest = 100;   // of parentheses
constexpr std::size_t kMostNames = 32;    // so many values an operation has
constexpr auto kWholeTooLarge = "a number beyond 64 bits";

}  // namespace

bool is_variable_part(char c) noexcept {
    return base::is_letter(c) || base::is_digit(c) || static_cast<unsigned char>(c) > 127;
}

std::size_t variable_length(std::string_view text) noexcept {
    if (!text.empty() && base::is_digit(text.front())) return 0;
    return static_cast<std::size_t>(std::ranges::find_if_not(text, is_variable_part) - text.begin());
}

std::size_t value_name_length(std::string_view text) noexcept {
    const auto name = variable_length(text);
    if (name == 0 || !text.substr(name).starts_with('.')) return name;
    const auto number = std::ranges::find_if_not(text.substr(name + 1), base::is_digit) - text.begin();
    return static_cast<std::size_t>(number) == name + 1 ? name : static_cast<std::size_t>(number);
}

/// From left to right, by recursive descent; each function is a level of pgbench's precedence. What is known
/// is computed at once.
class Expression::Parser {
 public:
    Parser(Expression& expression, std::string_view text, const Lookup& lookup)
        : expression_{expression}, rest_{text}, lookup_{lookup} {}

    void parse() {
        expression_.root_ = disjunction();
        skip_blank();
        if (!rest_.empty()) throw Complaint{fmt::format("\"{}\" is not understood", rest_)};
    }

 private:
    using Place = std::uint32_t;

    void skip_blank() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size())); }
    bool take(std::string_view sign) {
        skip_blank();
        if (!rest_.starts_with(sign)) return false;
        rest_.remove_prefix(sign.size());
        return true;
    }
    /// A sign that does not go on as one of `longer`.
    bool take_alone(char sign, std::string_view longer) {
        skip_blank();
        if (!rest_.starts_with(sign)) return false;
        if (rest_.size() > 1 && longer.find(rest_[1]) != std::string_view::npos) return false;
        rest_.remove_prefix(1);
        return true;
    }
    void expect(char c) {
        if (!take({&c, 1})) throw Complaint{fmt::format("a \"{}\" is missing", c)};
    }
    bool take_word(std::string_view word) {
        skip_blank();
        const auto length = variable_length(rest_);
        if (length != word.size() || base::lower_case(rest_.substr(0, length)) != word) return false;
        rest_.remove_prefix(length);
        return true;
    }
    void expect_word(std::string_view word) {
        if (!take_word(word)) throw Complaint{fmt::format("\"{}\" is missing", base::upper_case(word))};
    }

    Place put(Node node) {
        if (expression_.nodes_.size() == kMostNodes) throw Complaint{"the expression has too many parts"};
        expression_.nodes_.push_back(node);
        return static_cast<Place>(expression_.nodes_.size() - 1);
    }
    Place literal(const Scalar& value) {
        Node node;
        node.literal = value;
        return put(node);
    }
    const Scalar* literal_at(Place place) const {
        const Node& node = expression_.nodes_[place];
        return node.op == Operator::literal ? &node.literal : nullptr;
    }
    Place make(Operator op, Place a, Place b = 0, Place c = 0);
    Place negated(Place a) { return make(Operator::subtract, literal(std::int64_t{0}), a); }
    std::optional<Place> moved(Operator op, Place a, Place b);
    Place put_draw(const Drawn& drawn) {
        expression_.draws_.push_back({drawn, {drawn.low, drawn.high, drawn.skew, drawn.by}});
        Node node;
        node.op = Operator::draw;
        node.a = static_cast<Place>(expression_.draws_.size() - 1);
        return put(node);
    }

    Place disjunction() {
        if (++depth_ > kDeepest) throw Complaint{"the expression is nested too deeply"};
        Place left = conjunction();
        while (take_word("or"))
            left = make(Operator::disjoin, left, conditionally([this] { return conjunction(); }));
        --depth_;
        return left;
    }
    Place conjunction() {
        Place left = inversion();
        while (take_word("and"))
            left = make(Operator::conjoin, left, conditionally([this] { return inversion(); }));
        return left;
    }
    Place inversion() {
        std::size_t times = 0;
        while (take_word("not")) ++times;
        Place inner = test();
        for (; times > 0; --times) inner = make(Operator::invert, inner);
        return inner;
    }
    Place test() {
        const Place left = comparison();
        if (take_word("isnull")) return make(Operator::is_null, left);
        if (take_word("notnull")) return make(Operator::invert, make(Operator::is_null, left));
        if (!take_word("is")) return left;
        const bool inverted = take_word("not");
        const auto made = take_word("null")    ? make(Operator::is_null, left)
                          : take_word("true")  ? make(Operator::is_true, left)
                          : take_word("false") ? make(Operator::is_false, left)
                                               : throw Complaint{"IS takes NULL, TRUE or FALSE"};
        return inverted ? make(Operator::invert, made) : made;
    }
    Place comparison() {
        const Place left = bits();
        if (take("<=")) return make(Operator::less_or_equal, left, bits());
        if (take(">=")) return make(Operator::less_or_equal, bits(), left);
        if (take("<>") || take("!=")) return make(Operator::invert, make(Operator::equal, left, bits()));
        if (take_alone('<', "<")) return make(Operator::less, left, bits());
        if (take_alone('>', ">")) return make(Operator::less, bits(), left);
        if (take("=")) return make(Operator::equal, left, bits());
        return left;
    }
    Place bits() {
        Place left = sum();
        for (;;) {
            if (take("<<")) {
                left = make(Operator::shift_left, left, sum());
            } else if (take(">>")) {
                left = make(Operator::shift_right, left, sum());
            } else if (take("&")) {
                left = make(Operator::bit_and, left, sum());
            } else if (take("|")) {
                left = make(Operator::bit_or, left, sum());
            } else if (take("#")) {
                left = make(Operator::bit_xor, left, sum());
            } else {
                return left;
            }
        }
    }
    Place sum() {
        Place left = product();
        for (;;) {
            if (take("+")) {
                left = make(Operator::add, left, product());
            } else if (take("-")) {
                left = make(Operator::subtract, left, product());
            } else {
                return left;
            }
        }
    }
    Place product() {
        Place left = factor();
        for (;;) {
            if (take("*")) {
                left = make(Operator::multiply, left, factor());
            } else if (take("/")) {
                left = make(Operator::divide, left, factor());
            } else if (take("%")) {
                left = make(Operator::modulo, left, factor());
            } else {
                return left;
            }
        }
    }
    Place factor() {
        if (take("-")) {
            skip_blank();
            // Its sign belongs to a number: the least one has no positive counterpart.
            return begins_number() ? number("-") : nested([this] { return negated(factor()); });
        }
        if (take("+")) return nested([this] { return factor(); });
        // It binds no tighter than & does: ~5 + 1 is ~(5 + 1).
        if (take("~"))
            return nested([this] { return make(Operator::bit_xor, sum(), literal(std::int64_t{-1})); });
        if (take("(")) {
            const Place inner = disjunction();
            expect(')');
            return inner;
        }
        if (take(":")) return variable();
        skip_blank();
        if (begins_number()) return number("");
        return word();
    }
    template <class Read>
    Place nested(Read read) {
        if (++depth_ > kDeepest) throw Complaint{"the expression is nested too deeply"};
        const Place inner = read();
        --depth_;
        return inner;
    }

    Place variable() {
        const auto name = rest_.substr(0, value_name_length(rest_));
        if (name.empty()) throw Complaint{"a name is missing behind \":\""};
        rest_.remove_prefix(name.size());
        if (const auto value = lookup_(name)) return literal(*value);
        auto& names = expression_.names_;
        auto found = std::ranges::find(names, name);
        if (found == names.end()) {
            if (names.size() == kMostNames)
                throw Complaint{fmt::format("an expression has {} variables at most", kMostNames)};
            found = names.insert(names.end(), std::string{name});
        }
        Node node;
        node.op = Operator::name;
        node.a = static_cast<Place>(found - names.begin());
        return put(node);
    }
    [[nodiscard]] bool begins_number() const {
        return !rest_.empty() && (base::is_digit(rest_.front()) || rest_.front() == '.');
    }
    Place number(std::string text) {
        std::size_t length = 0;
        while (length < rest_.size() && (base::is_digit(rest_[length]) || rest_[length] == '.' ||
                                         rest_[length] == 'e' || rest_[length] == 'E' ||
                                         (length > 0 && (rest_[length] == '-' || rest_[length] == '+') &&
                                          (rest_[length - 1] == 'e' || rest_[length - 1] == 'E')))) {
            ++length;
        }
        text += rest_.substr(0, length);
        rest_.remove_prefix(length);
        const auto value = scalar_of_text(text);
        if (!is_number(value)) throw Complaint{fmt::format("\"{}\" is no number", text)};
        if (std::holds_alternative<double>(value) && text.find_first_of(".eE") == std::string::npos)
            throw Complaint{kWholeTooLarge};
        return literal(value);
    }

    Place word() {
        if (take_word("true")) return literal(true);
        if (take_word("false")) return literal(false);
        if (take_word("null")) return literal({});
        if (take_word("case")) return nested([this] { return choice(); });
        const auto name = rest_.substr(0, variable_length(rest_));
        if (name.empty()) {
            throw Complaint{rest_.empty() ? std::string{"the expression ends too early"}
                                          : fmt::format("\"{}\" is not understood", rest_)};
        }
        rest_.remove_prefix(name.size());
        return function(name);
    }
    /// What may never be computed may be impossible to compute: it is NULL then, and not refused.
    template <class Read>
    Place conditionally(Read read) {
        ++conditional_;
        const Place place = read();
        --conditional_;
        return place;
    }

    /// CASE WHEN … THEN … ELSE … END, behind its first word.
    Place choice() {
        expect_word("when");
        const Place condition = disjunction();
        return conditionally([&] {
            expect_word("then");
            const Place value = disjunction();
            skip_blank();
            if (base::lower_case(rest_.substr(0, variable_length(rest_))) == "when")
                return make(Operator::choose, condition, value, nested([this] { return choice(); }));
            const Place otherwise = take_word("else") ? disjunction() : literal({});
            expect_word("end");
            return make(Operator::choose, condition, value, otherwise);
        });
    }

    std::vector<Place> arguments() {
        std::vector<Place> places;
        expect('(');
        if (take(")")) return places;
        do {
            places.push_back(disjunction());
        } while (take(","));
        expect(')');
        return places;
    }

    /// pgbench's variable, where it has been given a value; there it is another one each run.
    Place default_seed() {
        try {
            return literal(lookup_("default_seed").value_or(Scalar{std::int64_t{0}}));
        } catch (const Complaint&) {
            return literal(std::int64_t{0});
        }
    }

    struct Function {
        std::string_view name;
        Operator op;
        std::size_t arguments;
    };
    Place function(std::string_view written);
    Place random_function(std::string_view name, Skew skew, const std::vector<Place>& places);

    Expression& expression_;
    std::string_view rest_;
    const Lookup& lookup_;
    std::uint32_t depth_ = 0;
    std::uint32_t conditional_ = 0;  // what is being read is computed only where something holds
};

namespace {

std::optional<Skew> skew_of(std::string_view function) {
    constexpr auto kFunctions =
        std::to_array<std::pair<std::string_view, Skew>>({{"random", Skew::uniform},
                                                          {"random_exponential", Skew::exponential},
                                                          {"random_gaussian", Skew::gaussian},
                                                          {"random_zipfian", Skew::zipf}});
    const auto* found = std::ranges::find(kFunctions, function, [](const auto& one) { return one.first; });
    return found == kFunctions.end() ? std::nullopt : std::optional{found->second};
}

}  // namespace

Expression::Parser::Place Expression::Parser::function(std::string_view written) {
    static constexpr auto kFunctions = std::to_array<Function>({{"abs", Operator::absolute, 1},
                                                                {"double", Operator::to_real, 1},
                                                                {"exp", Operator::exponential, 1},
                                                                {"int", Operator::to_whole, 1},
                                                                {"ln", Operator::logarithm, 1},
                                                                {"mod", Operator::modulo, 2},
                                                                {"pow", Operator::power, 2},
                                                                {"power", Operator::power, 2},
                                                                {"sqrt", Operator::square_root, 1}});
    // What the last argument is may be left to us.
    static constexpr auto kSeeded = std::to_array<Function>({{"hash", Operator::hash_murmur2, 1},
                                                             {"hash_fnv1a", Operator::hash_fnv1a, 1},
                                                             {"hash_murmur2", Operator::hash_murmur2, 1},
                                                             {"permute", Operator::permute, 2}});
    const auto name = base::lower_case(written);
    const auto skew = skew_of(name);
    const auto* known = std::ranges::find(kFunctions, name, &Function::name);
    const auto* seeded = std::ranges::find(kSeeded, name, &Function::name);
    const bool extreme = name == "least" || name == "greatest";
    if (!skew && !extreme && known == kFunctions.end() && seeded == kSeeded.end() && name != "pi")
        throw Complaint{
            fmt::format("{} is not understood: pgbench has no such function, or we have not", written)};
    auto places = arguments();
    const auto expect_count = [&](std::size_t wanted) {
        if (places.size() == wanted) return;
        throw Complaint{fmt::format("{}() takes {}, not {}", name,
                                    base::counted(wanted, "argument", "arguments"), places.size())};
    };
    if (skew) {
        expect_count(*skew == Skew::uniform ? 2 : 3);
        return random_function(name, *skew, places);
    }
    if (name == "pi") {
        expect_count(0);
        return literal(std::numbers::pi);
    }
    if (extreme) {
        if (places.empty()) throw Complaint{fmt::format("{}() takes an argument or several", name)};
        Place left = places.front();
        for (std::size_t i = 1; i < places.size(); ++i)
            left = make(name == "least" ? Operator::least : Operator::greatest, left, places[i]);
        return left;
    }
    if (seeded != kSeeded.end()) {
        if (places.size() == seeded->arguments) places.push_back(default_seed());
        expect_count(seeded->arguments + 1);
        return make(seeded->op, places[0], places[1], places.back());
    }
    expect_count(known->arguments);
    return make(known->op, places[0], known->arguments > 1 ? places[1] : 0);
}

Expression::Parser::Place Expression::Parser::random_function(std::string_view name, Skew skew,
                                                              const std::vector<Place>& places) {
    const Scalar* low = literal_at(places[0]);
    const Scalar* high = literal_at(places[1]);
    const Scalar* by = skew == Skew::uniform ? nullptr : literal_at(places[2]);
    if (low == nullptr || high == nullptr || (skew != Skew::uniform && by == nullptr)) {
        if (skew == Skew::uniform) return make(Operator::random, places[0], places[1]);
        throw Complaint{fmt::format("{}() takes numbers that are not drawn themselves", name)};
    }
    const auto from = as_whole(*low);
    const auto to = as_whole(*high);
    if (conditional_ > 0 && (!from || !to || *from > *to)) return literal({});
    if (!from || !to) throw Complaint{fmt::format("the ends of {}() must be numbers", name)};
    if (*from > *to)
        throw Complaint{fmt::format("{}({}, {}): the lowest is above the highest", name, *from, *to)};
    Drawn drawn{*from, *to, skew, 0};
    if (by != nullptr) {
        if (!is_number(*by)) throw Complaint{fmt::format("the parameter of {}() must be a number", name)};
        drawn.by = as_real(*by);
        if (const auto complaint = complaint_about(skew, drawn.by))
            throw Complaint{fmt::format("the parameter of {}(), {}: {}", name, drawn.by, *complaint)};
    }
    return put_draw(drawn);
}

/// What is made of literals is one.
Expression::Parser::Place Expression::Parser::make(Operator op, Place a, Place b, Place c) {
    const Scalar* left = literal_at(a);
    const Scalar* right = literal_at(b);
    if (op == Operator::choose && left != nullptr) return holds(*left) ? b : c;
    const bool one = takes_one(op);
    if (op != Operator::choose && op != Operator::random && op != Operator::permute && left != nullptr &&
        (one || right != nullptr)) {
        const auto computed = compute(op, *left, one ? Scalar{} : *right);
        if (computed.trouble != nullptr && conditional_ == 0) throw Complaint{computed.trouble};
        return literal(computed.value);
    }
    if (op == Operator::add || op == Operator::subtract) {
        if (const auto drawn = moved(op, a, b)) return *drawn;
    }
    Node node;
    node.op = op;
    node.a = a;
    node.b = b;
    node.c = c;
    return put(node);
}

/// What is drawn and moved by a whole number is drawn from another range.
std::optional<Expression::Parser::Place> Expression::Parser::moved(Operator op, Place a, Place b) {
    const bool behind = literal_at(a) == nullptr;  // the number is the second one
    const Node& node = expression_.nodes_[behind ? a : b];
    const Scalar* number = literal_at(behind ? b : a);
    if (node.op != Operator::draw || number == nullptr) return std::nullopt;
    const auto* by = std::get_if<std::int64_t>(number);
    if (by == nullptr) return std::nullopt;
    Drawn drawn = expression_.draws_[node.a].drawn;
    Computed low;
    Computed high;
    if (behind || op == Operator::add) {
        low = compute(op, drawn.low, *by);
        high = compute(op, drawn.high, *by);
    } else {
        // Turned round it would begin with the rare ones.
        if (drawn.skew == Skew::zipf || drawn.skew == Skew::exponential) return std::nullopt;
        low = compute(op, *by, drawn.high);
        high = compute(op, *by, drawn.low);
    }
    if (low.trouble != nullptr || high.trouble != nullptr) throw Complaint{kWholeTooLarge};
    drawn.low = std::get<std::int64_t>(low.value);
    drawn.high = std::get<std::int64_t>(high.value);
    return put_draw(drawn);
}

Expression::Expression(std::string_view text, const Lookup& lookup) {
    Parser{*this, text, lookup}.parse();
}

std::optional<Scalar> Expression::constant() const noexcept {
    const Node& root = nodes_[root_];
    return root.op == Operator::literal ? std::optional{root.literal} : std::nullopt;
}

std::optional<Drawn> Expression::draw() const noexcept {
    const Node& root = nodes_[root_];
    return root.op == Operator::draw ? std::optional{draws_[root.a].drawn} : std::nullopt;
}

bool Expression::draws() const noexcept {
    return std::ranges::any_of(
        nodes_, [](const Node& node) { return node.op == Operator::draw || node.op == Operator::random; });
}

Scalar Expression::evaluate(std::span<const Scalar> values, base::Random& random) const noexcept {
    return at(root_, values, random);
}

Scalar Expression::at(std::uint32_t place, std::span<const Scalar> values,
                      base::Random& random) const noexcept {
    const Node& node = nodes_[place];
    switch (node.op) {
        case Operator::literal:
            return node.literal;
        case Operator::name:
            return values[node.a];
        case Operator::draw:
            return draws_[node.a].numbers.draw(random);
        case Operator::permute: {
            const Scalar value = at(node.a, values, random);
            const Scalar size = at(node.b, values, random);
            return permuted(value, size, at(node.c, values, random)).value;
        }
        case Operator::choose:
            return at(holds(at(node.a, values, random)) ? node.b : node.c, values, random);
        case Operator::random: {
            const auto low = as_whole(at(node.a, values, random));
            const auto high = as_whole(at(node.b, values, random));
            return low && high && *low <= *high ? Scalar{random.between(*low, *high)} : Scalar{};
        }
        default: {
            const Scalar left = at(node.a, values, random);
            return compute(node.op, left, takes_one(node.op) ? Scalar{} : at(node.b, values, random)).value;
        }
    }
}

}  // namespace pgtraffic::workload
