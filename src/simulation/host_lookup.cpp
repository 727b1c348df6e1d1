#include "pgtraffic/simulation/host_lookup.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "pgtraffic/postgres/host_list.hpp"

namespace pgtraffic::simulation {
namespace {

constexpr base::Nanos kFreshAnswer = std::chrono::seconds{1};

}  // namespace

HostLookup::HostLookup(event_loop::Loop& loop, postgres::Conninfo conninfo, event_loop::Callback<> on_answer)
    : conninfo_{std::move(conninfo)},
      on_answer_{on_answer},
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

HostLookup::State HostLookup::ask(base::Mono now) {
    if (!needed_) return State::ready;
    // One that took long and found nothing is told before the next one begins.
    const bool told = asked_at_ == base::Mono::min() || !parameters_.empty() || error_told_;
    if (!under_way_ && told && (asked_at_ == base::Mono::min() || now - asked_at_ >= kFreshAnswer)) {
        under_way_ = true;
        asked_at_ = now;
        look_up_from(0);
    }
    if (!parameters_.empty()) return State::ready;
    if (under_way_) return State::waiting;
    return std::exchange(error_told_, true) ? State::waiting : State::failed;
}

base::Mono HostLookup::retry_at() const noexcept {
    return !parameters_.empty() || under_way_ ? base::Mono::max() : asked_at_ + kFreshAnswer;
}

void HostLookup::look_up_from(std::size_t first) {
    for (current_ = first; current_ < hosts_.size(); ++current_) {
        if (!postgres::needs_lookup(hosts_[current_])) continue;
        if (resolver_.resolve(hosts_[current_])) return;
        not_found("it cannot be a host's name");
    }
    under_way_ = false;
    error_told_ = false;
    // libpq would look up a bare name itself, and the loop would stand still meanwhile.
    if (postgres::any_reachable(hosts_, addresses_))
        set_parameters(postgres::with_addresses(conninfo_, addresses_));
    on_answer_();
}

void HostLookup::set_parameters(const postgres::Conninfo& conninfo) {
    const auto hosts = std::max(postgres::split_list(conninfo.effective("host")).size(),
                                postgres::split_list(conninfo.effective("hostaddr")).size());
    parameters_.clear();
    for (std::size_t first = 0; first < hosts; ++first)
        parameters_.emplace_back(postgres::beginning_with(conninfo, first));
}

void HostLookup::not_found(std::string_view why) {
    error_ = fmt::format("could not translate host name \"{}\" to address: {}", hosts_[current_], why);
}

void HostLookup::on_resolved(const event_loop::Resolved* resolved) noexcept {
    // A name that cannot be found any more keeps the addresses that it had.
    if (resolved->error.empty()) {
        addresses_[current_] = resolved->addresses;
    } else {
        not_found(resolved->error);
    }
    look_up_from(current_ + 1);
}

}  // namespace pgtraffic::simulation
