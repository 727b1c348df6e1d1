#include "support/hdr_reader.hpp"

#include <algorithm>
#include <sstream>

#include "support/catch.hpp"
#include "support/subprocess.hpp"

namespace pgtraffic::test {
namespace {

std::string run_processor(std::vector<std::string> arguments) {
    std::vector<std::string> argv{"/usr/bin/java",
                                  // Starts faster, and wants no more memory than a small log needs.
                                  "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-Xmx128m", "-cp",
                                  "/usr/share/java/hdrhistogram.jar",
                                  "org.HdrHistogram.HistogramLogProcessor"};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    const auto result = run_process(argv);
    INFO("processor: " << result.out << result.err);
    REQUIRE(result.exit_code == 0);
    REQUIRE(result.err.empty());
    return result.out;
}

}  // namespace

std::vector<nlohmann::json> decode_hdr(const std::vector<std::string>& base64) {
    ProcessOptions options;
    for (const auto& text : base64) options.input += text + "\n";
    const auto result =
        run_process({"/usr/bin/python3", PGTRAFFIC_SOURCE_DIR "/test/support/decode_hdr.py"}, options);
    INFO("decoder: " << result.err);
    REQUIRE(result.exit_code == 0);
    std::vector<nlohmann::json> decoded;
    std::istringstream lines{result.out};
    for (std::string line; std::getline(lines, line);) decoded.push_back(nlohmann::json::parse(line));
    REQUIRE(decoded.size() == base64.size());
    return decoded;
}

HdrPercentiles process_hdr_log(const std::string& path, const std::string& tag) {
    HdrPercentiles found;
    std::istringstream lines{run_processor({"-i", path, "-tag", tag, "-outputValueUnitRatio", "1"})};
    for (std::string line; std::getline(lines, line);) {
        std::istringstream fields{line};
        double value = 0;
        HdrPercentiles::Row row;
        if (fields >> value >> row.percentile >> row.count) {
            row.value_ns = static_cast<std::int64_t>(value);
            found.rows.push_back(row);
        }
        const auto number_behind = [&](const std::string& name) {
            const auto at = line.find(name);
            const auto equals = line.find('=', at);
            return at == std::string::npos ? -1.0 : std::stod(line.substr(equals + 1));
        };
        if (line.starts_with("#[Max")) {
            found.max_ns = static_cast<std::int64_t>(number_behind("Max"));
            found.total = static_cast<std::uint64_t>(number_behind("Total count"));
        }
    }
    return found;
}

std::vector<std::string> tags_of_hdr_log(const std::string& path) {
    std::vector<std::string> tags;
    std::istringstream lines{run_processor({"-i", path, "-listtags"})};
    for (std::string line; std::getline(lines, line);) {
        if (!line.empty() && line.find(' ') == std::string::npos) tags.push_back(line);
    }
    std::sort(tags.begin(), tags.end());
    return tags;
}

}  // namespace pgtraffic::test
