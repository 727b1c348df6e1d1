// Where to connect, as libpq's keywords and values. Knows which of them are secrets; nothing prints them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pgtraffic/base/time.hpp"

namespace pgtraffic::postgres {

/// What stands in the place of a secret.
inline constexpr std::string_view kMask = "********";

/// A value. Settings that are absent here come from libpq's environment when a connection starts.
class Conninfo {
 public:
    /// No settings: libpq's environment and defaults decide.
    Conninfo() = default;

    /// A URL, a conninfo string, or (neither "=" nor "://" in it) a database name, as psql's -d.
    /// Throws base::Error "<origin>: …" without any secret when libpq cannot parse it.
    [[nodiscard]] static Conninfo parse(const std::string& text, std::string_view origin);

    /// Replaces. A "service" is looked up now, once: its file is not read again, and the environment, through
    /// which libpq wants to be told of it, is left alone from then on, when other threads may read it.
    void set(std::string_view keyword, std::string value);
    void set_default(std::string_view keyword,
                     std::string_view value);                       ///< unless set here or by the environment
    [[nodiscard]] std::string get(std::string_view keyword) const;  ///< set here; empty without
    /// Set here, else in libpq's environment or service file, else libpq's default; empty without.
    [[nodiscard]] std::string effective(std::string_view keyword) const;

    /// What "connect_timeout" says, with libpq's least of two seconds; none where it says nothing, 0 or
    /// less. Throws base::Error where it is no whole number.
    [[nodiscard]] std::optional<base::Nanos> connect_timeout() const;

    /// True where libpq's environment alone names a target (PGHOST, PGHOSTADDR, PGSERVICE, PGDATABASE,
    /// PGPORT).
    [[nodiscard]] static bool environment_names_target();
    /// Unsets what libpq would read from the environment, PGOPTIONS and PGAPPNAME apart: libpq lets
    /// PGHOSTADDR or PGSERVICE redirect even a conninfo that names its host.
    static void forget_environment();

    /// "host=… port=… dbname=… user=…", every value that libpq marks as secret replaced by "********".
    [[nodiscard]] std::string masked() const;

    /// A secret that is no setting, such as a password that expired: without_secrets() replaces it, too.
    /// Keeps the latest ones.
    void also_hide(std::string secret);

    /// `text` with every secret value of this conninfo (those effective, too) replaced, for server messages.
    [[nodiscard]] std::string without_secrets(std::string text) const;

    [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& settings() const noexcept {
        return settings_;
    }

 private:
    using Settings = std::vector<std::pair<std::string, std::string>>;

    [[nodiscard]] static std::string value_in(const Settings& settings, std::string_view keyword);

    Settings settings_;
    Settings of_service_;  ///< what the service that is set here adds to the environment, or has in its place
    std::vector<std::string> hidden_;
};

/// `argument` as it may be shown: a password in a URL or conninfo string masked, anything else untouched.
[[nodiscard]] std::string mask_argument(const std::string& argument);

}  // namespace pgtraffic::postgres
