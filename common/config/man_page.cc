#include "common/config/man_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "absl/strings/ascii.h"

namespace souvenir {
namespace {

// Escapes text for roff: no escapes or requests remain, and dashes can be copied.
std::string Roff(std::string_view text) {
  std::string out;
  bool line_begins = true;
  for (const char c : text) {
    if (line_begins && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
    line_begins = c == '\n';
  }
  return out;
}

// Returns the first sentence of a summary for NAME: no capital, no full stop.
std::string Short(std::string text) {
  text = text.substr(0, text.find(". "));
  if (text.ends_with('.')) text.pop_back();
  if (!text.empty()) text[0] = absl::ascii_tolower(static_cast<unsigned char>(text[0]));
  return text;
}

std::string Names(const FlagDescription& flag) {
  std::string out;
  for (const std::string& name : flag.names) {
    out += fmt::format("{}\\fB{}\\fR", out.empty() ? "" : ", ", Roff(name));
  }
  return flag.value.empty() ? out : fmt::format("{} \\fI{}\\fR", out, Roff(flag.value));
}

std::string Paragraph(const FlagDescription& flag, const std::string& title) {
  std::string out = fmt::format(".TP\n{}\n{}", title, Roff(flag.description));
  if (!flag.fallback.empty()) out += fmt::format(" (default: {})", Roff(flag.fallback));
  if (!flag.environment.empty()) out += fmt::format(" (${})", Roff(flag.environment));
  if (flag.required && flag.value.empty()) out += " (needed)";
  return out + (out.ends_with('.') ? "\n" : ".\n");
}

std::string Flags(const CommandDescription& command, bool is_program) {
  std::string out;
  for (const FlagDescription& argument : command.arguments) {
    out += Paragraph(argument, fmt::format("\\fI{}\\fR", Roff(argument.names[0])));
  }
  for (const FlagDescription& flag : command.flags) {
    if (is_program || flag.names.back() != "--help") out += Paragraph(flag, Names(flag));
  }
  return out;
}

std::string Synopsis(const CommandDescription& command) {
  std::string out = fmt::format("\\fB{}\\fR", Roff(command.path));
  const bool optional = std::any_of(command.flags.begin(), command.flags.end(),
                                    [](const FlagDescription& flag) { return !flag.required; });
  for (const FlagDescription& flag : command.flags) {
    if (flag.required) out += fmt::format(" {}", Names(flag));
  }
  if (optional) out += " [\\fIflags\\fR]";
  for (const FlagDescription& argument : command.arguments) {
    const std::string name =
        fmt::format("\\fI{}\\fR{}", Roff(argument.names[0]), argument.repeated ? "..." : "");
    out += argument.required ? " " + name : " [" + name + "]";
  }
  return out;
}

// Appends the commands below `command`. Leaves out those that only group other commands.
void AppendCommands(const CommandDescription& command, std::string* synopses, std::string* texts) {
  for (const CommandDescription& each : command.commands) {
    if (each.commands.empty() || !each.arguments.empty()) {
      *synopses += fmt::format(".br\n{}\n", Synopsis(each));
      *texts += fmt::format(".SS {}\n{}.\n{}", Roff(each.path), Roff(each.description),
                            Flags(each, false));
    }
    AppendCommands(each, synopses, texts);
  }
}

// Returns the sections of a footer, "Exit status:\n  0  fine\n\nSignals:\n  ...", as sections.
std::string Footer(std::string_view footer) {
  std::string out;
  while (!footer.empty()) {
    const size_t end = std::min(footer.find("\n\n"), footer.size());
    std::string_view section = footer.substr(0, end);
    footer.remove_prefix(std::min(end + 2, footer.size()));
    while (section.starts_with('\n')) section.remove_prefix(1);
    while (section.ends_with('\n')) section.remove_suffix(1);
    const size_t colon = section.find(":\n");
    if (colon == std::string_view::npos) continue;
    const std::string title(section.substr(0, colon));
    out += fmt::format(".SH {}\n.nf\n{}\n.fi\n", Roff(absl::AsciiStrToUpper(title)),
                       Roff(section.substr(colon + 2)));
  }
  return out;
}

}  // namespace

std::string ManPage(const CommandDescription& program, const std::string& version) {
  std::string synopses = Synopsis(program) + "\n";
  std::string texts;
  if (!program.commands.empty()) synopses.clear();
  AppendCommands(program, &synopses, &texts);
  if (synopses.starts_with(".br\n")) synopses.erase(0, 4);
  std::string out =
      fmt::format(".TH {} 1 \"\" \"{}\" \"User Commands\"\n.SH NAME\n{} \\- {}\n.SH SYNOPSIS\n{}",
                  Roff(absl::AsciiStrToUpper(program.path)), Roff(version), Roff(program.path),
                  Roff(Short(program.description)), synopses);
  out += fmt::format(".SH DESCRIPTION\n{}\n", Roff(program.description));
  out += fmt::format(".SH FLAGS\n{}", Flags(program, true));
  if (!texts.empty()) out += ".SH COMMANDS\n" + texts;
  return out + Footer(program.footer);
}

}  // namespace souvenir
