#include "pgtraffic/cli/manual.hpp"

#include <fmt/format.h>

#include <utility>

#include "pgtraffic/base/build_info.hpp"
#include "pgtraffic/cli/options.hpp"

namespace pgtraffic::cli {
namespace {

/// Text as troff shows it: no request by accident at the begin of a line, hyphens that can be copied,
/// `words in backticks` bold.
std::string troff(std::string_view text) {
    std::string out;
    bool bold = false;
    for (const char c : text) {
        if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n')) out += "\\&";
        switch (c) {
            case '\\':
                out += "\\e";
                break;
            case '-':
                out += "\\-";
                break;
            case '\'':
                out += "\\(aq";
                break;
            case '^':
                out += "\\(ha";
                break;
            case '~':
                out += "\\(ti";
                break;
            case '`':
                bold = !bold;
                out += bold ? "\\fB" : "\\fR";
                break;
            default:
                out += c;
        }
    }
    return out;
}

std::string section(std::string_view title) {
    return fmt::format(".SH {}\n", title);
}

std::string tagged(std::string_view head, std::string_view text) {
    return fmt::format(".TP\n{}\n{}\n", head, troff(text));
}

std::string example(std::string_view lines) {
    return fmt::format(".nf\n.RS 4\n{}\n.RE\n.fi\n", troff(lines));
}

std::string option_entry(const OptionRow& row) {
    std::string head;
    if (row.letter != 0) head = fmt::format("\\fB\\-{}\\fR, ", row.letter);
    head += fmt::format("\\fB\\-\\-{}\\fR", troff(row.name));
    if (!row.is_flag()) head += fmt::format(" \\fI{}\\fR", troff(row.value));
    return tagged(head, described(row));
}

/// The options of a command by their groups.
std::string options_of(Command command) {
    std::string text;
    std::string_view group;
    for (const auto& row : option_table()) {
        if (!row.belongs_to(command)) continue;
        if (row.group != group) text += fmt::format(".SS \"{}\"\n", row.group);
        group = row.group;
        text += option_entry(row);
    }
    return text;
}

std::string usage(const CommandRow& row) {
    auto text = fmt::format(".B pgtraffic {}\n", row.name);
    if (!row.operand.empty()) text += fmt::format(".I {}\n", troff(row.operand));
    return text + "[options]\n";
}

std::string commands() {
    auto text = section("COMMANDS");
    for (const auto& row : command_table()) {
        auto head = fmt::format("\\fB{}\\fR", row.name);
        if (!row.operand.empty()) head += fmt::format(" \\fI{}\\fR", troff(row.operand));
        text += tagged(head, row.help);
    }
    return text;
}

std::string environment() {
    auto text = section("ENVIRONMENT");
    text += tagged("\\fBDATABASE_URL\\fR", "the database, where no option names one");
    text += tagged(
        "\\fBPGHOST\\fR, \\fBPGPORT\\fR, \\fBPGUSER\\fR, \\fBPGDATABASE\\fR, \\fBPGPASSWORD\\fR, "
        "\\fBPGSERVICE\\fR, \\fBPGSSLMODE\\fR, ...",
        "those of libpq, with their usual meaning; ~/.pgpass is read, too");
    text += tagged("\\fBNO_COLOR\\fR", "no colours, unless --color says always");
    text += tagged("\\fBTMPDIR\\fR", "where a temporary server keeps its data, instead of /tmp");
    return text;
}

}  // namespace

std::string manual_page() {
    // No date: the same source gives the same page on every day.
    auto text =
        fmt::format(".TH PGTRAFFIC 1 \"\" \"pgtraffic {}\" \"User Commands\"\n", base::build_info().version);
    text += section("NAME") + "pgtraffic \\- PostgreSQL traffic simulator\n";
    text += section("SYNOPSIS");
    text += ".B pgtraffic\n[command] [options]\n";
    for (const auto& row : command_table()) text += ".br\n" + usage(row);
    text += section("DESCRIPTION");
    text += troff(
        "Puts load on a PostgreSQL database over one to thousands of connections, from one process with one "
        "thread, as fast as the server can or along a rate or a traffic pattern, and reports throughput and "
        "latency. Latency counts from the moment a query was due, so a stalled server is charged for every "
        "query that it kept waiting. Each report ends in a verdict that says whether its figures speak of "
        "the database or of the client.");
    text += "\n.PP\n";
    text += troff(
        "Without a command it runs. Where no database is named, by options or environment, a temporary "
        "PostgreSQL is started for the run and removed with it.");
    text += "\n" + commands();
    for (const auto& row : command_table()) {
        const bool main = row.command == Command::run;
        text += main ? section("OPTIONS") : section(fmt::format("\"OPTIONS OF {}\"", row.name));
        text += options_of(row.command);
    }
    text += section("\"EXIT STATUS\"");
    for (const auto& row : exit_status_table(Command::run))
        text += tagged(fmt::format("\\fB{}\\fR", row.status), row.meaning);
    text += environment();
    text += section("EXAMPLES");
    std::string_view between;  // the section's title begins a paragraph of its own
    for (const auto& row : command_table()) {
        text += between;
        text += example(row.examples);
        between = ".PP\n";
    }
    text += section("FILES");
    text += tagged("\\fIPREFIX\\fR/share/doc/pgtraffic/",
                   "README.md and the pages of docs/ that this text names; /usr is the package's prefix");
    text += section("\"SEE ALSO\"") + ".BR pgbench (1),\n.BR psql (1)\n";
    return text;
}

}  // namespace pgtraffic::cli
