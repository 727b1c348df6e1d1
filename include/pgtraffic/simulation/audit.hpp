// Did the database keep what it said it kept? During the load AuditLog notes how many inserts were
// acknowledged and which ones ended in doubt: arrival and attempt are enough, because codes are functions of
// them. Afterwards the tables are asked. Only inserts of one row with a code can be found again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pgtraffic/metrics/audit.hpp"
#include "pgtraffic/metrics/outcome.hpp"
#include "pgtraffic/postgres/client.hpp"
#include "pgtraffic/workload/code_insert.hpp"
#include "pgtraffic/workload/workload.hpp"

namespace pgtraffic::simulation {

/// How long one answer of the audit may take: counting a large table takes a while, and neither a table that
/// somebody locked nor a server that has fallen silent holds the report for ever.
inline constexpr base::Nanos kAuditPatience = std::chrono::minutes{5};

class AuditLog {
 public:
    /// At most this many queries in doubt are remembered; the rest are counted.
    static constexpr std::size_t kMaxInDoubt = 100'000;

    /// Throws base::Error where no operation of the workload can be audited: those whose last statement alone
    /// decides whether something stays (an INSERT, or the COMMIT behind one) and that insert one code.
    AuditLog(const workload::Workload& workload, postgres::Client& client);

    /// A query ended, whatever load it belonged to.
    void ended(const metrics::Completion& completion, std::uint64_t arrival, std::uint32_t attempt);
    /// A query that was in doubt and unfinished when the run ended.
    void unfinished(const metrics::Completion& so_far, std::uint64_t arrival, std::uint32_t attempt);

    /// Asks the tables over a connection of its own, after what the server may still be doing for us has
    /// ended. Throws base::Error: no connection, a statement refused, no answer to one within `patience`, or
    /// an ending signal that is held back.
    [[nodiscard]] std::vector<metrics::AuditResult> check(const postgres::Conninfo& conninfo,
                                                          base::Nanos patience = kAuditPatience) const;

 private:
    struct Insert {
        std::size_t table;           // in tables_
        std::uint32_t number;        // of the statement
        workload::CodeInsert where;  // the code in it
    };
    struct InDoubt {
        std::uint64_t arrival;
        std::uint32_t insert;  // in inserts_
        std::uint32_t attempt;
    };

    void add(std::uint32_t operation, std::uint32_t first, std::uint32_t last);
    void join_spellings(postgres::Client& client);
    void refuse_untold_rows(postgres::Client& client) const;
    [[nodiscard]] std::optional<std::uint32_t> insert_of(std::uint32_t operation,
                                                         std::uint32_t statement) const noexcept;
    [[nodiscard]] std::string code_of(const InDoubt& doubt) const;
    static void count_codes(postgres::Client& client, const std::string& table, const std::string& column,
                            const std::vector<std::string>& codes, metrics::AuditResult& result);

    const workload::Workload* workload_;
    std::vector<Insert> inserts_;
    std::vector<std::uint32_t> by_statement_;  // by the number of an operation's last statement
    std::vector<metrics::AuditResult> tables_;
    std::vector<InDoubt> in_doubt_;
};

}  // namespace pgtraffic::simulation
