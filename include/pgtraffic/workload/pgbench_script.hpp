// Scripts of pgbench as workloads: what \set makes becomes a value of the operation, :name in SQL a
// parameter, \if a condition, and what \gset keeps is what a statement returns. What a query has no place for
// here (\sleep) is refused with its line, not left out:
// a workload that does something else than its author wrote measures something else.
//
// Source: PostgreSQL documentation, "pgbench", section "Custom Scripts".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "pgtraffic/workload/scenario.hpp"
#include "pgtraffic/workload/script_values.hpp"

namespace pgtraffic::workload {

/// "NAME=VALUE". Throws base::Error for a name that pgbench would not take.
void define(ScriptVariables& variables, std::string_view definition);

/// "FILE" or "FILE@WEIGHT", the weight a whole number.
struct ScriptFile {
    std::string path;
    double weight = 1;
};
[[nodiscard]] ScriptFile parse_script_file(const std::string& argument);

/// The operation of a scenario file that a script is, named `name`. `file` is for messages. Throws
/// base::Error "<file>:<line>: …".
[[nodiscard]] nlohmann::ordered_json operation_of_script(std::string_view script, std::string_view file,
                                                         const std::string& name,
                                                         const ScriptVariables& variables);

/// One operation a file, chosen by weight; each is named like its file. Throws base::Error where one cannot
/// be read, is no such script, or has what a scenario may not have.
[[nodiscard]] Scenario scenario_of_scripts(const std::vector<ScriptFile>& files, ScriptVariables variables);

}  // namespace pgtraffic::workload
