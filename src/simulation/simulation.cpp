#include "pgtraffic/simulation/simulation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "pgtraffic/base/error.hpp"
#include "pgtraffic/base/signal_mask.hpp"
#include "pgtraffic/base/units.hpp"
#include "pgtraffic/event_loop/loop.hpp"
#include "pgtraffic/event_loop/signal.hpp"
#include "pgtraffic/event_loop/timer.hpp"
#include "pgtraffic/metrics/stage.hpp"
#include "pgtraffic/simulation/announcer.hpp"
#include "pgtraffic/simulation/audit.hpp"
#include "pgtraffic/simulation/calibration.hpp"
#include "pgtraffic/simulation/client_cost.hpp"
#include "pgtraffic/simulation/connecting.hpp"
#include "pgtraffic/simulation/connector.hpp"
#include "pgtraffic/simulation/crew.hpp"
#include "pgtraffic/simulation/dispatcher.hpp"
#include "pgtraffic/simulation/ending.hpp"
#include "pgtraffic/simulation/heartbeat.hpp"
#include "pgtraffic/simulation/loads.hpp"
#include "pgtraffic/simulation/loop_load.hpp"
#include "pgtraffic/simulation/measurement.hpp"
#include "pgtraffic/simulation/row_budget.hpp"
#include "pgtraffic/simulation/stop_file.hpp"
#include "pgtraffic/simulation/wakes.hpp"

namespace pgtraffic::simulation {

using base::Callback;
using base::Mono;
using base::Nanos;
using metrics::Stage;

namespace {

/// Of arrivals older than --latency-limit; some microseconds each.
constexpr int kMostSkippedInTurn = 1000;

/// Of arrivals that an overload left waiting, at the end. There may be hundreds of millions.
constexpr int kMostWaitingTakenInTurn = 10'000;

/// For telling the server, at the end, to cancel what is under way; somebody who types Ctrl-C again does not
/// wait for as long.
constexpr Nanos kCancelLimit = std::chrono::seconds{2};
constexpr Nanos kCancelLimitInHaste = std::chrono::milliseconds{500};

/// What was sent before the measured load and has had no answer for so long is told.
constexpr Nanos kLongUnanswered = std::chrono::seconds{1};

/// A session that failed so often in a row while the run has not begun will not come up.
constexpr std::uint32_t kStartAttempts = 5;

class Run {
 public:
    Run(event_loop::Loop& loop, const SimulationPlan& plan, const workload::Workload& workload,
        const SimulationEvents& events, metrics::RunResult& result);
    ~Run() { loop_.hook({}); }
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;

    SimulationEnd run();

 private:
    // What the sessions, the loop and the timers tell.
    void on_free(Session* session, Mono now) noexcept;
    void on_ended(Session* session, const Query* query, std::string_view error) noexcept;
    [[gnu::cold]] void tell_failure(base::SqlState state, std::string_view error);
    [[gnu::cold]] void refused(base::SqlState state, std::string_view error);
    void on_statement(const Query* query, Mono done) noexcept;
    void on_retried(const Query* query, std::string_view error) noexcept;
    void on_down(Session* session) noexcept;
    void on_backing_off(Session* session, Mono until) noexcept;
    void on_handshake(Session* session) noexcept { connector_->handshake_wanted(session->number()); }
    void on_rolling_back(Session* session) noexcept { crew_.rolling_back(*session); }
    void on_requeued(Session* session) noexcept { crew_.requeued(*session); }
    void before_wait() noexcept;
    void before_libuv() noexcept { settle(); }
    void on_tick() noexcept;
    void on_heartbeat() noexcept;
    void on_drained_too_long() noexcept;
    void on_draining() noexcept;
    void on_signal(int number) noexcept;

    // What follows of all that was told: starts what can start, and goes to the next stage where it is time.
    // What time it is then.
    Mono settle() noexcept;
    Mono dispatch(Mono now) noexcept;
    Mono sent(Mono now) noexcept;
    [[nodiscard]] Mono starts_again_at() const noexcept;
    [[nodiscard]] Mono reads_again_at(Mono now) const noexcept;

    // The stages, in their order.
    void next_stage(Mono now);
    void enter(Stage stage, Mono now, Nanos length) noexcept;
    void begin_unmeasured(Mono now, Nanos length) noexcept;
    void warm_up(Mono now);
    void calibrate(Mono now);
    void end_calibration_step(Mono now);
    void measure();
    void close_measured(Mono end);
    void end_load(Mono now);
    [[nodiscard]] bool winds_up() const noexcept {
        return stage_ == Stage::draining && (dispatcher_.in_flight() == 0 || !ending_.waits_for_answers());
    }
    void wind_up(Mono now) noexcept;
    void finish(Mono now) noexcept;

    [[nodiscard]] bool all_refused() const noexcept {
        return unmeasured_.succeeded == 0 && unmeasured_.refused > 0 &&
               unmeasured_.refused == unmeasured_.failed;
    }
    void end_refused(Mono now);

    [[nodiscard]] bool limit_reached() noexcept;
    [[nodiscard]] bool no_rows_left() const noexcept;

    // The run as it stands.
    [[nodiscard]] bool measures(const Query& query) const noexcept {
        return stage_ != Stage::done && measurement_ && query.load == loads_.number();
    }
    void start_tick(Mono now) noexcept;
    void tick_measured(Mono now);
    void tell_moment(Mono now, const metrics::Gauges& gauges);
    [[nodiscard]] metrics::Gauges gauges(Mono now);
    [[nodiscard]] std::uint64_t reconnects() const noexcept {
        return connector_->reconnects() - reconnects_before_;
    }
    [[nodiscard]] metrics::Unanswered unanswered(const metrics::Gauges& gauges) const;

    // What every turn touches stands together: see Session.
    const SimulationPlan& plan_;
    const workload::Workload& workload_;
    event_loop::Loop& loop_;
    Mono stage_start_ = base::mono_now();
    Mono stage_end_ = Mono::max();
    Stage stage_ = Stage::connecting;
    bool start_failed_ = false;
    bool refused_to_prepare_ = false;  // a statement of the workload
    bool skipping_ = false;            // of what is too late to start some is left for the next turn
    bool takes_long_ = false;          // winding up does
    LoopLoad load_{stage_start_};
    Wakes wakes_;

    Announcer announcer_;
    metrics::RunResult& result_;
    SimulationEnd end_;
    std::vector<char> received_ = std::vector<char>(postgres::kReceiveBuffer);
    SessionContext context_;
    Crew crew_;
    Dispatcher dispatcher_;
    std::optional<Connector> connector_;
    event_loop::DueTimer due_timer_{loop_};
    event_loop::Sleeper sleeper_;
    event_loop::Timer tick_{loop_, Callback<>::to<&Run::on_tick>(*this)};
    event_loop::Timer heartbeat_timer_{loop_, Callback<>::to<&Run::on_heartbeat>(*this)};
    event_loop::Timer drain_timer_{loop_, Callback<>::to<&Run::on_drained_too_long>(*this)};
    event_loop::Timer draining_{loop_, Callback<>::to<&Run::on_draining>(*this)};
    event_loop::EndingSignals signals_{loop_, Callback<int>::to<&Run::on_signal>(*this)};

    Loads loads_;
    Calibration calibration_;
    Announcer::Unmeasured unmeasured_;  // the present load, where it is none that is measured
    std::string refusal_;               // the first of it
    Ending ending_{plan_.rehearsal};
    std::optional<Measurement> measurement_;  // from its begin to the end
    RowBudget rows_;
    std::uint64_t reconnects_before_ = 0;  // the load of this stage began
    Mono next_tick_ = Mono::max();
    Heartbeat heartbeat_;  // of the measured time of a closed loop
};

Run::Run(event_loop::Loop& loop, const SimulationPlan& plan, const workload::Workload& workload,
         const SimulationEvents& events, metrics::RunResult& result)
    : plan_{plan},
      workload_{workload},
      loop_{loop},
      wakes_{plan, workload},
      announcer_{plan, workload, events},
      result_{result},
      context_{.loop = loop_,
               .workload = workload,
               .wakes = wakes_,
               .load = load_,
               .protocol = plan.protocol,
               .pipeline = plan.pipeline,
               .timeout = plan.timeout,
               .rows = plan.max_rows ? &rows_ : nullptr,
               .leave_read_only = wants_writable(plan.conninfo) && !plan.read_only,
               .setup = {},
               .statement_names = {},
               .heads = {},
               .receive_buffer = received_,
               .on_free = Callback<Session*, Mono>::to<&Run::on_free>(*this),
               .on_ended = Callback<Session*, const Query*, std::string_view>::to<&Run::on_ended>(*this),
               .on_statement = {},
               .on_retried = Callback<const Query*, std::string_view>::to<&Run::on_retried>(*this),
               .on_down = Callback<Session*>::to<&Run::on_down>(*this),
               .on_handshake = Callback<Session*>::to<&Run::on_handshake>(*this),
               .on_requeued = Callback<Session*>::to<&Run::on_requeued>(*this),
               .on_backing_off = Callback<Session*, Mono>::to<&Run::on_backing_off>(*this),
               .on_rolling_back = Callback<Session*>::to<&Run::on_rolling_back>(*this)},
      crew_{loop, plan, context_},
      dispatcher_{plan.connections, plan.pipeline, plan.session_order},
      loads_{plan},
      calibration_{plan, workload, announcer_},
      rows_{plan.max_rows, workload.operations()} {
    if (plan.think_time) dispatcher_.think(*plan.think_time, plan.seed);
    context_.setup = session_setup(plan);
    if (std::ranges::any_of(workload.operations(), [](const auto& one) { return one.statements.size() > 1; }))
        context_.on_statement = Callback<const Query*, Mono>::to<&Run::on_statement>(*this);
    for (std::uint32_t i = 0; i < workload.statement_count(); ++i) {
        const auto& name = context_.statement_names.emplace_back(fmt::format("pgtraffic_{}", i));
        const auto& statement = workload.statement(i);
        const std::size_t values = statement.arguments.size();
        context_.heads.push_back(plan.protocol == Protocol::prepared
                                     ? postgres::QueryHead::prepared(name, values)
                                     : postgres::QueryHead::unnamed(statement.sql, values));
    }
    ConnectorOptions options;
    options.seed = plan.seed;
    options.time_limit = plan.conninfo.connect_timeout().value_or(options.time_limit);
    options.password_command = plan.password_command;
    connector_.emplace(loop_, plan.conninfo, crew_.sessions(), options);
    loop_.hook({.before_wait = Callback<>::to<&Run::before_wait>(*this),
                .before_libuv = Callback<>::to<&Run::before_libuv>(*this),
                .work_begins = Callback<Mono>::to<&LoopLoad::wakes>(load_)});
}

SimulationEnd Run::run() {
    announcer_.say(
        fmt::format("connecting {} session{}", plan_.connections, plan_.connections == 1 ? "" : "s"));
    connector_->connect_all();
    start_tick(stage_start_);
    {
        // The loop listens; one that came during the set-up is delivered now.
        const base::SignalMask heard{base::SignalMask::Ending::let_through};
        loop_.run();
    }
    // Signals are held back again: one that comes meanwhile ends the wait, and is there for whoever comes
    // next.
    if (!start_failed_)
        result_.cancel_sent = crew_.cancel(ending_.aborted() ? kCancelLimitInHaste : kCancelLimit);
    connector_->stop();
    if (start_failed_) {
        throw base::Error(connector_->without_secrets(
            connect_failure(plan_, connector_->connected(), connector_->failures(), refused_to_prepare_)));
    }
    end_.signal = ending_.signal();
    end_.aborted = ending_.aborted();
    for (auto& error : result_.errors) error.sample = connector_->without_secrets(error.sample);
    for (auto& outage : result_.outages) {
        for (auto& error : outage.errors) error.sample = connector_->without_secrets(error.sample);
    }
    return end_;
}

// ---- what is told -------------------------------------------------------------------------------------

// After finish() the loop still hands out what the kernel had ready: the run is over and written down, and
// takes no more of it.

void Run::on_free(Session* session, Mono now) noexcept {
    crew_.free_or_down(*session);
    if (stage_ == Stage::done) return;
    if (!connector_->up(session->number())) {
        connector_->session_up(session->number());
        if (measurement_) measurement_->session_up(now);
    }
    dispatcher_.session_free(session->number(), now, session->late());
    if (stage_ == Stage::connecting && connector_->connected() == plan_.connections) next_stage(now);
}

void Run::on_ended(Session* session, const Query* query, std::string_view error) noexcept {
    crew_.query_ended(*session);
    if (stage_ == Stage::done) return;
    if (!metrics::succeeded(query->completion.outcome)) [[unlikely]]
        tell_failure(query->completion.sqlstate, error);
    if (plan_.max_rows) rows_.ended(query->completion.operation, query->added);
    if (plan_.audit != nullptr) [[unlikely]]
        plan_.audit->ended(query->completion, query->arrival, query->attempt());
    if (query->load != loads_.number()) {  // of the warm-up, or of the search for the peak
        if (measurement_) {
            measurement_->carried_over(query->completion);
        } else if (stage_ == Stage::calibrating) {
            calibration_.carried_over(query->completion);
        }
        return;
    }
    dispatcher_.query_ended();
    if (measurement_) {
        measurement_->query_ended(query->completion, {query->arrival, session->number()});
        if (!metrics::succeeded(query->completion.outcome)) [[unlikely]]
            measurement_->query_failed(query->completion, error);
        return;
    }
    const bool succeeded = metrics::succeeded(query->completion.outcome);
    ++(succeeded ? unmeasured_.succeeded : unmeasured_.failed);
    if (!succeeded && query->completion.sqlstate.blames_statement())
        refused(query->completion.sqlstate, error);
    if (stage_ == Stage::calibrating) calibration_.query_ended(query->completion);
}

void Run::tell_failure(base::SqlState state, std::string_view error) {
    if (!announcer_.knows_failure(state))
        announcer_.failed(state, connector_->without_secrets(std::string{error}));
}

void Run::refused(base::SqlState state, std::string_view error) {
    if (unmeasured_.refused++ == 0)
        refusal_ =
            fmt::format("{}, SQLSTATE {}", connector_->without_secrets(std::string{error}), state.text());
}

void Run::on_statement(const Query* query, Mono done) noexcept {
    if (measures(*query)) measurement_->statement_done(query->completion, done - query->statement_sent);
}

void Run::on_retried(const Query* query, std::string_view error) noexcept {
    wakes_.tried_again();
    if (measures(*query)) measurement_->retried(query->completion.sqlstate, error, base::mono_now());
}

void Run::on_backing_off(Session* session, Mono until) noexcept {
    if (stage_ >= Stage::draining) return session->stop_retrying(base::mono_now());
    crew_.backing_off(*session, until);
}

void Run::on_down(Session* session) noexcept {
    crew_.free_or_down(*session);
    if (stage_ == Stage::done) return;
    dispatcher_.session_gone(session->number());
    if (measurement_) {
        const Mono now = base::mono_now();
        if (connector_->up(session->number())) {
            measurement_->session_lost(now, session->lost_idle(), session->error());
        } else {
            measurement_->connect_failed(now, session->connect_error(), session->error());
        }
    }
    refused_to_prepare_ = refused_to_prepare_ || session->refused_to_prepare();
    // What was given up over a time-out is a query that failed, which the search judges by itself.
    if (stage_ == Stage::calibrating && connector_->up(session->number()) && !session->given_up())
        calibration_.connection_lost();
    connector_->session_down(session->number());
    // Where a server ends idle sessions before the last one stands, none ever fails to connect.
    const bool in_vain = connector_->attempts(session->number()) >= kStartAttempts ||
                         connector_->lost_early() >= std::uint64_t{kStartAttempts} * plan_.connections;
    if (stage_ == Stage::connecting && in_vain) {
        start_failed_ = true;
        loop_.stop();
    }
}

void Run::before_wait() noexcept {
    Mono now = settle();
    // Connections come last: the load's answers have been taken and its queries sent.
    if (connector_->handshakes_wait()) [[unlikely]] {
        connector_->shake_hands();
        now = settle();
    }
    if (connector_->handshakes_wait()) [[unlikely]] {
        load_.waits(now);
        return loop_.only_look();
    }
    if (winds_up()) [[unlikely]] {
        load_.waits(now);
        return loop_.only_look();  // for signals
    }
    if (loop_.libuv_goes_first()) [[unlikely]]
        return;  // and then this again
    load_.waits(now);
    const Mono then = reads_again_at(now);
    if (then <= now) return due_timer_.arm(std::min(starts_again_at(), stage_end_));
    due_timer_.arm(Mono::max());
    sleeper_.sleep_until(then);
    settle();  // what is due leaves before the answers that came are read
    loop_.only_look();
}

Mono Run::reads_again_at(Mono now) const noexcept {
    if (skipping_ || !wakes_.lets_lie()) return now;
    return wakes_.reads_at({.now = now,
                            .next_due = dispatcher_.wake_at(),
                            .stage_end = stage_end_,
                            .started = dispatcher_.started(),
                            .in_flight = dispatcher_.in_flight(),
                            .waits_for_session = dispatcher_.waits_for_session(now),
                            .all_connected = connector_->connected() == plan_.connections});
}

Mono Run::settle() noexcept {
    Mono now = base::mono_now();
    if (stage_ == Stage::connecting || stage_ == Stage::done) return now;
    load_.wakes(now);
    now = dispatch(now);
    if (rows_.used_up() && stage_ < Stage::draining) {
        end_.rows_used_up = true;
        // What comes due from now on is no part of the run, which lasts until the last row is answered.
        if (stage_ == Stage::measuring) dispatcher_.close(now);
    }
    if (end_.rows_used_up && stage_ < Stage::draining && dispatcher_.in_flight() == 0) {
        end_load(now);
    } else if (now >= stage_end_ || limit_reached()) {
        next_stage(now);
        now = dispatch(base::mono_now());
    }
    if (winds_up()) wind_up(now);
    return now;
}

Mono Run::starts_again_at() const noexcept {
    const Mono due = dispatcher_.wake_at();
    return skipping_ ? due : wakes_.starts_at(due);
}

/// All that was begun is on its way. What that told of may have happened later than `now`.
Mono Run::sent(Mono now) noexcept {
    if (plan_.pipeline == 1) return now;  // each was sent when it was begun
    crew_.flush();
    return base::mono_now();
}

Mono Run::dispatch(Mono now) noexcept {
    int skipped = 0;
    skipping_ = false;
    for (;;) {
        // Without rows left nothing starts; settle() ends the stage.
        Decision decision = no_rows_left() ? Decision{} : dispatcher_.next(now);
        switch (decision.kind) {
            case Decision::Kind::none:
                return sent(now);
            case Decision::Kind::miss:
                if (measurement_) measurement_->missed(decision.token, now);
                now = base::mono_now();
                // The rest in the next turn, which follows at once: answers, ticks and signals come first.
                skipping_ = ++skipped == kMostSkippedInTurn;
                if (skipping_) return sent(now);
                break;
            case Decision::Kind::start:
                decision.token.index += loads_.first_arrival();
                if (plan_.max_rows) rows_.started(workload_.choose(decision.token.index).operation);
                crew_.begin(decision, loads_.number(), now);
                now = base::mono_now();
                break;
        }
    }
}

void Run::on_signal(int number) noexcept {
    const Mono now = base::mono_now();
    switch (ending_.told(number, now, stage_)) {
        case Ending::Step::nothing:
            return;
        case Ending::Step::end_load:
            return end_load(now);
        case Ending::Step::hurry:
            return wind_up(now);
        case Ending::Step::abort:
            stage_ = Stage::done;
            return loop_.stop();
    }
}

/// From any stage: no further arrivals, and a report of what there is.
void Run::end_load(Mono now) {
    if (stage_ < Stage::measuring) {
        if (stage_ == Stage::calibrating && !calibration_.finished()) calibration_.report(result_);
        measure();
        dispatcher_.close(stage_start_ - Nanos{1});  // nothing came due, not even at the very beginning
    }
    if (stage_ == Stage::measuring) close_measured(std::clamp(now, stage_start_, stage_end_));
}

// ---- stages ---------------------------------------------------------------------------------------------

void Run::next_stage(Mono now) {
    switch (stage_) {
        case Stage::connecting:
            result_.connecting_s = base::to_seconds(now - stage_start_);
            return warm_up(now);
        case Stage::warming_up:
            if (all_refused()) return end_refused(now);
            return loads_.wants_peak() ? calibrate(now) : measure();
        case Stage::calibrating:
            if (!calibration_.drains()) end_calibration_step(now);
            if (calibration_.drains() && dispatcher_.in_flight() > 0 && now < stage_end_) return;
            calibration_.drained();
            return calibration_.finished() ? measure() : calibrate(now);
        case Stage::measuring:
            return close_measured(std::min(now, stage_end_));
        default:
            break;
    }
}

/// Whoever waits an hour for a report of nothing but division by zero has waited for nothing.
void Run::end_refused(Mono now) {
    end_.refused = true;
    announcer_.say("the server refused every query of the warm-up: nothing will be measured");
    result_.warnings.push_back(
        {"all_refused",
         fmt::format("the server refused every query of the warm-up, {}, for what it asks ({}), and "
                     "nothing was measured; --warmup 0 measures all the same",
                     base::with_thousands(unmeasured_.refused), refusal_)});
    end_load(now);
}

void Run::begin_unmeasured(Mono now, Nanos length) noexcept {
    unmeasured_ = {};
    announcer_.begin_unmeasured(now, length);
}

void Run::enter(Stage stage, Mono now, Nanos length) noexcept {
    stage_ = stage;
    stage_start_ = now;
    stage_end_ = now + length;
    wakes_.load_begins();
}

void Run::warm_up(Mono now) {
    enter(Stage::warming_up, now, plan_.warmup);
    if (plan_.warmup.count() == 0) return next_stage(now);
    announcer_.say(fmt::format("warming up for {}", base::format_duration(plan_.warmup)));
    dispatcher_.begin(loads_.warm_up(now));
    begin_unmeasured(now, plan_.warmup);
}

void Run::calibrate(Mono now) {
    if (stage_ != Stage::calibrating) calibration_.begin();
    result_.warmup_queries += dispatcher_.started();
    const Nanos length = calibration_.step_length();
    enter(Stage::calibrating, now, length);
    dispatcher_.begin(loads_.calibration(now, calibration_.next_rate(), length));
    begin_unmeasured(now, length);
}

void Run::end_calibration_step(Mono now) {
    crew_.each_query(loads_.number(), [&](const Query& query, std::uint32_t) {
        calibration_.in_flight(query.completion, now - query.completion.due);
    });
    calibration_.end_step(now - stage_start_, dispatcher_.planned(now), dispatcher_.started(),
                          connector_->away() == 0);
    if (calibration_.drains()) {
        dispatcher_.close(now);
        stage_end_ = now + calibration_.step_length();
    }
    if (!calibration_.finished()) return;
    loads_.set_peak(calibration_.found_per_s());
    calibration_.report(result_);
}

void Run::measure() {
    result_.warmup_queries += dispatcher_.started();
    loads_.prepare_measured();
    // A histogram for each operation in each phase takes its while, and no arrival is due in it.
    measurement_.emplace(plan_, workload_, dispatcher_, loads_.schedule(), announcer_.onlookers());
    const Mono now = base::mono_now();
    // Those that were still to come when somebody ended the run were not lost.
    measurement_->begin(now, stage_ == Stage::connecting ? 0 : plan_.connections - connector_->connected());
    enter(Stage::measuring, now, plan_.duration);
    dispatcher_.begin(loads_.measured(now), plan_.latency_limit);
    if (ending_.signal() == 0 && !end_.stop_file && !end_.rows_used_up && !end_.refused)
        announcer_.say(fmt::format("measuring for {}", base::format_duration(plan_.duration)));
    result_.started_at = base::wall_now();
    result_.peak_rate_per_s = loads_.peak_rate_per_s().value_or(0);
    measurement_->count_cost_from(ClientUsage::now());
    load_.restart(now);
    reconnects_before_ = connector_->reconnects();
    announcer_.begin_progress(now);
    start_tick(now);
    if (!plan_.open_loop()) heartbeat_timer_.start(heartbeat_.begin(now) - now);
}

/// A warm-up that used up --max-rows would leave nothing to measure: it gets a tenth.
bool Run::no_rows_left() const noexcept {
    return stage_ == Stage::warming_up ? rows_.warmup_used_up() : rows_.used_up();
}

bool Run::limit_reached() noexcept {
    if (stage_ == Stage::warming_up && no_rows_left()) return true;
    if (stage_ == Stage::calibrating && calibration_.drains() && dispatcher_.in_flight() == 0) return true;
    return stage_ == Stage::measuring && plan_.total_queries &&
           dispatcher_.started() + dispatcher_.missed() >= *plan_.total_queries &&
           dispatcher_.in_flight() == 0;
}

void Run::close_measured(Mono end) {
    stage_ = Stage::draining;
    stage_end_ = Mono::max();
    // The tick that was to come before may come behind, where nothing ran for a while.
    const Mono now = base::mono_now();
    measurement_->tick_was_late(now - next_tick_);
    heartbeat_.end(now);
    measurement_->stood_still(heartbeat_);
    measurement_->close(end, load_, ClientUsage::now(), result_);
    result_.ended_at = base::wall_now();
    result_.planned_duration_s = base::to_seconds(plan_.duration);
    crew_.stop_retrying(now);
    if (winds_up()) return wind_up(end);
    drain_timer_.start(plan_.drain_limit);
    draining_.start(Ending::kSilence);
}

void Run::on_drained_too_long() noexcept {
    ending_.answers_took_too_long();
    if (winds_up()) wind_up(base::mono_now());
}

/// A part of it in each turn, so that a second signal is heard.
void Run::wind_up(Mono now) noexcept {
    if (measurement_->take_waiting(kMostWaitingTakenInTurn)) return finish(now);
    if (!std::exchange(takes_long_, true)) draining_.start(Ending::kSilence);
}

void Run::on_draining() noexcept {
    if (stage_ != Stage::draining) return;
    announcer_.say(winds_up() ? ending_.counting_unstarted(dispatcher_.waiting(base::mono_now()))
                              : ending_.waiting_for_answers(plan_.drain_limit, dispatcher_.in_flight()));
}

void Run::finish(Mono now) noexcept {
    if (stage_ == Stage::done) return;
    stage_ = Stage::done;
    metrics::Gauges last = gauges(now);
    last.loop_busy_ratio = measurement_->busy_ratio_at_close();
    crew_.each_in_doubt([&](const Query& query) {
        if (query.load == loads_.number()) measurement_->in_doubt(query.completion);
        if (plan_.audit != nullptr) plan_.audit->unfinished(query.completion, query.arrival, query.attempt());
    });
    crew_.each_query(loads_.number(), [&](const Query& query, std::uint32_t session) {
        measurement_->unfinished(query.completion, now, {query.arrival, session});
    });
    const auto held = crew_.held_by_other_loads(loads_.number(), now - kLongUnanswered);
    if (held > 0 && ending_.signal() == 0 && !end_.stop_file) {
        result_.warnings.push_back(
            {"warmup_unfinished",
             fmt::format(
                 "what was sent before the measurement had no answer to the end in {} of {}: look into "
                 "pg_stat_activity for what it waits, or set --timeout",
                 held, base::counted(plan_.connections, "session", "sessions"))});
    }
    measurement_->finish(last, result_);
    announcer_.intervals_closed(measurement_->just_joined());
    tell_moment(now, last);
    result_.open_loop = plan_.open_loop();  // also where no peak was found to follow
    result_.connections = plan_.connections;
    result_.pipeline = plan_.pipeline;
    result_.chosen_lag = plan_.wake_step;
    result_.think_time = plan_.think_time.value_or(Nanos{0});
    result_.answers_stamped = wakes_.timed_by_kernel();
    result_.connections_at_end = connector_->connected();
    result_.reconnects = reconnects();
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
    if (stage_ == Stage::done) return;  // by another timer of this turn
    const Mono now = base::mono_now();
    load_.wakes(now);
    if (measurement_) measurement_->tick_was_late(now - next_tick_);
    if (plan_.stop_file && stage_ < Stage::draining && stop_file_exists(*plan_.stop_file)) {
        end_.stop_file = true;
        announcer_.say(fmt::format("stopped by --stop-file: \"{}\" exists", *plan_.stop_file));
        end_load(now);
        if (stage_ != Stage::done) start_tick(now);
        return;
    }
    if (stage_ == Stage::connecting) announcer_.connecting(connector_->connected());
    if (stage_ == Stage::warming_up || stage_ == Stage::calibrating) {
        unmeasured_.in_flight = dispatcher_.in_flight();
        announcer_.unmeasured(now, stage_ == Stage::warming_up ? "warming up" : calibration_.present_step(),
                              unmeasured_);
    }
    if (stage_ == Stage::measuring) {
        tick_measured(now);
    } else if (announcer_.tells_moments()) {
        // Of the measured load what is known of it, which grows no more but by what still ends.
        tell_moment(now, stage_ == Stage::draining
                             ? gauges(now)
                             : metrics::Gauges{.loop_busy_ratio = load_.take_ratio(now)});
    }
    if (stage_ != Stage::done) start_tick(now);
}

void Run::on_heartbeat() noexcept {
    if (stage_ != Stage::measuring) return;
    const Mono now = base::mono_now();
    load_.wakes(now);
    heartbeat_timer_.start(heartbeat_.beat(now) - now);
}

void Run::tick_measured(Mono now) {
    const metrics::Gauges moment = gauges(now);
    const auto closed = measurement_->advance(now, moment);
    announcer_.intervals_closed(measurement_->just_joined());
    if (plan_.sample_tcp) {
        if (!result_.network) result_.network.emplace();
        crew_.sample_round_trips(result_.network->tcp_rtt);
    }
    if (measurement_->watches())
        end_.condition = measurement_->abort_condition(now, closed, unanswered(moment));
    if (end_.condition) {
        announcer_.say(fmt::format("stopped by --abort-if: {} ({})", end_.condition->expression,
                                   end_.condition->actual_text));
    }
    tell_moment(now, moment);
    announcer_.progress(now, *measurement_, moment, connector_->connected());
    if (end_.condition) close_measured(now);
}

metrics::Gauges Run::gauges(Mono now) {
    metrics::Gauges gauges;
    gauges.planned = dispatcher_.planned(now);
    gauges.started = dispatcher_.started();
    gauges.waiting = dispatcher_.waiting(now);
    gauges.in_flight = dispatcher_.in_flight();
    gauges.reconnects = reconnects();
    gauges.loop_busy_ratio = load_.take_ratio(now);
    gauges.oldest_pending = crew_.oldest_due(loads_.number());
    if (loads_.schedule() != nullptr)
        gauges.oldest_pending = std::min(gauges.oldest_pending, dispatcher_.next_due());
    return gauges;
}

metrics::Unanswered Run::unanswered(const metrics::Gauges& gauges) const {
    metrics::Unanswered unanswered;
    crew_.each_query(loads_.number(), [&](const Query& query, std::uint32_t) {
        unanswered.in_flight.push_back(query.completion.due);
    });
    unanswered.waiting = gauges.waiting;
    unanswered.waiting_since = dispatcher_.next_due();
    return unanswered;
}

void Run::tell_moment(Mono now, const metrics::Gauges& gauges) {
    if (!announcer_.tells_moments()) return;
    announcer_.moment(
        now, {stage_, gauges, reconnects(), crew_.states(), measurement_ ? &*measurement_ : nullptr});
}

}  // namespace

SimulationEnd simulate(event_loop::Loop& loop, const SimulationPlan& plan, const workload::Workload& workload,
                       const SimulationEvents& events, metrics::RunResult& result) {
    Run run{loop, plan, workload, events, result};
    return run.run();
}

}  // namespace pgtraffic::simulation
