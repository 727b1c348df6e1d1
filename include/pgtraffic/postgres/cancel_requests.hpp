// What connections have under way when nobody waits for it any more: the servers are asked to cancel it, or a
// heavy query would go on for hours behind a program that is gone.
#pragma once

#include <memory>
#include <vector>

#include "pgtraffic/base/time.hpp"

struct pg_conn;
struct pg_cancel;

namespace pgtraffic::postgres {

/// Neither copies nor moves.
class CancelRequests {
 public:
    CancelRequests() = default;
    CancelRequests(const CancelRequests&) = delete;
    CancelRequests& operator=(const CancelRequests&) = delete;

    /// What runs on this connection, now or when send() is called. None where it never came to be.
    void add(pg_conn* connection);
    [[nodiscard]] bool empty() const noexcept { return requests_.empty(); }

    /// Sends them, and tells whether all of them were sent. libpq blocks while it does, for minutes where a
    /// host is away: child processes do it, which are waited for at most `limit`, and no longer once a signal
    /// is held back, and then killed.
    [[nodiscard]] bool send(base::Nanos limit) const noexcept;

 private:
    struct Free {
        void operator()(pg_cancel* request) const noexcept;
    };
    void send_each(std::size_t first, std::size_t step) const noexcept;

    std::vector<std::unique_ptr<pg_cancel, Free>> requests_;
};

}  // namespace pgtraffic::postgres
