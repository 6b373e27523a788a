#include "common/config/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "common/nearest.h"

namespace souvenir {
namespace {

// Returns the parsed command and its parents, from `app` down.
std::vector<const CLI::App*> CommandsInUse(const CLI::App& app) {
  std::vector<const CLI::App*> commands = {&app};
  for (;;) {
    const auto parsed = commands.back()->get_subcommands();
    if (parsed.empty() || parsed.back()->get_name().empty()) return commands;
    commands.push_back(parsed.back());
  }
}

std::vector<const CLI::App*> SubcommandsOf(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App* each) { return !each->get_name().empty(); });
}

// Appends the names of all flags of `app`. Flags of nameless groups belong to the command.
void AppendFlags(const CLI::App& app, std::vector<std::string>* flags) {
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) flags->push_back("--" + name);
    for (const std::string& name : option->get_snames()) flags->push_back("-" + name);
  }
  for (const CLI::App* each : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (each->get_name().empty()) AppendFlags(*each, flags);
  }
}

bool TakesWords(const CLI::App& app) {
  const auto options = app.get_options();
  return std::any_of(options.begin(), options.end(),
                     [](const CLI::Option* option) { return option->get_positional(); });
}

// Appends the paths of `app` and of all commands below it.
void AppendPaths(const CLI::App& app, const std::string& path,
                 std::vector<std::pair<std::string, const CLI::App*>>* paths) {
  paths->emplace_back(path, &app);
  for (const CLI::App* each : SubcommandsOf(app)) {
    AppendPaths(*each, path + " " + each->get_name(), paths);
  }
}

std::vector<std::string> NamesOf(const std::vector<const CLI::App*>& commands) {
  std::vector<std::string> names;
  for (const CLI::App* each : commands) names.push_back(each->get_name());
  return names;
}

std::string UnknownFlag(const CLI::App& app, const std::string& argument) {
  const std::string flag = argument.substr(0, argument.find('='));
  const auto in_use = CommandsInUse(app);
  std::vector<std::string> flags;
  for (const CLI::App* each : in_use) AppendFlags(*each, &flags);
  if (const std::string nearest = Nearest(flag, flags); !nearest.empty()) {
    return fmt::format("unknown flag '{}' (did you mean {}?)", flag, nearest);
  }
  std::vector<std::pair<std::string, const CLI::App*>> paths;
  AppendPaths(app, app.get_name(), &paths);
  for (const auto& [path, command] : paths) {
    flags.clear();
    AppendFlags(*command, &flags);
    if (std::find(flags.begin(), flags.end(), flag) != flags.end()) {
      return fmt::format("`{}` has no flag {}; `{}` has", CommandInUse(app), flag, path);
    }
  }
  return fmt::format(
      "unknown flag '{}'{}", flag,
      TakesWords(*in_use.back()) ? "; a text that begins with a dash goes behind --" : "");
}

std::string UnknownWord(const CLI::App& app, const std::string& word) {
  const auto subcommands = SubcommandsOf(*CommandsInUse(app).back());
  if (subcommands.empty()) {
    return fmt::format("`{}` takes no argument '{}'", CommandInUse(app), word);
  }
  const std::vector<std::string> names = NamesOf(subcommands);
  if (const std::string nearest = Nearest(word, names); !nearest.empty()) {
    return fmt::format("unknown command '{}' (did you mean `{} {}`?)", word, CommandInUse(app),
                       nearest);
  }
  // The word may be a subcommand without its command.
  std::vector<std::pair<std::string, const CLI::App*>> paths;
  AppendPaths(app, app.get_name(), &paths);
  for (const auto& [path, command] : paths) {
    if (command->get_name() == word && command != &app) {
      return fmt::format("unknown command '{}' (did you mean `{}`?)", word, path);
    }
  }
  return fmt::format("unknown command '{}'; there are {}", word, fmt::join(names, ", "));
}

}  // namespace

std::vector<std::string> ReversedArguments(std::vector<std::string> arguments) {
  std::vector<std::string> out;
  bool flags = true;
  for (std::string& argument : arguments) {
    flags = flags && argument != "--";
    if (flags && argument.starts_with("--") && argument.ends_with('=')) {
      argument.pop_back();
      out.push_back(std::move(argument));
      out.emplace_back();
    } else {
      out.push_back(std::move(argument));
    }
  }
  std::reverse(out.begin(), out.end());
  return out;
}

std::vector<std::string> ReversedArguments(int argc, const char* const* argv) {
  return ReversedArguments(std::vector<std::string>(argv + std::min(argc, 1), argv + argc));
}

std::string CommandInUse(const CLI::App& app) {
  std::string path;
  for (const CLI::App* each : CommandsInUse(app)) {
    path += (path.empty() ? "" : " ") + each->get_name();
  }
  return path;
}

std::string ExplainParseError(const CLI::App& app, const CLI::ParseError& error) {
  // CLI11 reports missing arguments first, even if there are unknown ones.
  for (const std::string& extra : app.remaining(/*recurse=*/true)) {
    if (extra == "--") continue;
    const bool is_flag = extra.size() > 1 && extra.front() == '-';
    return is_flag ? UnknownFlag(app, extra) : UnknownWord(app, extra);
  }
  const CLI::App& command = *CommandsInUse(app).back();
  const auto subcommands = SubcommandsOf(command);
  if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr && !subcommands.empty() &&
      command.get_subcommands().empty()) {
    return fmt::format("`{}` needs a command: {}", CommandInUse(app),
                       fmt::join(NamesOf(subcommands), ", "));
  }
  return error.what();
}

}  // namespace souvenir
