// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/man_page.h"

#include <fmt/format.h>

namespace qscope::cli {

namespace {

/// Text that man(7) shows as it is: backslashes and dashes are escaped, a dot or quote at the start of a line is no
/// request.
std::string plain(const std::string& text) {
    std::string page;
    for (const char c : text) {
        const bool atStart = page.empty() || page.back() == '\n';
        if (atStart && (c == '.' || c == '\'')) page += "\\&";
        if (c == '\\')
            page += "\\e";
        else if (c == '-')
            page += "\\-";
        else if (c == '\'')
            page += "\\(aq";
        else
            page += c;
    }
    return page;
}

/// Every option with what it takes and means, positional ones first.
std::string optionList(const CLI::App& command) {
    const CLI::Formatter formatter;
    std::string positional;
    std::string named;
    for (const CLI::Option* option : command.get_options()) {
        const bool repeated = command.get_parent() && option == command.get_help_ptr();
        if (option->get_group().empty() || repeated) continue;
        const bool isPositional = option->get_positional();
        (isPositional ? positional : named) +=
            fmt::format(".TP\n\\fB{}\\fR{}\n{}\n", plain(formatter.make_option_name(option, isPositional)),
                        plain(formatter.make_option_opts(option)), plain(formatter.make_option_desc(option)));
    }
    return positional + named;
}

/// The notes below a command's help; lines that are indented there are examples.
std::string notes(const std::string& footer) {
    std::string page;
    bool example = false;
    std::istringstream lines(footer);
    for (std::string line; std::getline(lines, line);) {
        const bool indented = line.starts_with("  ");
        if (indented != example)
            page += indented ? ".PP\n.nf\n.RS\n" : ".RE\n.fi\n.PP\n";
        else if (!indented)
            page += ".PP\n";
        example = indented;
        page += plain(indented ? line.substr(2) : line) + '\n';
    }
    return page + (example ? ".RE\n.fi\n" : "");
}

} // namespace

std::string manPage(const CLI::App& program, const std::string& version) {
    const std::string name = program.get_name();
    std::string page = ".\\\" SPDX-License-Identifier: GPL-3.0-or-later\n";
    page += fmt::format(".TH QSCOPE 1 \"\" \"Quantoscope {}\" \"User Commands\"\n", version);
    page += fmt::format(".SH NAME\n{} \\- the command line of Quantoscope\n", name);
    page += fmt::format(".SH SYNOPSIS\n.B {}\n.RI [ OPTION ]... \" COMMAND \" [ ARGUMENT ]...\n", name);
    page += fmt::format(".SH DESCRIPTION\n{}\n", plain(program.get_description()));
    page += "Everything that the window of\n.BR quantoscope (1)\ndoes, from the same engine and without a display.\n";
    page += fmt::format(".SH OPTIONS\nBefore or behind any command.\n{}", optionList(program));
    page += ".SH COMMANDS\n";
    for (const CLI::App* command : program.get_subcommands([](const CLI::App*) { return true; })) {
        std::string usage = command->get_name();
        for (const CLI::Option* option : command->get_options())
            if (option->get_positional())
                usage += option->get_required() ? " " + option->get_name() : " [" + option->get_name() + "]";
        page += fmt::format(".SS {}\n{}\n{}{}", plain(usage), plain(command->get_description()), optionList(*command),
                            notes(command->get_footer()));
    }
    page += ".SH EXIT STATUS\n"
            ".TP\n0\nDone.\n.TP\n1\nFailed.\n.TP\n2\nWrong usage.\n"
            ".TP\n3\nAn input file is bad or unsupported.\n.TP\n130\nCancelled.\n"
            ".SH SEE ALSO\n.BR quantoscope (1)\n";
    return page;
}

} // namespace qscope::cli
