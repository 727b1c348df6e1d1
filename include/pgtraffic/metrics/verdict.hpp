// Whether a run speaks of the database or of the client: the table of signs and limits in
// docs/metrics.md, applied to a run's own measurements.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pgtraffic::metrics {

enum class VerdictStatus : std::uint8_t { valid, suspect, invalid };

[[nodiscard]] constexpr std::string_view to_string(VerdictStatus status) noexcept {
    constexpr std::string_view kNames[] = {"valid", "suspect", "invalid"};
    return kNames[static_cast<std::size_t>(status)];
}

struct VerdictReason {
    std::string code;     ///< "offered_load"
    std::string message;  ///< what was seen and what to do about it
    double value = 0;
    double limit = 0;
    VerdictStatus severity = VerdictStatus::suspect;
};

// Codes that others ask for.
inline constexpr const char* kOfferedLoadSign = "offered_load";
inline constexpr const char* kGeneratorLagSign = "generator_lag";
inline constexpr const char* kRunQueueWaitSign = "run_queue_wait";
inline constexpr const char* kClientPausedSign = "client_paused";
inline constexpr const char* kBacklogSign = "backlog";

struct Verdict {
    VerdictStatus status = VerdictStatus::valid;
    std::vector<VerdictReason> reasons;  ///< gravest first

    /// Whether there is a reason of this code, at least as grave as that.
    [[nodiscard]] bool says(std::string_view code,
                            VerdictStatus least = VerdictStatus::suspect) const noexcept {
        return std::ranges::any_of(
            reasons, [&](const auto& reason) { return reason.code == code && reason.severity >= least; });
    }
};

/// A loop that is busy for more than this share of its time may be the limit.
inline constexpr double kBusyLoop = 0.80;

struct ClientResult;
struct RunResult;

/// Whether the client lacked a processor for so long that a busy loop says nothing of how much it had to do:
/// the waits for one are in the time in which it was at work.
[[nodiscard]] bool starved(const ClientResult& client) noexcept;

/// "there was no service for 3 s of 30 s"; none where there was always one.
[[nodiscard]] std::optional<std::string> no_service_text(const RunResult& run);
/// "nothing was answered for 3 s of 30 s, though queries were under way"; none where it never stood still.
[[nodiscard]] std::optional<std::string> stood_still_text(const RunResult& run);

/// Judges a run whose numbers are complete.
[[nodiscard]] Verdict judge(const RunResult& run);

}  // namespace pgtraffic::metrics
