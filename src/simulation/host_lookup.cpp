#include "pgtraffic/simulation/host_lookup.hpp"

#include <algorithm>

#include "pgtraffic/postgres/host_list.hpp"

namespace pgtraffic::simulation {
namespace {

constexpr base::Nanos kFreshAnswer = std::chrono::seconds{1};

}  // namespace

HostLookup::HostLookup(event_loop::Loop& loop, postgres::Conninfo conninfo, event_loop::Callback<> on_ready)
    : conninfo_{std::move(conninfo)},
      on_ready_{on_ready},
      hosts_{postgres::split_list(conninfo_.effective("host"))},
      addresses_(hosts_.size()),
      needed_{conninfo_.effective("hostaddr").empty() &&
              std::any_of(hosts_.begin(), hosts_.end(), postgres::needs_lookup)},
      resolver_{loop,
                event_loop::Callback<const event_loop::Resolved*>::to<&HostLookup::on_resolved>(*this)} {
    if (!needed_) set_parameters(conninfo_);
}

void HostLookup::set_password(const std::string& password) {
    conninfo_.set("password", password);
    conninfo_.also_hide(password);
    if (!parameters_.empty())
        set_parameters(needed_ ? postgres::with_addresses(conninfo_, addresses_) : conninfo_);
}

void HostLookup::refresh(base::Mono now) {
    if (!needed_ || under_way_ || (last_ != base::Mono::min() && now - last_ < kFreshAnswer)) return;
    under_way_ = true;
    last_ = now;
    look_up_from(0);
}

void HostLookup::look_up_from(std::size_t first) {
    for (current_ = first; current_ < hosts_.size(); ++current_) {
        if (!postgres::needs_lookup(hosts_[current_])) continue;
        if (resolver_.resolve(hosts_[current_])) return;
    }
    under_way_ = false;
    set_parameters(postgres::with_addresses(conninfo_, addresses_));
    on_ready_();
}

void HostLookup::set_parameters(const postgres::Conninfo& conninfo) {
    const auto hosts = std::max(postgres::split_list(conninfo.effective("host")).size(),
                                postgres::split_list(conninfo.effective("hostaddr")).size());
    parameters_.clear();
    for (std::size_t first = 0; first < hosts; ++first)
        parameters_.emplace_back(postgres::beginning_with(conninfo, first));
}

void HostLookup::on_resolved(const event_loop::Resolved* resolved) noexcept {
    // A name that cannot be found any more keeps the addresses that it had.
    if (resolved->error.empty()) addresses_[current_] = resolved->addresses;
    look_up_from(current_ + 1);
}

}  // namespace pgtraffic::simulation
