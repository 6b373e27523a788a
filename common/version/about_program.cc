#include "common/version/about_program.h"

#include <cstdio>
#include <string>

#include "common/version/version.h"

namespace souvenir {

std::optional<int> AnswerAboutProgram(int argc, char** argv, std::string_view program,
                                      std::string_view usage) {
  if (argc != 2) return std::nullopt;
  const std::string_view flag = argv[1];
  std::string text;
  if (flag == "--version") {
    text = std::string(program) + " " + VersionText() + "\n";
  } else if (flag == "--help") {
    text = std::string(usage) +
           "\n\n"
           "  --version  Print the version and exit\n"
           "  --help     Print this text and exit\n";
  } else {
    return std::nullopt;
  }
  const bool written = std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
  return written ? 0 : 1;
}

}  // namespace souvenir
