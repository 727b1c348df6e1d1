// A transaction of the blocking client that is rolled back unless it was committed.
#pragma once

#include <fmt/format.h>

#include <string_view>

#include "pgtraffic/base/error.hpp"
#include "pgtraffic/postgres/client.hpp"

namespace pgtraffic::brickhouse {

/// Neither copies nor moves; the client outlives it.
class Transaction {
 public:
    explicit Transaction(postgres::Client& client) : client_{client} { client_.begin(); }
    ~Transaction() {
        if (committed_) return;
        try {
            client_.execute("ROLLBACK");  // ends a COPY under way as well
        } catch (const base::Error&) {
            // A lost connection: the server rolls back itself.
        }
    }
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;

    /// Throws base::Error where the server does not say that it committed: it may have, and `look` says how
    /// to find out.
    void commit(std::string_view look) {
        committed_ = true;  // whatever became of it, there is nothing to roll back
        try {
            client_.execute("COMMIT");
        } catch (const base::Error& error) {
            throw base::Error(fmt::format("{}\nThat was while it committed: {}.", error.what(), look));
        }
    }

 private:
    postgres::Client& client_;
    bool committed_ = false;
};

}  // namespace pgtraffic::brickhouse
