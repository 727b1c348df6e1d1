#include "pgtraffic/simulation/client_cost.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <ctime>
#include <fstream>
#include <sstream>

namespace pgtraffic::simulation {
namespace {

base::Nanos to_nanos(const timeval& t) {
    return std::chrono::seconds{t.tv_sec} + std::chrono::microseconds{t.tv_usec};
}

base::Nanos clock_nanos(clockid_t clock) {
    timespec t{};
    clock_gettime(clock, &t);
    return std::chrono::seconds{t.tv_sec} + base::Nanos{t.tv_nsec};
}

/// The value behind "key<blanks>:" or "key=" in a file of such lines, quotes taken off; empty without.
std::string value_in_file(const char* path, std::string_view key) {
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
        if (!line.starts_with(key)) continue;
        const auto at = line.find_first_not_of(" \t:=\"", key.size());
        if (at == std::string::npos) return {};
        const auto end = line.find_last_not_of(" \"");
        return line.substr(at, end - at + 1);
    }
    return {};
}

/// `r.ru_maxrss` lives through exec, so there a parent's peak is told as ours; the peak of this program's own
/// memory is the kernel's VmHWM (proc(5)), in kB.
std::int64_t peak_resident_bytes(const rusage& r) {
    std::int64_t kilobytes = 0;
    std::istringstream{value_in_file("/proc/self/status", "VmHWM")} >> kilobytes;
    return (kilobytes > 0 ? kilobytes : std::int64_t{r.ru_maxrss}) * 1024;
}

}  // namespace

ClientUsage ClientUsage::now() {
    ClientUsage usage;
    rusage r{};
    getrusage(RUSAGE_SELF, &r);
    usage.user = to_nanos(r.ru_utime);
    usage.system = to_nanos(r.ru_stime);
    usage.max_rss_bytes = peak_resident_bytes(r);
    usage.switches_voluntary = r.ru_nvcsw;
    usage.switches_involuntary = r.ru_nivcsw;
    // "running waiting slices": see the kernel's Documentation/scheduler/sched-stats.rst.
    std::int64_t running = 0;
    std::int64_t waiting = 0;
    if (std::ifstream("/proc/self/schedstat") >> running >> waiting)
        usage.run_queue_wait = base::Nanos{waiting};
    usage.at = base::mono_now();
    usage.suspended = clock_nanos(CLOCK_BOOTTIME) - clock_nanos(CLOCK_MONOTONIC);
    return usage;
}

metrics::ClientResult cost_between(const ClientUsage& begin, const ClientUsage& end, std::uint64_t queries) {
    metrics::ClientResult cost;
    cost.cpu_user_s = base::to_seconds(end.user - begin.user);
    cost.cpu_system_s = base::to_seconds(end.system - begin.system);
    if (queries > 0)
        cost.cpu_us_per_query = (cost.cpu_user_s + cost.cpu_system_s) * 1e6 / static_cast<double>(queries);
    if (begin.run_queue_wait && end.run_queue_wait && end.at > begin.at) {
        cost.run_queue_wait_ratio = base::to_seconds(*end.run_queue_wait - *begin.run_queue_wait) /
                                    base::to_seconds(end.at - begin.at);
    }
    cost.max_rss_bytes = end.max_rss_bytes;
    cost.context_switches_voluntary = end.switches_voluntary - begin.switches_voluntary;
    cost.context_switches_involuntary = end.switches_involuntary - begin.switches_involuntary;
    cost.longest_clock_gap_s = base::to_seconds(end.suspended - begin.suspended);
    return cost;
}

std::int64_t resident_bytes() {
    std::int64_t size = 0;
    std::int64_t resident = 0;
    std::ifstream("/proc/self/statm") >> size >> resident;
    return resident * sysconf(_SC_PAGE_SIZE);
}

double started_since_epoch_s() {
    // Field 22, in ticks since the machine started; counted from behind the name, which may hold blanks.
    constexpr int kFieldsBetween = 19;
    std::string line;
    std::getline(std::ifstream("/proc/self/stat"), line);
    const auto behind_name = line.rfind(')');
    if (behind_name == std::string::npos) return 0;
    std::istringstream fields{line.substr(behind_name + 1)};
    std::string field;
    for (int i = 0; i < kFieldsBetween; ++i) fields >> field;
    double ticks = 0;
    fields >> ticks;
    const double up_s = base::to_seconds(clock_nanos(CLOCK_BOOTTIME));
    const double now_s = base::to_seconds(base::wall_now().time_since_epoch());
    return now_s - up_s + ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
}

metrics::ClientInfo client_info() {
    metrics::ClientInfo info;
    utsname names{};
    uname(&names);
    info.hostname = names.nodename;
    info.kernel = fmt::format("{} {} {}", names.sysname, names.release, names.machine);
    info.os = value_in_file("/etc/os-release", "PRETTY_NAME");
    info.cpu_model = value_in_file("/proc/cpuinfo", "model name");
    info.cpus = static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
    info.memory_bytes = std::int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGE_SIZE);
    return info;
}

}  // namespace pgtraffic::simulation
