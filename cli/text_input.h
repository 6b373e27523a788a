#pragma once

#include <string>
#include <variant>
#include <vector>

#include "cli/console.h"
#include "cli/exit_code.h"

namespace souvenir::cli {

// Returns the words with blanks between them, as a shell's echo does. Without words, or for "-"
// alone, returns all of standard input without its last line feed. kFailed if it cannot be read,
// kUsage if it is not UTF-8. The words are UTF-8 already (see arguments.h).
std::variant<std::string, Outcome> ReadText(const std::vector<std::string>& words,
                                            Console& console);

}  // namespace souvenir::cli
