// A transaction of the blocking client that is rolled back unless it was committed.
#pragma once

#include "pgtraffic/postgres/client.hpp"

namespace pgtraffic::brickhouse {

/// Neither copies nor moves; the client outlives it.
class Transaction {
 public:
    explicit Transaction(postgres::Client& client) : client_{client} { client_.execute("BEGIN"); }
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

    void commit() {
        client_.execute("COMMIT");
        committed_ = true;
    }

 private:
    postgres::Client& client_;
    bool committed_ = false;
};

}  // namespace pgtraffic::brickhouse
