// The log of single queries: a line of CSV for each, from which every figure of the report can be made anew.
// It is written while the load lasts, on its path: text is kept until there is enough of it for a write, and
// nothing is allocated for a query.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "pgtraffic/base/time.hpp"
#include "pgtraffic/metrics/query_record.hpp"
#include "pgtraffic/report/stream_file.hpp"

namespace pgtraffic::report {

/// Owns its file; neither copies nor moves.
class QueryLog {
 public:
    /// By number: an operation, and its statements.
    struct Operation {
        std::string name;
        std::vector<std::string> statements;
    };
    /// Which queries: `rate` of all of them, by a draw of each one's own.
    struct Sample {
        double rate = 1;
        std::uint64_t seed = 0;
    };

    /// Opens `path` as StreamFile does. Throws base::Error.
    QueryLog(std::string path, std::vector<Operation> operations, Sample sample);
    QueryLog(const QueryLog&) = delete;
    QueryLog& operator=(const QueryLog&) = delete;
    ~QueryLog();  ///< what is kept is written as far as it can be without waiting

    /// Whoever reads along sees it after a second, or with the next query behind that.
    void add(const metrics::QueryRecord& query) noexcept;

    /// As StreamFile::finish(). A log without a query has its header.
    [[nodiscard]] std::string finish() noexcept;

 private:
    void begin() noexcept;
    void flush() noexcept;
    void write_line(const metrics::QueryRecord& query) noexcept;

    StreamFile file_;
    std::vector<Operation> operations_;  // names as CSV has them
    Sample sample_;
    std::vector<char> text_;  // with room for a line behind what is enough for a write
    std::size_t length_ = 0;  // of what is kept in it
    base::Mono kept_since_;   // the first line is written at once
    bool begun_ = false;
    bool finished_ = false;
};

}  // namespace pgtraffic::report
