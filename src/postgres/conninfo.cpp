// Conninfo over libpq's own tables of options, so that its keywords, environment and secrets are libpq's, in
// whatever version. The one decision: text that libpq cannot parse is never quoted back, because nobody can
// say which part of it was meant as the password.
#include "pgtraffic/postgres/conninfo.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <optional>

#include "pgtraffic/base/error.hpp"
#include "pgtraffic/base/text.hpp"
#include "pgtraffic/base/units.hpp"
#include "pgtraffic/postgres/messages.hpp"

namespace pgtraffic::postgres {
namespace {

using Options = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>;

/// PGSERVICE for the length of a scope: libpq reads a service file for PQconndefaults only through it.
class ServiceVariable {
 public:
    explicit ServiceVariable(const std::string& service) : set_{!service.empty()} {
        if (!set_) return;
        if (const char* before = std::getenv(kName)) before_ = before;
        setenv(kName, service.c_str(), 1);
    }
    ~ServiceVariable() {
        if (!set_) return;
        if (before_) {
            setenv(kName, before_->c_str(), 1);
        } else {
            unsetenv(kName);
        }
    }
    ServiceVariable(const ServiceVariable&) = delete;
    ServiceVariable& operator=(const ServiceVariable&) = delete;

 private:
    static constexpr const char* kName = "PGSERVICE";
    bool set_;
    std::optional<std::string> before_;
};

Options defaults() {
    Options options{PQconndefaults(), &PQconninfoFree};
    if (!options) throw base::Error("libpq has no memory left for its settings");
    return options;
}

const PQconninfoOption* find(const Options& options, std::string_view keyword) {
    for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
        if (keyword == option->keyword) return option;
    }
    return nullptr;
}

bool is_set(const char* value) {
    return value != nullptr && *value != '\0';
}

/// What a service says that the environment alone does not. Nothing where it is not known, which libpq
/// complains of when it connects.
std::vector<std::pair<std::string, std::string>> settings_of_service(const std::string& service) {
    const Options without = defaults();
    const ServiceVariable scope{service};
    const Options with = defaults();
    std::vector<std::pair<std::string, std::string>> settings;
    for (const PQconninfoOption* option = with.get(); option->keyword != nullptr; ++option) {
        const auto* other = find(without, option->keyword);
        const bool same = other != nullptr && is_set(other->val) && is_set(option->val) &&
                          std::string_view{other->val} == option->val;
        if (is_set(option->val) && !same && std::string_view{option->keyword} != "service")
            settings.emplace_back(option->keyword, option->val);
    }
    return settings;
}

bool is_word(char c) {
    return base::is_letter(c) || base::is_digit(c);
}

bool sounds_secret(std::string_view word) {
    const std::string name = base::lower_case(word);
    if (name.ends_with("passfile")) return false;
    return name.find("pass") != std::string::npos || name.find("secret") != std::string::npos ||
           name.find("pwd") != std::string::npos ||
           (name.starts_with("scram_") && name.ends_with("_key"));  // libpq 18: as good as a password
}

/// Whether a value of libpq's is one to hide.
bool is_secret(const PQconninfoOption& option) {
    return std::string_view{option.dispchar} == "*" || sounds_secret(option.keyword);
}

/// Where the password stands in "user:password@…", a URL whose beginning was forgotten: from its first byte
/// on, up to the "@". Of anything else nothing.
std::optional<std::pair<std::size_t, std::size_t>> password_without_scheme(std::string_view text) {
    const std::size_t colon = text.find(':');
    const std::size_t at = text.rfind('@');
    if (colon == std::string_view::npos || at == std::string_view::npos || at < colon) return std::nullopt;
    return std::pair{colon + 1, at};
}

bool is_postgres_url(std::string_view text) {
    return text.starts_with("postgresql://") || text.starts_with("postgres://");
}

/// A word of a broken conninfo may be shown only if it cannot be a piece of a password.
bool may_be_shown(std::string_view word, const std::string& text) {
    if (word.empty() || !std::all_of(word.begin(), word.end(), is_word)) return false;
    const auto at = text.rfind(word);
    if (at == std::string::npos || text.find('@', at) != std::string::npos) return false;
    const std::size_t start = is_postgres_url(text) ? std::min(text.find('?'), at) : 0;
    const std::string before = text.substr(start, at - start);
    return !sounds_secret(before) && before.find('@') == std::string::npos;
}

/// libpq's complaint up to the first thing that it quotes from the text and that could be secret.
std::string harmless_part(std::string message, const std::string& text) {
    while (!message.empty() && base::is_space(message.back())) message.pop_back();
    std::size_t open = message.find('"');
    while (open != std::string::npos) {
        const std::size_t close = message.find('"', open + 1);
        const std::string_view quoted = std::string_view{message}.substr(
            open + 1, close == std::string::npos ? std::string::npos : close - open - 1);
        const bool syntax = quoted == "=" || quoted == ":" || quoted == "/" || quoted == "]";
        if (close == std::string::npos || (!syntax && !may_be_shown(quoted, text))) {
            message.resize(open);
            while (!message.empty() && (base::is_space(message.back()) || message.back() == ':'))
                message.pop_back();
            return message + " (the rest is not shown, it may hold a password)";
        }
        open = message.find('"', close + 1);
    }
    return message;
}

/// What libpq takes for host and port when a password holds "/", "@" or ":" without percent-encoding.
void check_url(const Conninfo& conninfo, const std::string& text, std::string_view origin) {
    const std::string port = conninfo.get("port");
    const bool numeric =
        std::all_of(port.begin(), port.end(), [](char c) { return base::is_digit(c) || c == ','; });
    const std::string_view address = std::string_view{text}.substr(0, text.find('?'));
    const std::size_t start = address.find("://") + 3;
    const std::size_t last_at = address.rfind('@');
    const bool stray_at = last_at != std::string_view::npos &&
                          (address.find('@', start) != last_at ||
                           address.substr(start, last_at - start).find('/') != address.npos);
    if (!numeric || stray_at) {
        throw base::Error(
            fmt::format("{}: malformed URL: write postgresql://user:password@host:port/database, with a "
                        "numeric port, and "
                        "percent-encode special characters of the password (@ as %40, / as %2F, : as %3A)",
                        origin));
    }
}

std::string quoted(const std::string& value) {
    if (!value.empty() && value.find_first_of(" '\\\t\n") == std::string::npos) return value;
    std::string result = "'";
    for (const char c : value) {
        if (c == '\'' || c == '\\') result += '\\';
        result += c;
    }
    return result + "'";
}

/// Where the next " keyword =" that libpq knows begins, at `from` or later; the end without one.
std::size_t next_keyword(const std::string& text, std::size_t from, const Options& known) {
    for (std::size_t at = from; at < text.size(); ++at) {
        if (!base::is_space(text[at]) || (at > 0 && text[at - 1] == '\\')) continue;
        std::size_t begin = at;
        while (begin < text.size() && base::is_space(text[begin])) ++begin;
        std::size_t end = begin;
        while (end < text.size() && is_word(text[end])) ++end;
        std::size_t equals = end;
        while (equals < text.size() && base::is_space(text[equals])) ++equals;
        if (equals < text.size() && text[equals] == '=' &&
            find(known, text.substr(begin, end - begin)) != nullptr) {
            return at;
        }
    }
    return text.size();
}

/// Masks each value behind a secret-sounding keyword, up to the next keyword: right for a well-formed
/// conninfo string, and hides a malformed password (blanks without quotes) whole.
std::string mask_keywords(std::string text) {
    std::optional<Options> known;
    for (std::size_t equals = text.find('='); equals != std::string::npos;
         equals = text.find('=', equals + 1)) {
        std::size_t end = equals;
        while (end > 0 && base::is_space(text[end - 1])) --end;
        std::size_t begin = end;
        while (begin > 0 && is_word(text[begin - 1])) --begin;
        if (!sounds_secret(std::string_view{text}.substr(begin, end - begin))) continue;
        std::size_t value = equals + 1;
        while (value < text.size() && base::is_space(text[value])) ++value;
        if (value == text.size()) break;
        std::size_t value_end = value;
        if (text[value] == '\'') {
            for (++value_end; value_end < text.size() && text[value_end] != '\''; ++value_end) {
                if (text[value_end] == '\\') ++value_end;
            }
            value_end = std::min(value_end, text.size());
        }
        if (!known) known.emplace(defaults());
        value_end = next_keyword(text, value_end, *known);
        text.replace(value, value_end - value, kMask);
    }
    return text;
}

/// "a=1&password=x" with secret values masked; a keyword that is itself percent-encoded counts as secret.
std::string mask_query(std::string_view query) {
    std::string result;
    while (true) {
        const std::size_t end = std::min(query.find('&'), query.size());
        const std::string_view pair = query.substr(0, end);
        const std::string_view keyword = pair.substr(0, pair.find('='));
        const bool secret = keyword.size() < pair.size() &&
                            (sounds_secret(keyword) || keyword.find('%') != std::string_view::npos);
        result += secret ? fmt::format("{}={}", keyword, kMask) : std::string{pair};
        if (end == query.size()) return result;
        result += '&';
        query.remove_prefix(end + 1);
    }
}

bool parses(const std::string& url) {
    try {
        (void)Conninfo::parse(url, "");
        return true;
    } catch (const base::Error&) {
        return false;
    }
}

/// `argument` holds "://" at `separator`.
std::string mask_url(const std::string& argument, std::size_t separator) {
    const std::size_t start = separator + 3;
    const std::string before = argument.substr(0, start);
    std::string rest = argument.substr(start);
    std::size_t scheme = separator;
    while (scheme > 0 && std::islower(static_cast<unsigned char>(argument[scheme - 1])) != 0) --scheme;
    // "-dpostgres://…" as well: the scheme is what follows the last "postgres" before the separator.
    scheme = std::max(scheme, std::min(argument.rfind("postgres", separator), separator));
    const std::string url = argument.substr(scheme);

    std::size_t user_end = rest.find_first_of("@/");
    if (!is_postgres_url(url)) {
        user_end = rest.rfind('@');
        if (user_end != std::string::npos) rest.replace(0, user_end, kMask);
    } else if (!parses(url)) {
        return before + std::string{kMask};
    } else if (user_end != std::string::npos && rest[user_end] == '@') {
        const std::size_t colon = rest.find(':');
        if (colon < user_end) rest.replace(colon + 1, user_end - colon - 1, kMask);
    }
    const std::size_t question = rest.find('?');
    if (question == std::string::npos) return before + rest;
    return before + rest.substr(0, question + 1) + mask_query(std::string_view{rest}.substr(question + 1));
}

/// A secret of a few letters is replaced only where it stands alone, or it would shred every word.
bool stands_alone(const std::string& text, std::size_t at, std::size_t length) {
    const bool left = at == 0 || !is_word(text[at - 1]);
    const bool right = at + length == text.size() || !is_word(text[at + length]);
    return left && right;
}

void replace_secret(std::string& text, const std::string& secret) {
    std::size_t at = 0;
    while ((at = text.find(secret, at)) != std::string::npos) {
        if (secret.size() < 4 && !stands_alone(text, at, secret.size())) {
            at += secret.size();
            continue;
        }
        text.replace(at, secret.size(), kMask);
        at += kMask.size();
    }
}

/// A long message is cut (AnswerReader), and may end within it. No other text has just that length, or nearly
/// none.
void hide_cut_secret(std::string& text, const std::string& secret) {
    constexpr std::size_t kFewest = 4;  // characters: fewer say little, and end many a text by chance
    // One less where a blank at its end was left out.
    if (text.size() != kLongestError && text.size() != kLongestError - 1) return;
    for (std::size_t n = std::min(secret.size() - 1, text.size()); n >= kFewest; --n) {
        if (!text.ends_with(std::string_view{secret}.substr(0, n))) continue;
        text.replace(text.size() - n, n, kMask);
        return;
    }
}

}  // namespace

Conninfo Conninfo::parse(const std::string& text, std::string_view origin) {
    Conninfo result;
    if (text.find('\0') != std::string::npos) throw base::Error(fmt::format("{}: holds a NUL byte", origin));
    const bool url = text.find("://") != std::string::npos;
    const auto first_space = text.find_first_of(" \t\n'=");
    if (url && !is_postgres_url(text) && text.find("://") < first_space) {
        throw base::Error(
            fmt::format("{}: not a PostgreSQL URL: it must begin with postgresql:// or postgres://", origin));
    }
    if (!url && text.find('=') == std::string::npos) {
        if (text.empty())
            throw base::Error(fmt::format("{}: is empty; give a URL, settings or a database", origin));
        if (password_without_scheme(text)) {
            throw base::Error(fmt::format(
                "{}: looks like a URL without its beginning: write postgresql://user:password@host/database",
                origin));
        }
        result.set("dbname", text);
        return result;
    }
    char* complaint = nullptr;
    const Options options{PQconninfoParse(text.c_str(), &complaint), &PQconninfoFree};
    const std::unique_ptr<char, decltype(&PQfreemem)> owned{complaint, &PQfreemem};
    if (!options) {
        throw base::Error(fmt::format(
            "{}: {}; write postgresql://user:password@host:port/database or \"host=… port=… dbname=… "
            "user=…\"",
            origin, harmless_part(complaint != nullptr ? complaint : "out of memory", text)));
    }
    for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
        if (option->val != nullptr) result.set(option->keyword, option->val);
    }
    if (is_postgres_url(text)) check_url(result, text, origin);
    return result;
}

void Conninfo::set(std::string_view keyword, std::string value) {
    if (keyword == "service") of_service_ = settings_of_service(value);
    for (auto& [known, present] : settings_) {
        if (known == keyword) {
            present = std::move(value);
            return;
        }
    }
    settings_.emplace_back(keyword, std::move(value));
}

void Conninfo::set_default(std::string_view keyword, std::string_view value) {
    if (!get(keyword).empty()) return;
    if (!value_in(of_service_, keyword).empty()) return;
    const Options options = defaults();
    if (const PQconninfoOption* option = find(options, keyword)) {
        if (option->envvar != nullptr && is_set(std::getenv(option->envvar))) return;
        const bool service = is_set(std::getenv("PGSERVICE"));
        const std::string_view built_in = option->compiled != nullptr ? option->compiled : "";
        if (service && is_set(option->val) && option->val != built_in) return;
    }
    set(keyword, std::string{value});
}

std::string Conninfo::value_in(const Settings& settings, std::string_view keyword) {
    for (const auto& [known, value] : settings) {
        if (known == keyword) return value;
    }
    return {};
}

std::string Conninfo::get(std::string_view keyword) const {
    return value_in(settings_, keyword);
}

std::string Conninfo::effective(std::string_view keyword) const {
    if (std::string value = get(keyword); !value.empty()) return value;
    if (std::string value = value_in(of_service_, keyword); !value.empty()) return value;
    const Options options = defaults();
    const PQconninfoOption* option = find(options, keyword);
    if (option != nullptr && is_set(option->val)) return option->val;
    return keyword == "dbname" ? effective("user") : std::string{};
}

std::optional<base::Nanos> Conninfo::connect_timeout() const {
    constexpr std::uint64_t kLongest = 1'000'000;  // 12 days
    const std::string text = effective("connect_timeout");
    if (text.empty()) return std::nullopt;
    const bool negative = text.front() == '-';  // libpq's "not at all", as 0 is
    const auto seconds = base::parse_count(std::string_view{text}.substr(negative ? 1 : 0));
    if (!seconds)
        throw base::Error(fmt::format("connect_timeout: \"{}\" is no whole number of seconds", text));
    if (negative || *seconds == 0) return std::nullopt;
    return std::chrono::seconds{std::clamp<std::uint64_t>(*seconds, 2, kLongest)};
}

bool Conninfo::environment_names_target() {
    constexpr std::array kVariables{"PGHOST", "PGHOSTADDR", "PGSERVICE", "PGDATABASE", "PGPORT"};
    return std::any_of(kVariables.begin(), kVariables.end(),
                       [](const char* name) { return is_set(std::getenv(name)); });
}

void Conninfo::forget_environment() {
    const Options options = defaults();
    for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
        const std::string_view keyword = option->keyword;
        if (option->envvar == nullptr || keyword == "options" || keyword == "application_name") continue;
        unsetenv(option->envvar);
    }
    unsetenv("PGREQUIRESSL");
}

std::string Conninfo::masked() const {
    constexpr std::array<std::string_view, 4> kFirst{"host", "port", "dbname", "user"};
    std::string result;
    const auto add = [&result](std::string_view keyword, const std::string& value) {
        if (!value.empty()) result += fmt::format("{}{}={}", result.empty() ? "" : " ", keyword, value);
    };
    for (const auto keyword : kFirst) {
        if (const std::string value = effective(keyword); !value.empty()) add(keyword, quoted(value));
    }
    const Options known = defaults();
    for (const auto& [keyword, value] : settings_) {
        if (value.empty() || std::find(kFirst.begin(), kFirst.end(), keyword) != kFirst.end()) continue;
        const PQconninfoOption* option = find(known, keyword);
        const bool secret = option == nullptr || is_secret(*option);
        add(keyword, secret ? std::string{kMask} : quoted(value));
    }
    return result;
}

void Conninfo::also_hide(std::string secret) {
    constexpr std::size_t kMost = 64;
    if (secret.empty() || std::find(hidden_.begin(), hidden_.end(), secret) != hidden_.end()) return;
    if (hidden_.size() == kMost) hidden_.erase(hidden_.begin());
    hidden_.push_back(std::move(secret));
}

std::string Conninfo::without_secrets(std::string text) const {
    const Options options = defaults();
    std::vector<std::string> secrets = hidden_;
    for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
        if (is_secret(*option)) secrets.push_back(effective(option->keyword));
    }
    for (const auto& secret : secrets) {
        // To mask the user's name because it is the password as well would say that it is.
        if (secret.empty() || secret == effective("user") || secret == effective("dbname")) continue;
        hide_cut_secret(text, secret);
        replace_secret(text, secret);
    }
    return text;
}

std::string mask_argument(const std::string& argument) {
    const std::size_t separator = argument.find("://");
    if (separator == std::string::npos) {
        const auto password = password_without_scheme(argument);
        if (!password || argument.find('=') < password->first) return mask_keywords(argument);
        std::string masked = argument;
        return masked.replace(password->first, password->second - password->first, kMask);
    }
    // "password=a://b" is a conninfo string, "--database-url=postgres://…" is a URL.
    const std::string masked = mask_keywords(argument.substr(0, separator));
    if (masked != argument.substr(0, separator) || sounds_secret(masked)) return mask_keywords(argument);
    return mask_url(argument, separator);
}

}  // namespace pgtraffic::postgres
