// The addresses behind a conninfo's host names, looked up off the loop and again when they are old, because
// libpq would block the loop over them and a fail-over moves a name.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pgtraffic/base/time.hpp"
#include "pgtraffic/event_loop/resolver.hpp"
#include "pgtraffic/postgres/connect_parameters.hpp"
#include "pgtraffic/postgres/conninfo.hpp"
#include "pgtraffic/postgres/host_list.hpp"

namespace pgtraffic::simulation {

/// Neither copies nor moves. Without a name to look up it is always ready.
class HostLookup {
 public:
    enum class State : std::uint8_t {
        waiting,  ///< a look-up runs, and on_answer follows, or the addresses that there were have to do from
                  ///< retry_at() on; or none found anything, and the next one begins then → ready or failed
        ready,    ///< parameters() are there, and stay: a name that is not found again keeps its addresses
        failed,   ///< error() says why there is nowhere to connect to, once for each look-up; → waiting
    };

    /// `on_answer` is called after each look-up, whose answer counts as of the time that answered() tells
    /// then.
    HostLookup(event_loop::Loop& loop, postgres::Conninfo conninfo, base::Callback<> on_answer);

    void answered(base::Mono now) noexcept { answered_at_ = now; }

    /// The state now; begins to look up where the last answer is older than a second.
    [[nodiscard]] State ask(base::Mono now);

    /// When to ask again where no on_answer comes before; Mono::max() where only that can help.
    [[nodiscard]] base::Mono retry_at() const noexcept;

    /// What to connect with, when ready.
    [[nodiscard]] const postgres::ConnectParameters& parameters() const noexcept { return *parameters_; }

    /// Leaves out a host that let an attempt's time pass: libpq waits for one that says nothing as long as it
    /// is let, and goes on to the next one only where told "no". Where it is the last one that is left, all
    /// are asked again.
    void leave_out(const postgres::ListedHost& silent);
    /// Asks all hosts again: those that were left did not do.
    void ask_all_again();
    [[nodiscard]] const std::string& error() const noexcept { return error_; }

    /// The password of the attempts from now on.
    void set_password(const std::string& password);
    [[nodiscard]] std::string without_secrets(std::string text) const {
        return conninfo_.without_secrets(std::move(text));
    }

 private:
    void on_resolved(const event_loop::Resolved* resolved) noexcept;
    void look_up_from(std::size_t first);
    void not_found(std::string_view why);  // the one at hand
    void set_parameters(postgres::Conninfo conninfo);
    void leave_out_silent();

    postgres::Conninfo conninfo_;
    base::Callback<> on_answer_;
    std::vector<std::string> hosts_;
    std::vector<std::vector<std::string>> addresses_;
    std::vector<std::size_t> unknown_;  // hosts to look up, by their places
    std::size_t current_ = 0;           // of these
    bool under_way_ = false;
    base::Mono asked_at_ = base::Mono::min();  // of the last look-up
    base::Mono answered_at_;                   // a slow resolver's answers are as fresh as a quick one's
    std::string error_;
    bool error_told_ = false;
    postgres::Conninfo with_addresses_;         // of all hosts
    std::vector<postgres::ListedHost> silent_;  // of these
    std::optional<postgres::ConnectParameters> parameters_;
    event_loop::Resolver resolver_;
};

}  // namespace pgtraffic::simulation
