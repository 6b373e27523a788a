#include "common/config/command_description.h"

#include <CLI/CLI.hpp>

#include "absl/strings/str_split.h"

namespace souvenir {
namespace {

FlagDescription Describe(const CLI::Option& option) {
  FlagDescription flag;
  for (const std::string& name : option.get_snames()) flag.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) flag.names.push_back("--" + name);
  if (option.get_positional()) flag.names = {option.get_name(/*positional=*/true)};
  const bool takes_value = option.get_items_expected_max() > 0;
  if (takes_value && !option.get_positional() && option.get_type_name().empty()) {
    flag.value = "VALUE";
  } else if (takes_value) {
    flag.value = option.get_type_name();
  }
  flag.description = option.get_description();
  flag.fallback = option.get_default_str();
  flag.environment = option.get_envname();
  flag.required = option.get_required();
  flag.repeated = takes_value && option.get_expected_max() > 1;
  return flag;
}

// Adds the flags and arguments of `app` to `command`. Those of nameless groups belong to the
// command.
void Collect(const CLI::App& app, CommandDescription* command) {
  for (const CLI::Option* option : app.get_options()) {
    auto& list = option->get_positional() ? command->arguments : command->flags;
    list.push_back(Describe(*option));
  }
  for (const CLI::App* each : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (each->get_name().empty()) Collect(*each, command);
  }
}

CommandDescription Describe(const CLI::App& app, const std::string& path) {
  CommandDescription command;
  command.path = path;
  command.description = app.get_description();
  command.footer = app.get_footer();
  Collect(app, &command);
  for (const CLI::App* each : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (each->get_name().empty()) continue;
    command.commands.push_back(Describe(*each, path + " " + each->get_name()));
  }
  return command;
}

}  // namespace

std::vector<std::string> FlagDescription::choices() const {
  if (value.find('|') == std::string::npos) return {};
  return absl::StrSplit(value, '|');
}

CommandDescription DescribeCommand(const CLI::App& app) { return Describe(app, app.get_name()); }

}  // namespace souvenir
