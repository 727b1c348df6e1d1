// The addresses behind a conninfo's host names, looked up off the loop and again when they are old, because
// libpq would block the loop over them and a fail-over moves a name.
#pragma once

#include <string>
#include <vector>

#include "pgtraffic/base/time.hpp"
#include "pgtraffic/event_loop/resolver.hpp"
#include "pgtraffic/postgres/connection.hpp"
#include "pgtraffic/postgres/conninfo.hpp"

namespace pgtraffic::simulation {

/// Neither copies nor moves.
class HostLookup {
 public:
    /// `on_ready` is called once addresses are there, after each look-up.
    HostLookup(event_loop::Loop& loop, postgres::Conninfo conninfo, event_loop::Callback<> on_ready);

    /// Starts a look-up unless one is under way or the last one is younger than a second.
    void refresh(base::Mono now);

    /// What to connect with; empty until the first look-up ended. Where no name can be found it holds the
    /// bare names, and libpq says why. `first` is the host to begin with (it wraps around): libpq waits for a
    /// host that says nothing as long as it is let, and goes on to the next one only where told "no".
    [[nodiscard]] const postgres::ConnectParameters* parameters(std::size_t first = 0) const noexcept {
        return parameters_.empty() ? nullptr : &parameters_[first % parameters_.size()];
    }

    /// The password of the attempts from now on.
    void set_password(const std::string& password);
    [[nodiscard]] std::string without_secrets(std::string text) const {
        return conninfo_.without_secrets(std::move(text));
    }

 private:
    void on_resolved(const event_loop::Resolved* resolved) noexcept;
    void look_up_from(std::size_t first);
    void set_parameters(const postgres::Conninfo& conninfo);

    postgres::Conninfo conninfo_;
    event_loop::Callback<> on_ready_;
    std::vector<std::string> hosts_;
    std::vector<std::vector<std::string>> addresses_;
    std::size_t current_ = 0;
    bool needed_ = false;
    bool under_way_ = false;
    base::Mono last_ = base::Mono::min();
    std::vector<postgres::ConnectParameters> parameters_;  // by the host to begin with
    event_loop::Resolver resolver_;
};

}  // namespace pgtraffic::simulation
