#include "pgtraffic/simulation/simulation.hpp"

#include <fmt/format.h>

#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <functional>
#include <queue>

#include "pgtraffic/base/check.hpp"
#include "pgtraffic/base/error.hpp"
#include "pgtraffic/base/signal_mask.hpp"
#include "pgtraffic/base/units.hpp"
#include "pgtraffic/event_loop/hook.hpp"
#include "pgtraffic/event_loop/loop.hpp"
#include "pgtraffic/event_loop/signal.hpp"
#include "pgtraffic/event_loop/tcp_info.hpp"
#include "pgtraffic/event_loop/timer.hpp"
#include "pgtraffic/metrics/abort_watch.hpp"
#include "pgtraffic/metrics/outage_log.hpp"
#include "pgtraffic/simulation/client_cost.hpp"
#include "pgtraffic/simulation/connector.hpp"
#include "pgtraffic/simulation/loop_load.hpp"
#include "pgtraffic/simulation/peak_search.hpp"
#include "pgtraffic/simulation/row_budget.hpp"
#include "pgtraffic/traffic/phase_scheduler.hpp"

namespace pgtraffic::simulation {

using base::Mono;
using base::Nanos;
using event_loop::Callback;

namespace {

/// A session that failed so often in a row while the run has not begun will not come up.
constexpr std::uint32_t kStartAttempts = 5;

constexpr std::uint32_t kTcpSamples = 16;

enum class Stage : std::uint8_t {
    connecting,   ///< waits for all sessions → warming_up
    warming_up,   ///< the load, unmeasured, for its time → calibrating or measuring
    calibrating,  ///< the steps of the search for the peak rate, one after the other → measuring
    measuring,    ///< until its time, its number of queries, or a signal → draining
    draining,     ///< waits for what is in flight, for so long → done
    done,
};

std::string connect_failure(const Connector& connector, std::size_t of, const SimulationPlan& plan) {
    std::string reasons;
    for (const auto& [reason, times] : connector.failures()) {
        reasons += fmt::format("{}{} ({}×)", reasons.empty() ? "" : "; ", reason, times);
    }
    if (plan.pooled && plan.protocol == Protocol::prepared &&
        reasons.find("prepared statement") != std::string::npos) {
        return fmt::format("connected {} of {} sessions; the rest failed: {}. {}", connector.connected(), of,
                           reasons, kPoolerPreparedCure);
    }
    return fmt::format(
        "connected {} of {} sessions; the rest failed: {}. Ask for fewer with --connections, or raise "
        "the server's max_connections",
        connector.connected(), of, reasons);
}

/// The server's own limit first, ours a little later: it keeps the connection. Behind a pooler there is only
/// ours.
Nanos deadline_after(Nanos timeout, bool pooled) {
    if (pooled) return timeout;
    const Nanos slack = timeout / 4;
    return timeout + std::clamp(slack, Nanos{std::chrono::milliseconds{50}}, Nanos{std::chrono::seconds{1}});
}

Mono whole_ms_after(Mono t) {
    return std::chrono::ceil<std::chrono::milliseconds>(t);
}

/// Also a link to nothing: whoever made it wanted the run to stop.
bool exists(const std::string& path) noexcept {
    struct stat status {};
    return ::lstat(path.c_str(), &status) == 0;
}

/// Whether another server may be found where one is read-only.
bool wants_writable(const postgres::Conninfo& conninfo) {
    const auto wanted = conninfo.effective("target_session_attrs");
    return wanted == "read-write" || wanted == "primary";
}

/// A server whose machine or network vanished sends no farewell. The kernel's own limits are a quarter of an
/// hour for what was sent and two hours for a connection that waits; a load that nobody answers for so long
/// measures nothing.
postgres::Conninfo watchful(postgres::Conninfo conninfo) {
    conninfo.set_default("tcp_user_timeout", "30000");
    conninfo.set_default("keepalives_idle", "15");
    conninfo.set_default("keepalives_interval", "5");
    conninfo.set_default("keepalives_count", "3");
    return conninfo;
}

/// libpq leaves connect_timeout to whoever connects without blocking; as there, at least two seconds.
Nanos connect_limit(const postgres::Conninfo& conninfo, Nanos usual) {
    const auto seconds = base::parse_count(conninfo.effective("connect_timeout"));
    if (!seconds || *seconds == 0) return usual;
    return std::chrono::seconds{std::clamp<std::uint64_t>(*seconds, 2, 3600)};
}

/// Sessions that wait, by the end of their pauses. One timer serves them all.
class Pauses {
 public:
    struct Pause {
        Mono until;
        std::uint32_t session;
        bool operator>(const Pause& other) const noexcept { return until > other.until; }
    };

    void add(Pause pause) { queue_.push(pause); }
    [[nodiscard]] Mono next() const noexcept { return queue_.empty() ? Mono::max() : queue_.top().until; }
    [[nodiscard]] Pause take() {
        const Pause first = queue_.top();
        queue_.pop();
        return first;
    }

 private:
    std::priority_queue<Pause, std::vector<Pause>, std::greater<>> queue_;
};

class Run {
 public:
    Run(event_loop::Loop& loop, const SimulationPlan& plan, const workload::Workload& workload,
        const SimulationEvents& events, metrics::RunResult& result);
    ~Run() { loop_.when_work_begins({}); }
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;

    SimulationEnd run();

 private:
    // What the sessions, the loop and the timers tell.
    void on_free(Session* session, Mono now) noexcept;
    void on_ended(Session* session, const Query* query) noexcept;
    void on_down(Session* session) noexcept;
    void on_backing_off(Session* session, Mono until) noexcept;
    void on_pause_over() noexcept;
    void on_event(Mono now) noexcept { load_.wakes(now); }
    void before_wait() noexcept;
    void after_batch() noexcept;
    void on_tick() noexcept;
    void on_deadline() noexcept;
    void on_drained_too_long() noexcept { finish(base::mono_now()); }
    void on_signal(int number) noexcept;

    Mono dispatch(Mono now) noexcept;
    [[nodiscard]] Mono wake_at() const noexcept;
    void next_stage(Mono now);
    void warm_up(Mono now);
    void calibrate(Mono now);
    void end_calibration_step(Mono now);
    void measure(Mono now);
    void close_measured(Mono end);
    void end_load(Mono now);
    void finish(Mono now) noexcept;

    [[nodiscard]] bool limit_reached() noexcept;
    [[nodiscard]] bool no_rows_left() const noexcept;
    /// Arrivals that were due by then.
    [[nodiscard]] std::uint64_t planned(Mono now) noexcept {
        return dispatcher_.planned(std::min(now, stage_end_));
    }
    void begin_load(const traffic::TokenBucket& bucket, std::optional<Nanos> latency_limit);
    [[nodiscard]] traffic::TokenBucket bucket_of(const traffic::PhaseScheduler* schedule, Mono start,
                                                 Nanos length) const;
    [[nodiscard]] std::optional<traffic::PhaseScheduler> schedule_measured() const;
    [[nodiscard]] metrics::AggregatorPlan aggregator_plan(Mono start) const;
    [[nodiscard]] metrics::Gauges gauges(Mono now);
    [[nodiscard]] Mono oldest_pending() const noexcept;
    void add_deadline(const Session& session, Mono now) noexcept;
    [[nodiscard]] std::uint32_t deadline_number(const Session& session, std::uint32_t slot) const noexcept {
        return session.number() * plan_.pipeline + slot;
    }
    /// Calls with each query of the present load that is under way.
    template <class Visit>
    void each_in_flight(Visit&& visit) const {
        for (const auto& session : sessions_) {
            session->each_query([&](const Query& query) {
                if (query.load == load_number_) visit(query);
            });
        }
    }
    [[nodiscard]] bool abort_wanted(std::span<const metrics::Interval> closed, const metrics::Gauges& moment,
                                    Mono now);
    void report_progress(Mono now, const metrics::Gauges& moment);
    void tell_moment(Mono now, const metrics::Gauges& moment);
    void sample_tcp() noexcept;
    void start_tick(Mono now) noexcept;
    void tell_intervals() const {
        const auto joined = aggregator_->just_joined();
        if (events_.intervals_closed && !joined.empty()) events_.intervals_closed(joined);
    }
    void say(const std::string& text) const {
        if (events_.stage) events_.stage(text);
    }

    const SimulationPlan& plan_;
    const workload::Workload& workload_;
    const SimulationEvents& events_;
    metrics::RunResult& result_;
    SimulationEnd end_;

    event_loop::Loop& loop_;
    std::vector<char> received_ = std::vector<char>(postgres::kReceiveBuffer);
    SessionContext context_;
    std::vector<std::unique_ptr<Session>> sessions_;
    Dispatcher dispatcher_;
    std::optional<Connector> connector_;
    event_loop::DueTimer due_timer_{loop_};
    event_loop::Timer tick_{loop_, Callback<>::to<&Run::on_tick>(*this)};
    event_loop::Timer deadline_timer_{loop_, Callback<>::to<&Run::on_deadline>(*this)};
    event_loop::Timer pause_timer_{loop_, Callback<>::to<&Run::on_pause_over>(*this)};
    event_loop::Timer drain_timer_{loop_, Callback<>::to<&Run::on_drained_too_long>(*this)};
    event_loop::BeforeWait before_wait_{loop_, Callback<>::to<&Run::before_wait>(*this)};
    event_loop::AfterBatch after_batch_{loop_, Callback<>::to<&Run::after_batch>(*this)};
    event_loop::Signal interrupt_{loop_, SIGINT, Callback<int>::to<&Run::on_signal>(*this)};
    event_loop::Signal terminate_{loop_, SIGTERM, Callback<int>::to<&Run::on_signal>(*this)};

    Stage stage_ = Stage::connecting;
    Mono stage_start_ = base::mono_now();
    Mono stage_end_ = Mono::max();
    Mono measured_end_ = Mono::max();
    std::uint32_t load_number_ = 0;    // of what the dispatcher runs now
    std::uint64_t first_arrival_ = 0;  // added to the bucket's numbers
    PeakSearch peak_search_;
    StepOutcome calibration_step_;
    std::optional<double> peak_rate_;
    bool start_failed_ = false;

    std::optional<traffic::PhaseScheduler> warmup_schedule_;
    std::optional<traffic::PhaseScheduler> schedule_;
    std::optional<metrics::Aggregator> aggregator_;
    metrics::AbortWatch abort_watch_;
    RowBudget rows_;
    metrics::OutageLog outages_;
    Pauses pauses_;  // of sessions that back off
    // With --timeout: queries under way, by the time they were sent, and when they are given up.
    IndexList deadlines_;
    std::vector<Mono> deadline_of_;
    std::vector<std::uint32_t> unsent_;  // sessions of a pipeline with something to send
    LoopLoad load_{stage_start_};
    ClientUsage usage_at_start_;
    Mono next_tick_ = Mono::max();
    Mono next_progress_ = Mono::max();
    Nanos longest_gap_{0};
    std::size_t next_tcp_sample_ = 0;
    double busy_at_close_ = 0;
};

Run::Run(event_loop::Loop& loop, const SimulationPlan& plan, const workload::Workload& workload,
         const SimulationEvents& events, metrics::RunResult& result)
    : plan_{plan},
      workload_{workload},
      events_{events},
      result_{result},
      loop_{loop},
      context_{loop_,
               workload,
               plan.protocol,
               plan.pipeline,
               plan.timeout.has_value(),
               plan.pacing == Pacing::economy,
               wants_writable(plan.conninfo),
               {},
               {},
               {},
               received_,
               Callback<Session*, Mono>::to<&Run::on_free>(*this),
               Callback<Session*, const Query*>::to<&Run::on_ended>(*this),
               Callback<Session*>::to<&Run::on_down>(*this),
               Callback<Session*, Mono>::to<&Run::on_backing_off>(*this),
               Callback<Mono>::to<&Run::on_event>(*this)},
      dispatcher_{plan.connections, plan.pipeline, plan.session_order},
      peak_rate_{plan.peak_rate_per_s},
      abort_watch_{plan.abort_if, plan.abort_window, plan.interval},
      rows_{plan.max_rows, workload.operations()},
      deadlines_{plan.timeout ? plan.connections * plan.pipeline : 0} {
    // In a pooler's transaction mode a setting would stay on a server's connection, for whoever comes next.
    if (plan.timeout && !plan.pooled) {
        const auto ms =
            std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::milliseconds>(*plan.timeout).count());
        context_.setup.push_back(fmt::format("SET statement_timeout = {}", ms));
    }
    if (plan.read_only) context_.setup.emplace_back("SET default_transaction_read_only = on");
    for (std::uint32_t i = 0; i < workload.statement_count(); ++i) {
        context_.statement_names.push_back(fmt::format("pgtraffic_{}", i));
    }
    if (plan.timeout) deadline_of_.resize(std::size_t{plan.connections} * plan.pipeline);
    if (plan.pipeline > 1) unsent_.reserve(plan.connections);
    sessions_.reserve(plan.connections);
    for (std::uint32_t i = 0; i < plan.connections; ++i)
        sessions_.push_back(std::make_unique<Session>(i, context_));
    ConnectorOptions options;
    options.seed = plan.seed;
    options.time_limit = connect_limit(plan.conninfo, options.time_limit);
    options.password_command = plan.password_command;
    connector_.emplace(loop_, watchful(plan.conninfo), sessions_, options);
    loop_.when_work_begins(Callback<Mono>::to<&Run::on_event>(*this));
}

SimulationEnd Run::run() {
    say(fmt::format("connecting {} sessions", plan_.connections));
    connector_->connect_all();
    start_tick(stage_start_);
    {
        // The loop listens; one that came during the set-up is delivered now.
        const base::SignalMask heard{base::SignalMask::Ending::let_through};
        loop_.run();
    }
    connector_->stop();
    if (start_failed_) {
        throw base::Error(connector_->without_secrets(connect_failure(*connector_, sessions_.size(), plan_)));
    }
    for (auto& error : result_.errors) error.sample = connector_->without_secrets(error.sample);
    return end_;
}

// ---- what is told -------------------------------------------------------------------------------------

void Run::on_free(Session* session, Mono now) noexcept {
    if (!connector_->up(session->number())) {
        connector_->session_up(session->number());
        outages_.session_up(now);
    }
    dispatcher_.session_free(session->number(), now);
    if (stage_ == Stage::connecting && connector_->connected() == sessions_.size()) next_stage(now);
}

void Run::on_ended(Session* session, const Query* query) noexcept {
    if (plan_.timeout) deadlines_.remove(deadline_number(*session, query->slot));
    if (plan_.max_rows) rows_.ended(query->completion.operation, query->completion.rows);
    if (plan_.audit != nullptr) [[unlikely]]
        plan_.audit->ended(query->completion, query->arrival, query->attempt);
    if (query->load != load_number_) return;  // began in the warm-up and is not measured
    dispatcher_.query_ended();
    const metrics::Completion& completion = query->completion;
    const bool succeeded =
        completion.outcome == metrics::Outcome::ok || completion.outcome == metrics::Outcome::empty;
    if (aggregator_) {
        aggregator_->record(completion);
        if (!succeeded) [[unlikely]] {
            aggregator_->sample_error(completion.sqlstate, session->error());
            if (stage_ == Stage::measuring) outages_.query_failed(completion, planned(completion.done));
        } else if (outages_.silent()) [[unlikely]] {
            outages_.succeeded(completion, planned(completion.done));
        }
    } else if (stage_ == Stage::calibrating) {
        ++calibration_step_.ended;
        if (succeeded) ++calibration_step_.succeeded;
        calibration_step_.wait_s += base::to_seconds(std::max(completion.ready - completion.due, Nanos{0}));
        calibration_step_.service_s += base::to_seconds(completion.done - completion.sent);
    }
}

void Run::on_down(Session* session) noexcept {
    dispatcher_.session_gone(session->number());
    if (stage_ == Stage::measuring) {
        const Mono now = base::mono_now();
        if (connector_->up(session->number())) {
            outages_.session_lost(now, planned(now));
        } else {
            outages_.connect_failed(now, session->connect_error(), planned(now));
        }
    }
    connector_->session_down(session->number());
    if (stage_ == Stage::connecting && connector_->attempts(session->number()) >= kStartAttempts) {
        start_failed_ = true;
        loop_.stop();
    }
}

void Run::on_backing_off(Session* session, Mono until) noexcept {
    pauses_.add({until, session->number()});
    if (pauses_.next() == until) pause_timer_.start(until - base::mono_now());
}

void Run::on_pause_over() noexcept {
    const Mono now = base::mono_now();
    load_.wakes(now);
    while (pauses_.next() <= now) {
        const auto over = pauses_.take();
        sessions_[over.session]->resume(over.until);
    }
    if (pauses_.next() != Mono::max()) pause_timer_.start(pauses_.next() - now);
}

void Run::before_wait() noexcept {
    const Mono now = base::mono_now();
    load_.waits(now);
    // Answers that come meanwhile are read together.
    if (plan_.pacing == Pacing::economy && dispatcher_.in_flight() > 0)
        event_loop::sleep_until(whole_ms_after(now));
}

void Run::after_batch() noexcept {
    if (stage_ == Stage::connecting || stage_ == Stage::done) return;
    Mono now = base::mono_now();
    load_.wakes(now);
    now = dispatch(now);
    if (rows_.used_up() && stage_ < Stage::draining) {
        end_.rows_used_up = true;
        end_load(now);
    } else if (now >= stage_end_ || limit_reached()) {
        next_stage(now);
        now = dispatch(now);
    }
    if (stage_ == Stage::draining && dispatcher_.in_flight() == 0) return finish(now);
    due_timer_.arm(std::min(wake_at(), stage_end_));
}

Mono Run::wake_at() const noexcept {
    const Mono due = dispatcher_.wake_at();
    if (plan_.pacing == Pacing::precise || due == Mono::max()) return due;
    return whole_ms_after(due);
}

Mono Run::dispatch(Mono now) noexcept {
    for (;;) {
        // Without rows left nothing starts; after_batch() ends the stage.
        Decision decision = no_rows_left() ? Decision{} : dispatcher_.next(now);
        switch (decision.kind) {
            case Decision::Kind::none:
                for (const std::uint32_t session : unsent_) sessions_[session]->flush();
                unsent_.clear();
                return now;
            case Decision::Kind::miss:
                if (aggregator_) {
                    aggregator_->record_missed(workload_.choose(decision.token.index).operation,
                                               decision.token.due, now);
                }
                break;
            case Decision::Kind::start: {
                Session& session = *sessions_[decision.session];
                if (plan_.timeout) add_deadline(session, now);
                decision.token.index += first_arrival_;
                if (plan_.max_rows) rows_.started(workload_.choose(decision.token.index).operation);
                if (plan_.pipeline > 1 && !session.unsent()) unsent_.push_back(decision.session);
                session.begin(decision, load_number_, now);
                now = base::mono_now();
                break;
            }
        }
    }
}

void Run::add_deadline(const Session& session, Mono now) noexcept {
    const std::uint32_t number = deadline_number(session, session.next_slot());
    deadline_of_[number] = now + deadline_after(*plan_.timeout, plan_.pooled);
    deadlines_.push_back(number);
    if (!deadline_timer_.active()) deadline_timer_.start(deadline_of_[number] - now);
}

void Run::on_deadline() noexcept {
    const Mono now = base::mono_now();
    load_.wakes(now);
    while (!deadlines_.empty() && deadline_of_[deadlines_.front()] <= now) {
        const std::uint32_t number = deadlines_.front();
        sessions_[number / plan_.pipeline]->expire(number % plan_.pipeline, now);
    }
    if (!deadlines_.empty()) deadline_timer_.start(deadline_of_[deadlines_.front()] - now);
}

void Run::on_signal(int number) noexcept {
    if (end_.signal != 0) {
        end_.aborted = true;
        stage_ = Stage::done;
        return loop_.stop();
    }
    end_.signal = number;
    end_load(base::mono_now());
}

/// From any stage: no further arrivals, and a report of what there is.
void Run::end_load(Mono now) {
    if (stage_ < Stage::measuring) measure(now);
    if (stage_ == Stage::measuring) close_measured(std::min(now, stage_end_));
}

// ---- stages ---------------------------------------------------------------------------------------------

void Run::next_stage(Mono now) {
    const bool find_peak = plan_.pattern && !peak_rate_;
    switch (stage_) {
        case Stage::connecting:
            result_.connecting_s = base::to_seconds(now - stage_start_);
            return warm_up(now);
        case Stage::warming_up:
            return find_peak ? calibrate(now) : measure(now);
        case Stage::calibrating:
            end_calibration_step(now);
            return peak_search_.finished() ? measure(now) : calibrate(now);
        case Stage::measuring:
            return close_measured(std::min(now, stage_end_));
        default:
            break;
    }
}

void Run::begin_load(const traffic::TokenBucket& bucket, std::optional<Nanos> latency_limit) {
    ++load_number_;
    // Arrivals are numbered from 0 in each load, and what an arrival does depends on its number: without
    // numbers of its own a warm-up would insert the very orders that the measurement then finds taken.
    first_arrival_ = stage_ == Stage::measuring ? 0 : std::uint64_t{load_number_} << 32U;
    dispatcher_.begin(bucket, latency_limit);
}

traffic::TokenBucket Run::bucket_of(const traffic::PhaseScheduler* schedule, Mono start, Nanos length) const {
    return schedule == nullptr
               ? traffic::TokenBucket::unlimited(start, length)
               : traffic::TokenBucket::scheduled(*schedule, plan_.arrivals, start, plan_.seed);
}

void Run::warm_up(Mono now) {
    stage_ = Stage::warming_up;
    stage_start_ = now;
    stage_end_ = now + plan_.warmup;
    if (plan_.warmup.count() == 0) return next_stage(now);
    say(fmt::format("warming up for {}", base::format_duration(plan_.warmup)));
    // At the rate with which the measured load begins, so that nothing jumps at the border.
    if (const auto measured = schedule_measured()) {
        const double rate = std::max(measured->rate_at(0), measured->max_rate() * 0.01);
        warmup_schedule_ = traffic::PhaseScheduler::constant(rate, plan_.warmup);
    }
    begin_load(bucket_of(warmup_schedule_ ? &*warmup_schedule_ : nullptr, now, plan_.warmup), std::nullopt);
}

void Run::calibrate(Mono now) {
    if (stage_ != Stage::calibrating) say("looking for the peak rate");
    stage_ = Stage::calibrating;
    stage_start_ = now;
    const Nanos length = peak_search_.step_length();
    stage_end_ = now + length;
    calibration_step_ = {};
    warmup_schedule_.reset();
    if (peak_search_.next_rate() > 0) {
        warmup_schedule_ = traffic::PhaseScheduler::constant(peak_search_.next_rate(), length);
    }
    begin_load(bucket_of(warmup_schedule_ ? &*warmup_schedule_ : nullptr, now, length), std::nullopt);
}

void Run::end_calibration_step(Mono now) {
    calibration_step_.length_s = base::to_seconds(now - stage_start_);
    calibration_step_.planned = dispatcher_.planned(now);
    calibration_step_.started = dispatcher_.started();
    peak_search_.step_done(calibration_step_);
    if (!peak_search_.finished()) return;
    const PeakRate peak = peak_search_.result();
    peak_rate_ = peak.rate_per_s;
    result_.peak_rate_spread_per_s = {peak.lowest_per_s, peak.highest_per_s};
    say(fmt::format("peak rate {} queries/s, between {} and {} in {} searches (a closed loop reached {})",
                    base::with_thousands(peak.rate_per_s, 0), base::with_thousands(peak.lowest_per_s, 0),
                    base::with_thousands(peak.highest_per_s, 0), PeakSearch::kRounds,
                    base::with_thousands(peak.closed_loop_per_s, 0)));
}

std::optional<traffic::PhaseScheduler> Run::schedule_measured() const {
    if (plan_.rate_per_s) return traffic::PhaseScheduler::constant(*plan_.rate_per_s, plan_.duration);
    if (plan_.pattern && peak_rate_) {
        return traffic::PhaseScheduler::follow(*plan_.pattern, *peak_rate_, plan_.duration, plan_.seed);
    }
    return std::nullopt;
}

metrics::AggregatorPlan Run::aggregator_plan(Mono start) const {
    metrics::AggregatorPlan plan;
    for (const auto& operation : workload_.operations()) {
        metrics::OperationShape shape{operation.name, {}};
        for (const auto& statement : operation.statements) shape.statements.push_back(statement.name);
        plan.operations.push_back(std::move(shape));
    }
    plan.start = start;
    plan.interval = plan_.interval;
    plan.joined = plan_.joined_intervals;
    plan.open_loop = schedule_.has_value();
    plan.looked_at = static_cast<bool>(events_.moment);
    if (schedule_) {
        for (const auto& phase : schedule_->phases()) {
            plan.phases.push_back({phase.name, phase.start_s, phase.end_s, phase.planned});
        }
        plan.planned_between = [this](double from_s, double to_s) {
            return schedule_->arrivals_until(to_s) - schedule_->arrivals_until(from_s);
        };
    } else {
        plan.phases.push_back({traffic::kSteadyPhase, 0, base::to_seconds(plan_.duration), std::nullopt});
    }
    return plan;
}

void Run::measure(Mono now) {
    stage_ = Stage::measuring;
    stage_start_ = now;
    stage_end_ = now + plan_.duration;
    schedule_ = schedule_measured();
    aggregator_.emplace(aggregator_plan(now));
    auto bucket = bucket_of(schedule_ ? &*schedule_ : nullptr, now, plan_.duration);
    if (plan_.total_queries) bucket.limit_to(*plan_.total_queries);
    begin_load(bucket, plan_.latency_limit);
    say(fmt::format("measuring for {}", base::format_duration(plan_.duration)));
    result_.started_at = base::wall_now();
    result_.peak_rate_per_s = peak_rate_.value_or(0);
    usage_at_start_ = ClientUsage::now();
    load_.restart(now);
    outages_.begin(now, plan_.connections, plan_.connections - connector_->connected());
    longest_gap_ = Nanos{0};
    next_progress_ = now + plan_.progress;
    start_tick(now);
}

/// A warm-up that used up --max-rows would leave nothing to measure: it gets a tenth.
bool Run::no_rows_left() const noexcept {
    return stage_ == Stage::warming_up ? rows_.warmup_used_up() : rows_.used_up();
}

bool Run::limit_reached() noexcept {
    if (stage_ == Stage::warming_up && no_rows_left()) return true;
    return stage_ == Stage::measuring && plan_.total_queries &&
           dispatcher_.started() + dispatcher_.missed() >= *plan_.total_queries &&
           dispatcher_.in_flight() == 0;
}

void Run::close_measured(Mono end) {
    stage_ = Stage::draining;
    stage_end_ = Mono::max();
    measured_end_ = end;
    const Nanos length = end - stage_start_;
    busy_at_close_ = load_.take_ratio(end);
    result_.client = cost_between(usage_at_start_, ClientUsage::now(), length, aggregator_->total().ended());
    result_.client.loop_busy_ratio = load_.total_ratio();
    result_.client.longest_loop_turn_ms = base::to_millis(load_.longest_turn());
    result_.outages = outages_.finish(end, dispatcher_.planned(end));
    result_.client.longest_clock_gap_s =
        std::max(result_.client.longest_clock_gap_s, base::to_seconds(longest_gap_));
    result_.ended_at = base::wall_now();
    result_.planned_duration_s = base::to_seconds(plan_.duration);
    dispatcher_.close(end);
    aggregator_->close(end);
    if (dispatcher_.in_flight() > 0) {
        drain_timer_.start(plan_.drain_limit);
    } else {
        finish(end);
    }
}

void Run::finish(Mono now) noexcept {
    if (stage_ == Stage::done) return;
    stage_ = Stage::done;
    metrics::Gauges last = gauges(now);
    last.loop_busy_ratio = busy_at_close_;  // not of the time of draining
    for (const auto& session : sessions_) {
        session->each_in_doubt([&](const Query& query) {
            if (query.load == load_number_) aggregator_->record_in_doubt(query.completion);
            if (plan_.audit != nullptr)
                plan_.audit->unfinished(query.completion, query.arrival, query.attempt);
        });
    }
    each_in_flight([&](const Query& query) {
        aggregator_->record_in_flight(query.completion.operation, query.completion.due, now);
    });
    while (const auto token = dispatcher_.next_abandoned()) {
        aggregator_->record_waiting(workload_.choose(token->index).operation, token->due, measured_end_);
    }
    aggregator_->finish(last, result_);
    tell_intervals();
    tell_moment(now, last);
    result_.connections = plan_.connections;
    result_.pipeline = plan_.pipeline;
    if (plan_.pacing == Pacing::economy) result_.chosen_lag = std::chrono::milliseconds{1};
    result_.connections_at_end = connector_->connected();
    result_.reconnects = connector_->reconnects();
    loop_.stop();
}

// ---- time series --------------------------------------------------------------------------------------

void Run::start_tick(Mono now) noexcept {
    next_tick_ = stage_ == Stage::measuring
                     ? stage_start_ + plan_.interval * ((now - stage_start_) / plan_.interval + 1)
                     : now + std::chrono::seconds{1};
    tick_.start(next_tick_ - now);
}

void Run::on_tick() noexcept {
    const Mono now = base::mono_now();
    load_.wakes(now);
    // Nothing of ours takes a second: where a tick comes that late, the machine or the process stood still.
    longest_gap_ = std::max(longest_gap_, now - next_tick_);
    if (plan_.stop_file && stage_ < Stage::draining && exists(*plan_.stop_file)) {
        end_.stop_file = true;
        say(fmt::format("stopped by --stop-file: \"{}\" exists", *plan_.stop_file));
        return end_load(now);
    }
    if (stage_ == Stage::connecting && events_.connecting) {
        events_.connecting(connector_->connected(), plan_.connections);
    }
    if (stage_ != Stage::measuring && events_.moment)
        tell_moment(now, {.loop_busy_ratio = load_.take_ratio(now)});
    if (stage_ == Stage::measuring) {
        const metrics::Gauges moment = gauges(now);
        const auto closed = aggregator_->advance(now, moment);
        tell_intervals();
        if (plan_.sample_tcp) sample_tcp();
        const bool abort = abort_wanted(closed, moment, now);
        tell_moment(now, moment);
        report_progress(now, moment);
        if (abort) close_measured(now);
    }
    if (stage_ != Stage::draining && stage_ != Stage::done) start_tick(now);
}

/// A few connections a tick, another few each time: no traffic, and a bounded cost for any number of them.
void Run::sample_tcp() noexcept {
    if (!result_.network) result_.network.emplace();
    for (std::uint32_t i = 0; i < std::min<std::uint32_t>(kTcpSamples, plan_.connections); ++i) {
        const auto& session = sessions_[next_tcp_sample_++ % sessions_.size()];
        if (const auto trip = event_loop::tcp_round_trip(session->socket()))
            result_.network->tcp_rtt.record(*trip);
    }
}

metrics::Gauges Run::gauges(Mono now) {
    metrics::Gauges gauges;
    gauges.planned = dispatcher_.planned(now);
    gauges.started = dispatcher_.started();
    gauges.waiting = dispatcher_.waiting(now);
    gauges.in_flight = dispatcher_.in_flight();
    gauges.reconnects = connector_->reconnects();
    gauges.loop_busy_ratio = load_.take_ratio(now);
    gauges.oldest_pending = oldest_pending();
    return gauges;
}

bool Run::abort_wanted(std::span<const metrics::Interval> closed, const metrics::Gauges& moment, Mono now) {
    if (abort_watch_.empty()) return false;
    abort_watch_.add(closed);
    metrics::Unanswered unanswered;
    each_in_flight([&](const Query& query) { unanswered.in_flight.push_back(query.completion.due); });
    unanswered.waiting = moment.waiting;
    unanswered.waiting_since = dispatcher_.next_due();
    end_.condition = abort_watch_.check(aggregator_->ended(abort_watch_.length(), now, unanswered));
    if (!end_.condition) return false;
    say(fmt::format("stopped by --abort-if: {} ({})", end_.condition->expression,
                    end_.condition->actual_text));
    return true;
}

Mono Run::oldest_pending() const noexcept {
    Mono oldest = schedule_ ? dispatcher_.next_due() : Mono::max();
    each_in_flight([&](const Query& query) { oldest = std::min(oldest, query.completion.due); });
    return oldest;
}

void Run::tell_moment(Mono now, const metrics::Gauges& gauges) {
    if (!events_.moment) return;
    constexpr std::string_view kNames[] = {"connecting", "warming up", "calibrating",
                                           "measuring",  "draining",   "finished"};
    metrics::LiveMoment moment;
    moment.stage = kNames[static_cast<std::size_t>(stage_)];
    moment.open_loop = plan_.rate_per_s || plan_.pattern;
    moment.duration_s = base::to_seconds(plan_.duration);
    moment.planned = gauges.planned;
    moment.started = gauges.started;
    moment.waiting = gauges.waiting;
    moment.in_flight = gauges.in_flight;
    moment.reconnects = connector_->reconnects();
    moment.loop_busy_ratio = gauges.loop_busy_ratio;
    moment.connections.wanted = plan_.connections;
    for (const auto& session : sessions_) {
        switch (session->state()) {
            case Session::State::closed:
                ++moment.connections.closed;
                break;
            case Session::State::connecting:
            case Session::State::preparing:
                ++moment.connections.connecting;
                break;
            case Session::State::idle:
                ++moment.connections.idle;
                break;
            case Session::State::busy:
            case Session::State::backing_off:
            case Session::State::rolling_back:
                ++moment.connections.busy;
                break;
        }
    }
    if (aggregator_) {
        moment.elapsed_s = base::to_seconds(std::min(now, measured_end_) - stage_start_);
        if (schedule_ && stage_ == Stage::measuring) {
            moment.target_per_s = schedule_->rate_at(moment.elapsed_s);
            for (const auto& phase : schedule_->phases()) {
                if (moment.elapsed_s >= phase.start_s) moment.phase = phase.name;
            }
        }
        aggregator_->look(moment);
    }
    events_.moment(moment);
}

void Run::report_progress(Mono now, const metrics::Gauges& moment) {
    if (!events_.progress || now < next_progress_) return;
    next_progress_ = std::max(next_progress_ + plan_.progress, now);
    const metrics::Interval recent = aggregator_->take_recent();
    if (recent.duration_s <= 0) return;
    events_.progress(
        recent, {base::to_seconds(now - stage_start_), base::to_seconds(plan_.duration),
                 connector_->connected(), plan_.connections, schedule_ ? &*schedule_ : nullptr, &moment});
}

}  // namespace

SimulationEnd simulate(event_loop::Loop& loop, const SimulationPlan& plan, const workload::Workload& workload,
                       const SimulationEvents& events, metrics::RunResult& result) {
    Run run{loop, plan, workload, events, result};
    return run.run();
}

}  // namespace pgtraffic::simulation
