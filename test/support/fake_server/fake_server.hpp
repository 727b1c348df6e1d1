// A server that speaks enough of PostgreSQL's protocol to be queried and does nothing: it answers at once,
// after a delay, late, wrongly or never, as it is told. Tests compute exact answers from it and benches
// measure a client against it, so it must cost less than any client: one thread, one epoll, canned bytes.
// Message formats: PostgreSQL documentation, "Frontend/Backend Protocol", section "Message Formats".
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <queue>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "pgtraffic/base/random.hpp"
#include "pgtraffic/base/time.hpp"
#include "support/fake_server/evil.hpp"

namespace pgtraffic::test {

/// How a delay before an answer is drawn.
struct Delay {
    base::Nanos mean{0};
    bool exponential = false;
};

struct FakeServerOptions {
    std::string socket;      ///< path of a Unix socket; empty: TCP
    std::uint16_t port = 0;  ///< on 127.0.0.1; 0: a free one
    Delay delay;
    std::uint64_t stall_after = 0;  ///< queries; then nothing is answered for `stall_for`, once. 0: never
    base::Nanos stall_for{0};
    double fail_ratio = 0;  ///< of queries, answered at once with SQLSTATE 40001
    std::string fail_only;  ///< part of the SQL of those that may fail; empty: all
    std::uint64_t seed = 1;
    bool record = false;            ///< keep when each query was answered
    std::vector<EvilFrom> evil;     ///< at most one a moment strikes a connection, the first
    std::uint64_t close_after = 0;  ///< answers of a connection; then it is closed. 0: never
};

/// Serves until stop() is called from a signal handler, or for ever. Neither copies nor moves.
class FakeServer {
 public:
    explicit FakeServer(const FakeServerOptions& options);
    ~FakeServer();
    FakeServer(const FakeServer&) = delete;
    FakeServer& operator=(const FakeServer&) = delete;

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    void run(const volatile bool& stopped);

    /// When each query was answered, in the order of the answers; empty unless recorded.
    [[nodiscard]] const std::vector<base::Mono>& answered() const noexcept { return answered_; }

 private:
    struct Client;
    struct Due {
        base::Mono at;
        int fd;
        std::uint64_t generation;
        bool operator>(const Due& other) const { return at > other.at; }
    };

    void accept_all();
    void read_from(Client& client);
    bool handle_startup(Client& client);
    bool handle_message(Client& client, char type, std::string_view body);
    void answer_simple(Client& client, std::string_view sql);
    void answer_execute(Client& client);
    void end_of_query(Client& client);
    void answer(Client& client);
    void send_due(base::Mono now);
    bool flush(Client& client);
    void drop(int fd);
    [[nodiscard]] const Evil* evil_for(const Client& client, Moment moment) const;
    static void strike(Client& client, const Evil& evil);
    [[nodiscard]] base::Nanos draw_delay();
    void arm_timer();

    FakeServerOptions options_;
    int listener_ = -1;
    int epoll_ = -1;
    int timer_ = -1;
    std::uint16_t port_ = 0;
    std::vector<std::unique_ptr<Client>> clients_;  // by descriptor
    std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
    base::Random random_;
    std::uint64_t queries_ = 0;
    std::uint64_t generation_ = 0;
    base::Mono stalled_until_ = base::Mono::min();
    std::vector<base::Mono> answered_;
};

}  // namespace pgtraffic::test
