// `pgtraffic report`: the HTML page of an earlier run, from the JSON that it wrote.
#include "pgtraffic/cli/commands.hpp"
#include "pgtraffic/report/html.hpp"
#include "pgtraffic/report/output_file.hpp"
#include "pgtraffic/report/result_file.hpp"

namespace pgtraffic::cli {

int report_command(const ReportOptions& options) {
    const auto document = report::read_result_file(options.result);
    report::OutputFile page{"--html", options.html};
    page.write(report::html_report(document));
    page.commit();
    return 0;
}

}  // namespace pgtraffic::cli
