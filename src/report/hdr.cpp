// The encoding, as the Java implementation's encodeIntoCompressedByteBuffer() defines it: big-endian fields,
// then the counts from bucket 0 to the last that is not empty, as ZigZag LEB128 numbers of at most nine
// bytes, where a negative one stands for so many empty buckets.
#include "pgtraffic/report/hdr.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <string_view>

#include "pgtraffic/base/build_info.hpp"
#include "pgtraffic/base/check.hpp"
#include "pgtraffic/base/units.hpp"
#include "pgtraffic/report/encoding.hpp"

namespace pgtraffic::report {
namespace {

using metrics::Histogram;
using metrics::SparseCounts;

constexpr std::uint32_t kPlainCookie = 0x1c849313;
constexpr std::uint32_t kCompressedCookie = 0x1c849314;

template <class T>
void put_big_endian(std::string& out, T value) {
    for (int shift = 8 * (static_cast<int>(sizeof(T)) - 1); shift >= 0; shift -= 8) {
        out += static_cast<char>(static_cast<std::uint8_t>(value >> shift));
    }
}

/// The payload of counts that are given by rising bucket.
class CountsArray {
 public:
    void add(std::uint32_t bucket, std::uint64_t count) {
        const std::uint32_t skipped = bucket - next_;
        if (skipped == 1) put(0);
        if (skipped > 1) put(-static_cast<std::int64_t>(skipped));
        put(static_cast<std::int64_t>(count));
        next_ = bucket + 1;
    }

    /// An empty histogram has one empty bucket: readers do not expect none.
    [[nodiscard]] std::string take() {
        if (next_ == 0) put(0);
        return std::move(bytes_);
    }

 private:
    void put(std::int64_t value) {
        auto rest = static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63);
        for (int i = 0; i < 8 && rest >= 0x80; ++i) {
            bytes_ += static_cast<char>(static_cast<std::uint8_t>(rest | 0x80));
            rest >>= 7;
        }
        bytes_ += static_cast<char>(static_cast<std::uint8_t>(rest));  // the ninth byte holds eight bits
    }

    std::string bytes_;
    std::uint32_t next_ = 0;
};

std::string encode(CountsArray counts, std::uint32_t significant_digits) {
    const std::string payload = counts.take();
    std::string plain;
    put_big_endian(plain, kPlainCookie);
    put_big_endian(plain, static_cast<std::uint32_t>(payload.size()));
    put_big_endian(plain, std::uint32_t{0});  // normalising index offset
    put_big_endian(plain, significant_digits);
    put_big_endian(plain, std::uint64_t{1});  // lowest discernible value
    put_big_endian(plain, static_cast<std::uint64_t>(Histogram::kHighest.count()));
    put_big_endian(plain, std::bit_cast<std::uint64_t>(1.0));  // integer to double ratio
    plain += payload;

    uLongf size = ::compressBound(plain.size());
    std::string compressed(size, '\0');
    const int status =
        ::compress(reinterpret_cast<Bytef*>(compressed.data()), &size,
                   reinterpret_cast<const Bytef*>(plain.data()), static_cast<uLong>(plain.size()));
    PGTRAFFIC_CHECK(status == Z_OK, "zlib has the memory that it needs and the room that it asked for");
    compressed.resize(size);

    std::string whole;
    put_big_endian(whole, kCompressedCookie);
    put_big_endian(whole, static_cast<std::uint32_t>(compressed.size()));
    return base64(whole + compressed);
}

/// One line of a log. The maximum is in ms by the format's custom, for values in ns.
std::string line(std::string_view tag, double start_s, double length_s, base::Nanos max,
                 const std::string& encoded) {
    return fmt::format("Tag={},{:.3f},{:.3f},{:.3f},{}\n", tag, start_s, length_s, base::to_millis(max),
                       encoded);
}

}  // namespace

std::string hdr_base64(const Histogram& histogram) {
    const auto buckets = histogram.buckets();
    const std::uint32_t highest =
        Histogram::Buckets::index_of(static_cast<std::uint64_t>(Histogram::kHighest.count()));
    CountsArray counts;
    for (std::uint32_t i = 0; i < buckets.size(); ++i) {
        const std::uint64_t count = buckets[i] + (i == highest ? histogram.overflow() : 0);
        if (count > 0) counts.add(i, count);
    }
    return encode(std::move(counts), 3);
}

std::string hdr_base64(const SparseCounts& sparse) {
    CountsArray counts;
    for (const auto& [bucket, count] : sparse.buckets()) counts.add(bucket, count);
    return encode(std::move(counts), 2);
}

std::string hdr_log(const metrics::RunResult& run) {
    const auto start = std::chrono::floor<std::chrono::milliseconds>(run.started_at).time_since_epoch();
    const double start_s = static_cast<double>(start.count()) / 1e3;
    std::string log = fmt::format(
        "#[Logged with pgtraffic {}]\n"
        "#[Histogram log format version 1.3]\n"
        "#[StartTime: {:.3f} (seconds since epoch), {}]\n"
        "#[BaseTime: {:.3f} (seconds since epoch)]\n"
        "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_CompressedHistogram\"\n",
        base::build_info().version, start_s, base::rfc3339_utc(run.started_at), start_s);
    for (const auto& interval : run.intervals) {
        log += line("response", interval.start_s, interval.duration_s, interval.max,
                    hdr_base64(interval.response));
        if (!run.open_loop) continue;
        log += line("lag", interval.start_s, interval.duration_s, interval.lag_max, hdr_base64(interval.lag));
    }
    const auto total = [&](std::string_view tag, const Histogram& histogram) {
        log += line(tag, 0, run.duration_s, histogram.max(), hdr_base64(histogram));
    };
    total("response-total", run.latencies.response);
    total("service-total", run.latencies.service);
    if (run.open_loop) total("lag-total", run.latencies.lag);
    return log;
}

}  // namespace pgtraffic::report
