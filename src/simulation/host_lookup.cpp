#include "pgtraffic/simulation/host_lookup.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "pgtraffic/postgres/host_list.hpp"

namespace pgtraffic::simulation {
namespace {

constexpr base::Nanos kFreshAnswer = std::chrono::seconds{1};

}  // namespace

HostLookup::HostLookup(event_loop::Loop& loop, postgres::Conninfo conninfo, base::Callback<> on_answer)
    : conninfo_{std::move(conninfo)},
      on_answer_{on_answer},
      hosts_{postgres::split_list(conninfo_.effective("host"))},
      addresses_{postgres::given_addresses(conninfo_)},
      unknown_{postgres::hosts_to_look_up(conninfo_)},
      resolver_{loop, base::Callback<const event_loop::Resolved*>::to<&HostLookup::on_resolved>(*this)} {
    if (unknown_.empty()) set_parameters(conninfo_);
}

void HostLookup::set_password(const std::string& password) {
    conninfo_.set("password", password);
    conninfo_.also_hide(password);
    if (parameters_.has_value())
        set_parameters(unknown_.empty() ? conninfo_ : postgres::with_addresses(conninfo_, addresses_));
}

HostLookup::State HostLookup::ask(base::Mono now) {
    if (unknown_.empty()) return State::ready;
    // One that took long and found nothing is told before the next one begins.
    const bool told = asked_at_ == base::Mono::min() || parameters_.has_value() || error_told_;
    if (!under_way_ && told && (asked_at_ == base::Mono::min() || now - answered_at_ >= kFreshAnswer)) {
        under_way_ = true;
        asked_at_ = answered_at_ = now;
        look_up_from(0);
    }
    const bool may_be_old = under_way_ && now - asked_at_ < kFreshAnswer;
    if (parameters_.has_value() && !may_be_old) return State::ready;
    if (under_way_) return State::waiting;
    return std::exchange(error_told_, true) ? State::waiting : State::failed;
}

base::Mono HostLookup::retry_at() const noexcept {
    if (parameters_.has_value() != under_way_) return base::Mono::max();
    return (under_way_ ? asked_at_ : answered_at_) + kFreshAnswer;
}

void HostLookup::look_up_from(std::size_t first) {
    for (current_ = first; current_ < unknown_.size(); ++current_) {
        if (resolver_.resolve(hosts_[unknown_[current_]])) return;
        not_found("it cannot be a host's name");
    }
    under_way_ = false;
    error_told_ = false;
    // libpq would look up a bare name itself, and the loop would stand still meanwhile.
    if (postgres::any_reachable(hosts_, addresses_))
        set_parameters(postgres::with_addresses(conninfo_, addresses_));
    on_answer_();
}

void HostLookup::set_parameters(postgres::Conninfo conninfo) {
    with_addresses_ = std::move(conninfo);
    leave_out_silent();
}

void HostLookup::leave_out(const postgres::ListedHost& silent) {
    if (std::ranges::find(silent_, silent) != silent_.end()) return;
    silent_.push_back(silent);
    leave_out_silent();
}

void HostLookup::ask_all_again() {
    if (silent_.empty()) return;
    silent_.clear();
    leave_out_silent();
}

void HostLookup::leave_out_silent() {
    postgres::Conninfo left = with_addresses_;
    for (const auto& host : silent_) {
        const auto place = postgres::place_of(host, left);
        if (!place) continue;
        if (postgres::host_count(left) == 1) {
            silent_.clear();
            left = with_addresses_;
            break;
        }
        left = postgres::without_hosts(left, *place, *place + 1);
    }
    parameters_.emplace(left);
}

void HostLookup::not_found(std::string_view why) {
    error_ =
        fmt::format("could not translate host name \"{}\" to address: {}", hosts_[unknown_[current_]], why);
}

void HostLookup::on_resolved(const event_loop::Resolved* resolved) noexcept {
    // A name that cannot be found any more keeps the addresses that it had.
    if (resolved->error.empty()) {
        addresses_[unknown_[current_]] = resolved->addresses;
    } else {
        not_found(resolved->error);
    }
    look_up_from(current_ + 1);
}

}  // namespace pgtraffic::simulation
