// Templates make a filled database in the time of a file copy. The server lives in a function's static, so
// that a program that needs none starts none, and exit() stops it.
#include "support/test_server.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <system_error>

#include "pgtraffic/base/error.hpp"
#include "pgtraffic/base/random.hpp"
#include "pgtraffic/brickhouse/model.hpp"
#include "pgtraffic/postgres/client.hpp"

namespace pgtraffic::test {
namespace {

struct Server {
    Server() {
        if (const char* dsn = std::getenv("PGTRAFFIC_TEST_DSN"); dsn != nullptr && *dsn != '\0') {
            conninfo = postgres::Conninfo::parse(dsn, "PGTRAFFIC_TEST_DSN");
            return;
        }
        postgres::TemporaryServerOptions options;
        options.max_connections = 300;
        options.fsync = false;
        options.tcp = true;
        own = std::make_unique<postgres::TemporaryServer>(options);
        conninfo = own->conninfo();
    }

    std::unique_ptr<postgres::TemporaryServer> own;
    postgres::Conninfo conninfo;
};

Server& server() {
    static Server instance;
    return instance;
}

void administer(const std::string& sql) {
    postgres::Client{server().conninfo}.execute(sql);
}

}  // namespace

Database::Database(const std::string& from)
    : name_{fmt::format("pgtraffic_test_{:016x}", base::entropy())}, conninfo_{server().conninfo} {
    administer(fmt::format("CREATE DATABASE {} TEMPLATE {}", name_, from.empty() ? "template0" : from));
    conninfo_.set("dbname", name_);
}

Database::~Database() {
    try {
        administer(fmt::format("DROP DATABASE IF EXISTS {} WITH (FORCE)", name_));
    } catch (const base::Error& error) {
        fmt::print(stderr, "{} is left behind: {}\n", name_, error.what());
    }
}

std::string Database::dsn() const {
    std::string result;
    for (const auto& [keyword, value] : conninfo_.settings()) {
        std::string escaped;
        for (const char c : value) {
            if (c == '\'' || c == '\\') escaped += '\\';
            escaped += c;
        }
        result += fmt::format("{}{}='{}'", result.empty() ? "" : " ", keyword, escaped);
    }
    return result;
}

Database fresh_database() {
    return Database{};
}

Database filled_database() {
    (void)server();  // made before the template, so destroyed after it
    static const Database filled;
    static const bool once = [] {
        postgres::Client client{filled.conninfo()};
        brickhouse::InitOptions options;
        options.scale = kScale;
        options.seed = kSeed;
        brickhouse::init(client, options, nullptr);
        return true;
    }();
    (void)once;
    return Database{filled.name()};
}

std::int64_t number(postgres::Client& client, const std::string& sql) {
    return std::stoll(client.value(sql).value_or("0"));
}

postgres::Conninfo server_conninfo() {
    return server().conninfo;
}

postgres::TemporaryServer* own_server() {
    return server().own.get();
}

std::string pgbench() {
    std::error_code none;
    for (const auto& version : std::filesystem::directory_iterator{"/usr/lib/postgresql", none}) {
        const auto program = version.path() / "bin/pgbench";
        if (std::filesystem::exists(program)) return program.string();
    }
    return "pgbench";
}

}  // namespace pgtraffic::test
