#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

// What all command lines of ours have in common beyond CLI11.

namespace souvenir {

// `argv` without the program's name, last first, as CLI::App::parse takes them. An empty value
// (--name=) becomes an argument of its own, because CLI11 would take the next flag for the value.
std::vector<std::string> ReversedArguments(int argc, const char* const* argv);
std::vector<std::string> ReversedArguments(std::vector<std::string> arguments);

// What is wrong with a command line after `app.parse()` has thrown `error`: the word that is not
// known, and the nearest command or flag; else what `error` says. Without a full stop.
std::string ExplainParseError(const CLI::App& app, const CLI::ParseError& error);

// "souvenir cache clear": the command that was being read, for a hint to its --help.
std::string CommandInUse(const CLI::App& app);

}  // namespace souvenir
