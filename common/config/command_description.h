#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}  // namespace CLI

namespace souvenir {

// A flag, or a positional argument.
struct FlagDescription {
  std::vector<std::string> names;  // "-v", "--verbose"; "FILE" for an argument
  std::string value;               // "HOST:PORT"; "a|b" for one of a and b; empty: no value
  std::string description;         // a sentence without a full stop
  std::string fallback;            // default; empty: none to show
  std::string environment;         // environment variable that also sets it
  bool required = false;
  bool repeated = false;

  bool takes_file() const { return value == "FILE" || value == "DIR"; }
  // Returns a and b for the value "a|b"; empty if any value is allowed.
  std::vector<std::string> choices() const;
};

// A command with its own flags and arguments, and its subcommands. A command's flags also apply to
// its subcommands.
struct CommandDescription {
  std::string path;  // "souvenir cache clear"
  std::string description;
  // Sections with blank lines between them, each a title with a colon and indented lines.
  std::string footer;
  std::vector<FlagDescription> flags;
  std::vector<FlagDescription> arguments;
  std::vector<CommandDescription> commands;

  // Returns the last word of the path.
  std::string name() const { return path.substr(path.rfind(' ') + 1); }
};

// Returns the description of `app` from CLI11. It is the only source of help, completion and manual
// pages.
CommandDescription DescribeCommand(const CLI::App& app);

}  // namespace souvenir
