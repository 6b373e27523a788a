#pragma once

#include <fstream>
#include <iterator>
#include <string>

#include "tests/fakes/temporary_directory.h"
#include "tests/unit/cli/command_line_fixture.h"

namespace souvenir::cli {

// Runs the commands about speech, with files in a directory of the test.
class SpeechTest : public CommandLineTest {
 protected:
  std::string Path(const std::string& name) const { return directory_.path() + "/" + name; }

  // Returns the path of the new file.
  std::string WriteFile(const std::string& name, const std::string& content) const {
    std::ofstream(Path(name), std::ios::binary) << content;
    return Path(name);
  }

  // Returns the content of a file, or "(none)".
  std::string ReadFile(const std::string& name) const {
    std::ifstream in(Path(name), std::ios::binary);
    if (!in) return "(none)";
    return {std::istreambuf_iterator<char>(in), {}};
  }

  const TemporaryDirectory directory_;
};

}  // namespace souvenir::cli
