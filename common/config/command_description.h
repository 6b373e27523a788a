#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}  // namespace CLI

namespace souvenir {

// A flag, or an argument that stands by itself.
struct FlagDescription {
  std::vector<std::string> names;  // "-v", "--verbose"; of an argument: one, "FILE"
  std::string value;        // "HOST:PORT"; "bash|zsh|fish" for one of these; empty: it takes none
  std::string description;  // a sentence without a full stop
  std::string fallback;     // its default; empty: none that is told
  std::string environment;  // the variable that sets it, too
  bool required = false;
  bool repeated = false;

  bool takes_file() const { return value == "FILE" || value == "DIR"; }
  // Of "a|b": a and b; empty where it may be anything.
  std::vector<std::string> choices() const;
};

// A command with its own flags and arguments, and the commands below it. Flags of a command are
// those of the commands below it, too.
struct CommandDescription {
  std::string path;  // "souvenir cache clear"
  std::string description;
  std::string footer;
  std::vector<FlagDescription> flags;
  std::vector<FlagDescription> arguments;
  std::vector<CommandDescription> commands;

  // The last word of the path.
  std::string name() const { return path.substr(path.rfind(' ') + 1); }
};

// What CLI11 has been told about `app`: the one source of help, completion and manual pages.
CommandDescription DescribeCommand(const CLI::App& app);

}  // namespace souvenir
