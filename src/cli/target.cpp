#include "pgtraffic/cli/target.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <string_view>

#include "pgtraffic/base/error.hpp"
#include "pgtraffic/simulation/password_source.hpp"

namespace pgtraffic::cli {
namespace {

using postgres::Conninfo;

constexpr auto kHowToName =
    "give --database-url URL (postgresql://user@host/database), or -h HOST, or set DATABASE_URL or PGHOST";

/// What -h, -p and -U say beside -d, or in the place of what the environment says. Saying a thing twice by
/// options is refused: which one counts would be a guess.
void add_options(Conninfo& conninfo, const TargetOptions& options) {
    struct Part {
        const char* option;
        const char* keyword;
        const std::optional<std::string>& value;
    };
    for (const auto& [option, keyword, value] :
         {Part{"host", "host", options.host}, Part{"port", "port", options.port},
          Part{"username", "user", options.user}}) {
        if (!value) continue;
        if (options.database && !conninfo.get(keyword).empty()) {
            throw base::Error(fmt::format("--{}: --database-url already says {}={}; say it once", option,
                                          keyword, conninfo.get(keyword)));
        }
        conninfo.set(keyword, *value);
    }
}

/// Limits where none are set: a server whose machine or network vanished sends no farewell. The kernel's own
/// are a quarter of an hour for what was sent and two hours for a connection that waits.
void notice_dead_network(Conninfo& conninfo) {
    conninfo.set_default("tcp_user_timeout", "30000");
    conninfo.set_default("keepalives_idle", "15");
    conninfo.set_default("keepalives_interval", "5");
    conninfo.set_default("keepalives_count", "3");
}

/// Its password would be in every message that names the setting.
void refuse_url_as(std::string_view keyword, std::string_view what, const Conninfo& conninfo) {
    if (conninfo.effective(keyword).find("://") == std::string::npos) return;
    throw base::Error(fmt::format("{} is a whole URL: give that with -d, or as DATABASE_URL", what));
}

}  // namespace

std::optional<Conninfo> find_target(const TargetOptions& options) {
    std::optional<Conninfo> conninfo;
    const char* variable = std::getenv("DATABASE_URL");
    if (options.database) {
        conninfo = Conninfo::parse(*options.database, "--database-url");
    } else if (!options.host && variable != nullptr && *variable != '\0') {
        conninfo = Conninfo::parse(variable, "DATABASE_URL");
    } else if (options.any() || Conninfo::environment_names_target()) {
        conninfo.emplace();
    }
    if (conninfo) add_options(*conninfo, options);
    if (conninfo && options.password_command && !conninfo->get("password").empty()) {
        throw base::Error(
            "--password-command: the database URL holds a password, too; leave one of them out");
    }
    if (conninfo) {
        refuse_url_as("host", "the host (-h, PGHOST or DB_HOST)", *conninfo);
        refuse_url_as("user", "the user (-U, PGUSER or DB_USER)", *conninfo);
        refuse_url_as("dbname", "the database's name (PGDATABASE or DB_NAME)", *conninfo);
        conninfo->set_default("application_name", "pgtraffic");
        conninfo->set_default("gssencmode", "disable");  // else each connect looks for a Kerberos ticket
        notice_dead_network(*conninfo);
    }
    return conninfo;
}

Conninfo require_target(const TargetOptions& options) {
    if (auto target = find_target(options)) return std::move(*target);
    throw base::Error(fmt::format("no database is named: {}", kHowToName));
}

Conninfo with_password(const Conninfo& target, const TargetOptions& options) {
    if (!options.password_command) return target;
    Conninfo result = target;
    try {
        result.set("password", simulation::run_password_command(*options.password_command));
    } catch (const base::Error& error) {
        throw base::Error(fmt::format("cannot connect without a password: {}", error.what()));
    }
    return result;
}

std::optional<Conninfo> run_target(const RunOptions& options) {
    if (options.ephemeral) return std::nullopt;
    auto target = find_target(options);
    if (target && (options.scale_given || options.unsafe_fast)) {
        throw base::Error(
            fmt::format("--{}: only for the temporary server, and a database is named; {}",
                        options.scale_given ? "scale" : "unsafe-fast",
                        options.scale_given ? "use `pgtraffic init --scale K` there" : "leave it out"));
    }
    if (!target && options.password_command) {
        throw base::Error(
            fmt::format("--password-command: the temporary server has no password; {}", kHowToName));
    }
    return target;
}

}  // namespace pgtraffic::cli
