// Manual pages in roff; see completion.h.
#include <sstream>

#include "plugin/options/completion.h"

namespace colmatch {
namespace {

// Text as roff prints it unchanged; each line may begin with anything.
std::string Roff(const std::string& text) {
  std::string safe;
  bool line_start = true;
  for (const char c : text) {
    if (line_start && (c == '.' || c == '\'')) safe += "\\&";
    line_start = c == '\n';
    if (c == '\\') {
      safe += "\\e";
    } else if (c == '-') {
      safe += "\\-";
    } else {
      safe += c;
    }
  }
  return safe;
}

std::string Upper(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

std::string Header(const std::string& page) {
  return ".TH \"" + Upper(Roff(page)) + "\" 1 \"\" \"colmatch " COLMATCH_VERSION "\" \"User Commands\"\n";
}

std::string OptionText(const OptionEntry& option) {
  std::string text = ".TP\n";
  for (size_t i = 0; i < option.names.size(); ++i)
    text += (i == 0 ? "\\fB" : ", \\fB") + Roff(option.names[i]) + "\\fR";
  if (option.takes_value && !option.positional) text += " \\fIVALUE\\fR";
  text += "\n" + Roff(option.help.empty() ? "(no description)" : option.help);
  if (!option.choices.empty()) {
    text += ". One of";
    for (const std::string& choice : option.choices) text += " " + Roff(choice);
  }
  if (!option.bounds.empty()) text += ". Must be " + Roff(option.bounds);
  if (!option.default_value.empty()) text += ". Default: " + Roff(option.default_value);
  if (option.required) text += ". Required";
  return text + ".\n";
}

constexpr char kStatus[] = R"(.SH EXIT STATUS
.TP
0
everything requested was done
.TP
1
bad usage
.TP
2
done, but some inputs were skipped, each named with its reason
.TP
3
environment: database locked, damaged or foreign, disk full, read\-only, GPU lost
.TP
4
weights refused
.TP
130, 143
stopped by a signal; the same command goes on
)";

}  // namespace

std::string ManualPage(const std::vector<CommandEntry>& commands, const std::string& description) {
  std::string text = Header("colmatch") +
                     ".SH NAME\ncolmatch \\- SuperPoint and SuperGlue for COLMAP\n.SH SYNOPSIS\n"
                     ".B colmatch\n\\fICOMMAND\\fR [\\fIOPTION\\fR...]\n.SH DESCRIPTION\n" +
                     Roff(description) + "\n.SH COMMANDS\n";
  for (const CommandEntry& command : commands)
    text += ".TP\n.B " + Roff(command.name) + "\n" + Roff(command.help) + "\n";
  text += kStatus;
  text +=
      ".SH ENVIRONMENT\n.TP\n.B COLMATCH_WEIGHTS\na folder in which named weights are looked for first\n"
      ".SH SEE ALSO\n.BR colmap (1)";
  for (const CommandEntry& command : commands) text += ",\n.BR colmatch\\-" + Roff(command.name) + " (1)";
  return text + "\n";
}

std::string CommandManualPage(const CommandEntry& command) {
  const std::string page = "colmatch-" + command.name;
  std::string text = Header(page) + ".SH NAME\n" + Roff(page) + " \\- " + Roff(command.help) +
                     "\n.SH SYNOPSIS\n.B colmatch " + Roff(command.name) + "\n";
  for (const OptionEntry& option : command.options) {
    if (option.positional) {
      text += (option.required ? "\\fI" : "[\\fI") + Roff(Upper(option.names[0])) +
              (option.required ? "\\fR\n" : "\\fR]\n");
    } else if (option.required) {
      text += "\\fB" + Roff(option.names[0]) + "\\fR \\fIVALUE\\fR\n";
    }
  }
  text += "[\\fIOPTION\\fR...]\n";
  if (!command.footer.empty()) text += ".SH EXAMPLES\n.nf\n" + Roff(command.footer) + "\n.fi\n";
  text += ".SH OPTIONS\n";
  for (const OptionEntry& option : command.options) text += OptionText(option);
  return text + kStatus + ".SH SEE ALSO\n.BR colmatch (1)\n";
}

}  // namespace colmatch
