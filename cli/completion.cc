#include "cli/completion.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <vector>

namespace souvenir::cli {
namespace {

// A command with its flags and those of the commands above it.
struct Level {
  const CommandDescription* command;
  std::vector<const FlagDescription*> flags;
};

void AppendLevels(const CommandDescription& command, std::vector<const FlagDescription*> above,
                  std::vector<Level>* levels) {
  for (const FlagDescription& flag : command.flags) above.push_back(&flag);
  levels->push_back({&command, above});
  for (const CommandDescription& each : command.commands) AppendLevels(each, above, levels);
}

std::vector<Level> LevelsOf(const CommandDescription& program) {
  std::vector<Level> levels;
  AppendLevels(program, {}, &levels);
  return levels;
}

std::vector<std::string> SubcommandNames(const CommandDescription& command) {
  std::vector<std::string> names;
  for (const CommandDescription& each : command.commands) names.push_back(each.name());
  return names;
}

std::vector<std::string> FlagNames(const Level& level) {
  std::set<std::string> names;  // sorted, and --help of every level once
  for (const FlagDescription* flag : level.flags) {
    names.insert(flag->names.begin(), flag->names.end());
  }
  return {names.begin(), names.end()};
}

bool TakesFile(const CommandDescription& command) {
  return std::any_of(command.arguments.begin(), command.arguments.end(),
                     [](const FlagDescription& argument) { return argument.takes_file(); });
}

std::vector<std::string> ArgumentChoices(const CommandDescription& command) {
  std::vector<std::string> all;
  for (const FlagDescription& argument : command.arguments) {
    for (std::string& choice : argument.choices()) all.push_back(std::move(choice));
  }
  return all;
}

bool TakesValue(const FlagDescription& flag) { return !flag.value.empty(); }
bool TakesFileValue(const FlagDescription& flag) { return flag.takes_file(); }

// Returns the names of the flags of all commands that are `wanted`.
std::set<std::string> NamesOfFlags(const std::vector<Level>& levels,
                                   bool (*wanted)(const FlagDescription&)) {
  std::set<std::string> names;
  for (const Level& level : levels) {
    for (const FlagDescription* flag : level.flags) {
      if (wanted(*flag)) names.insert(flag->names.begin(), flag->names.end());
    }
  }
  return names;
}

// Returns the same names as a pattern of `case`.
std::string FlagPattern(const std::vector<Level>& levels, bool (*wanted)(const FlagDescription&)) {
  const std::set<std::string> names = NamesOfFlags(levels, wanted);
  return names.empty() ? "''" : fmt::format("{}", fmt::join(names, " | "));
}

// Returns the flags of a level, each once by its longest name.
std::vector<const FlagDescription*> DistinctFlags(const Level& level) {
  std::vector<const FlagDescription*> flags;
  std::set<std::string> seen;
  for (const FlagDescription* flag : level.flags) {
    if (seen.insert(flag->names.back()).second) flags.push_back(flag);
  }
  return flags;
}

// Returns the text in single quotes. fish escapes quotes with a backslash; bash and zsh do not.
std::string Quoted(std::string_view text, bool backslash_quotes) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += backslash_quotes ? "\\'" : "'\\''";
    } else if (c == '\\' && backslash_quotes) {
      out += "\\\\";
    } else {
      out += c;
    }
  }
  return out + "'";
}

// Returns the paths of all commands below another one, quoted, with `separator` between them.
std::string JoinedPaths(const std::vector<Level>& levels, bool backslash_quotes,
                        std::string_view separator) {
  std::vector<std::string> paths;
  for (const Level& level : levels) {
    for (const CommandDescription& each : level.command->commands) {
      paths.push_back(Quoted(each.path, backslash_quotes));
    }
  }
  return fmt::format("{}", fmt::join(paths, separator));
}

// Returns lines that set `at` to the command that the words before the current one name. bash and
// zsh differ in the name of the array of words and in the loop over it.
std::string FindPath(const std::vector<Level>& levels, const std::string& program,
                     std::string_view words, std::string_view loop) {
  return fmt::format(
      "  local at={0} skip= word i\n"
      "  for {1}; do\n"
      "    word=${{{2}[i]}}\n"
      "    if [[ -n $skip ]]; then\n"
      "      skip=\n"
      "      continue\n"
      "    fi\n"
      "    case $word in\n"
      "      {3}) skip=yes ;;\n"
      "    esac\n"
      "    case \"$at $word\" in\n"
      "      {4}) at=\"$at $word\" ;;\n"
      "    esac\n"
      "  done\n",
      program, loop, words, FlagPattern(levels, TakesValue),
      JoinedPaths(levels, /*backslash_quotes=*/false, " | "));
}

std::string Bash(const CommandDescription& program) {
  const std::vector<Level> levels = LevelsOf(program);
  std::string out = fmt::format(
      "# Completes `{0}` in bash. Written by `{0} completion bash`.\n"
      "_{0}() {{\n"
      "  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD - 1]}}\n"
      "{1}"
      "  case $previous in\n"
      "    {2})\n"
      "      mapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n"
      "      return\n"
      "      ;;\n"
      "    {3}) return ;;\n"
      "  esac\n"
      "  local commands= flags= files=\n"
      "  case $at in\n",
      program.path, FindPath(levels, program.path, "COMP_WORDS", "((i = 1; i < COMP_CWORD; i++))"),
      FlagPattern(levels, TakesFileValue), FlagPattern(levels, TakesValue));
  for (const Level& level : levels) {
    std::vector<std::string> words = SubcommandNames(*level.command);
    for (const std::string& choice : ArgumentChoices(*level.command)) words.push_back(choice);
    out += fmt::format("    {}) commands='{}' flags='{}' files={} ;;\n",
                       Quoted(level.command->path, false), fmt::join(words, " "),
                       fmt::join(FlagNames(level), " "), TakesFile(*level.command) ? "yes" : "");
  }
  return out + fmt::format(
                   "  esac\n"
                   "  if [[ $current == -* ]]; then\n"
                   "    mapfile -t COMPREPLY < <(compgen -W \"$flags\" -- \"$current\")\n"
                   "  elif [[ -n $files ]]; then\n"
                   "    mapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n"
                   "  else\n"
                   "    mapfile -t COMPREPLY < <(compgen -W \"$commands\" -- \"$current\")\n"
                   "  fi\n"
                   "}}\n"
                   "complete -o filenames -F _{0} {0}\n",
                   program.path);
}

// Returns "name:description", as _describe of zsh takes it.
std::string Described(const std::string& name, const std::string& description) {
  std::string out;
  for (const char c : name) out += c == ':' ? std::string("\\:") : std::string(1, c);
  return Quoted(out + ":" + description, false);
}

std::string Zsh(const CommandDescription& program) {
  const std::vector<Level> levels = LevelsOf(program);
  std::string out = fmt::format(
      "#compdef {0}\n"
      "# Completes `{0}` in zsh. Written by `{0} completion zsh`.\n"
      "_{0}() {{\n"
      "  local previous=${{words[CURRENT - 1]}}\n"
      "{1}"
      "  case $previous in\n"
      "    {2}) _files; return ;;\n"
      "    {3}) return ;;\n"
      "  esac\n"
      "  local -a commands flags\n"
      "  local files=\n"
      "  case $at in\n",
      program.path, FindPath(levels, program.path, "words", "((i = 2; i < CURRENT; i++))"),
      FlagPattern(levels, TakesFileValue), FlagPattern(levels, TakesValue));
  for (const Level& level : levels) {
    std::string commands;
    for (const CommandDescription& each : level.command->commands) {
      commands += fmt::format(" {}", Described(each.name(), each.description));
    }
    for (const std::string& choice : ArgumentChoices(*level.command)) commands += " " + choice;
    std::string flags;
    for (const FlagDescription* flag : DistinctFlags(level)) {
      for (const std::string& name : flag->names) {
        flags += fmt::format(" {}", Described(name, flag->description));
      }
    }
    out += fmt::format("    {}) commands=({}) flags=({}) files={} ;;\n",
                       Quoted(level.command->path, false), commands, flags,
                       TakesFile(*level.command) ? "yes" : "");
  }
  return out +
         fmt::format(
             "  esac\n"
             "  if [[ $PREFIX == -* ]]; then\n"
             "    _describe -o flag flags\n"
             "  elif [[ -n $files ]]; then\n"
             "    _files\n"
             "  else\n"
             "    _describe command commands\n"
             "  fi\n"
             "}}\n"
             "if [[ ${{funcstack[1]}} == _{0} ]]; then _{0} \"$@\"; else compdef _{0} {0}; fi\n",
             program.path);
}

std::string FishFlag(const std::string& program, const std::string& condition,
                     const FlagDescription& flag) {
  std::string out = fmt::format("complete -c {} -n {}", program, Quoted(condition, true));
  for (const std::string& name : flag.names) {
    out += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  }
  if (!flag.value.empty()) out += flag.takes_file() ? " -r -F" : " -x";
  const std::vector<std::string> choices = flag.choices();
  if (!choices.empty()) out += fmt::format(" -a '{}'", fmt::join(choices, " "));
  return fmt::format("{} -d {}\n", out, Quoted(flag.description, true));
}

std::string Fish(const CommandDescription& program) {
  const std::vector<Level> levels = LevelsOf(program);
  std::string out = fmt::format(
      "# Completes `{0}` in fish. Written by `{0} completion fish`.\n"
      "function __{0}_path\n"
      "  set -l path {0}\n"
      "  set -l skip no\n"
      "  for word in (commandline -opc)[2..-1]\n"
      "    if test $skip = yes\n"
      "      set skip no\n"
      "      continue\n"
      "    end\n"
      "    contains -- $word {1}; and set skip yes\n"
      "    contains -- \"$path $word\" {2}; and set path \"$path $word\"\n"
      "  end\n"
      "  echo $path\n"
      "end\n"
      "function __{0}_at\n"
      "  test (__{0}_path) = \"$argv\"\n"
      "end\n"
      "complete -c {0} -f\n",
      program.path, fmt::join(NamesOfFlags(levels, TakesValue), " "),
      JoinedPaths(levels, /*backslash_quotes=*/true, " "));
  for (const Level& level : levels) {
    const std::string condition = fmt::format("__{}_at {}", program.path, level.command->path);
    for (const CommandDescription& each : level.command->commands) {
      out += fmt::format("complete -c {} -n {} -a {} -d {}\n", program.path,
                         Quoted(condition, true), each.name(), Quoted(each.description, true));
    }
    const std::vector<std::string> choices = ArgumentChoices(*level.command);
    if (!choices.empty()) {
      out += fmt::format("complete -c {} -n {} -a '{}'\n", program.path, Quoted(condition, true),
                         fmt::join(choices, " "));
    }
    if (TakesFile(*level.command)) {
      out += fmt::format("complete -c {} -n {} -F\n", program.path, Quoted(condition, true));
    }
    for (const FlagDescription* flag : DistinctFlags(level)) {
      out += FishFlag(program.path, condition, *flag);
    }
  }
  return out;
}

}  // namespace

std::string CompletionScript(const std::string& shell, const CommandDescription& program) {
  if (shell == "bash") return Bash(program);
  if (shell == "zsh") return Zsh(program);
  if (shell == "fish") return Fish(program);
  return "";
}

}  // namespace souvenir::cli
