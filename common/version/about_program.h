#pragma once

#include <optional>
#include <string_view>

namespace souvenir {

// Answers --version and --help of a program that has no other flags, on standard output. Returns
// the exit status, or nullopt if the arguments are not one of these alone. `usage` is the text of
// --help: what the program does, and its arguments.
std::optional<int> AnswerAboutProgram(int argc, char** argv, std::string_view program,
                                      std::string_view usage);

}  // namespace souvenir
