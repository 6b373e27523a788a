#pragma once

#include <fmt/format.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/flags/usage_config.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"

namespace souvenir::bench {

// Parses the flags of a benchmark's program. --help prints `usage` and the flags that the program's
// own sources define. (Abseil looks for them only in a file with the program's name.) Exits with 1
// if an argument is not a flag.
inline void ParseCommandLine(int argc, char** argv, absl::string_view usage) {
  absl::SetProgramUsageMessage(usage);
  const auto is_ours = [](absl::string_view file) {
    return absl::StrContains(file, "tests/bench/");
  };
  absl::FlagsUsageConfig config;
  config.contains_helpshort_flags = is_ours;
  config.contains_help_flags = is_ours;
  config.contains_helppackage_flags = is_ours;
  absl::SetFlagsUsageConfig(config);
  const std::vector<char*> words = absl::ParseCommandLine(argc, argv);
  if (words.size() == 1) return;
  fmt::print(stderr, "{}: unknown argument '{}'; see --help\n", words[0], words[1]);
  std::exit(1);
}

}  // namespace souvenir::bench
