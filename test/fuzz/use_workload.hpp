// Uses an accepted scenario as a run does, as far as it needs no database: what it writes must fit the room
// that it asked for, and whatever conditions hold something is sent.
#pragma once

#include <cstdlib>
#include <string>
#include <vector>

#include "pgtraffic/base/error.hpp"
#include "pgtraffic/workload/workload.hpp"

namespace pgtraffic::fuzz {

/// Rows as a server might send them, of the columns that use_workload() gives: whole, empty, of NULLs, cut
/// off.
inline const std::vector<std::string>& rows() {
    static const std::vector<std::string> kRows{{},
                                                {"\0\0", 2},
                                                {"\0\2\0\0\0\1\x37\0\0\0\1t", 12},
                                                {"\0\2\xFF\xFF\xFF\xFF\0\0\0\3abc", 13},
                                                {"\0\2\0\0\0\5\x31", 7}};
    return kRows;
}

inline void use_workload(const workload::Scenario& scenario) {
    if (!workload::Workload::data_queries(scenario).empty()) return;
    workload::ReturnedColumns columns;
    for (const auto& operation : scenario.operations) {
        for (std::size_t s = 0; s < operation.statements.size(); ++s) columns.push_back({"id", "a"});
    }
    try {
        const workload::Workload workload{scenario, {}, workload::KeyDistribution::uniform, 1, 2, columns};
        for (std::uint64_t k = 0; k < 4; ++k) {
            const std::vector<std::string> kept(workload.kept_rows(), rows()[k]);
            const auto choice = workload.choose(k);
            const auto count = workload.operations()[choice.operation].statements.size();
            std::size_t sent = 0;
            for (std::optional<std::uint32_t> next = choice.statement; next;
                 next = workload.next_statement(choice, *next, k, kept)) {
                if (*next >= count || ++sent > count) std::abort();
                const auto number = workload.statement_number(choice.operation, *next);
                std::vector<char> bytes(workload.longest_values(number, kept));
                if (workload.fill(number, k, 0, bytes.data(), kept) > bytes.data() + bytes.size())
                    std::abort();
            }
        }
    } catch (const base::Error&) {  // a column that no statement returns
    }
}

}  // namespace pgtraffic::fuzz
