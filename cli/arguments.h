#pragma once

#include <set>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

// Kinds of arguments that several commands have. CLI11 alone would read some of them differently
// from what was typed.

namespace souvenir::cli {

// Adds an argument of words that stay as they are. CLI11 would cut "[a,b]" into two.
CLI::Option* AddWords(CLI::App* command, const std::string& name, std::vector<std::string>* words,
                      const std::string& description);

// Adds an option that may be given again, and whose argument is one value or several with commas
// between them. An empty one, as in "a,,b", is a parse error. CLI11 would leave it out, and then
// take the next word of the command line for a value.
CLI::Option* AddList(CLI::App* command, const std::string& name, std::vector<std::string>* values,
                     const std::string& description);

// Returns why `text` cannot be sent as a text, which must be UTF-8, or an empty text if it can.
std::string WrongText(const std::string& text);

// Makes every option and argument of `app`, and of all commands below it, refuse a value that is
// not UTF-8. Protobuf would send such a text, and the server would refuse the message without a
// reason. Names of files, and the values of `bytes`, may be any bytes. Call it when all have been
// added.
void RequireUtf8(CLI::App* app, const std::set<const CLI::Option*>& bytes);

}  // namespace souvenir::cli
