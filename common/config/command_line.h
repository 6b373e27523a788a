#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

// Functions that all our command lines need beyond CLI11.

namespace souvenir {

// Return the arguments without the program's name, in reverse order, as CLI::App::parse() takes
// them. An empty value (--name=) becomes an argument of its own, because CLI11 would take the next
// flag as the value.
std::vector<std::string> ReversedArguments(int argc, const char* const* argv);
std::vector<std::string> ReversedArguments(std::vector<std::string> arguments);

// Explains why `app.parse()` has thrown `error`: names the unknown word and the nearest command or
// flag; otherwise returns the message of `error`. Without a full stop.
std::string ExplainParseError(const CLI::App& app, const CLI::ParseError& error);

// Returns the command that was being parsed, "souvenir cache clear", for a hint at its --help.
std::string CommandInUse(const CLI::App& app);

}  // namespace souvenir
