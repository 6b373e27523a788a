#pragma once

#include <map>
#include <string>
#include <vector>

#include "cli/console.h"
#include "cli/exit_code.h"
#include "cli/request_options.h"
#include "cli/settings.h"

namespace souvenir::cli {

struct SpeechOptions {
  std::string file;                  // "-": standard input
  std::string source;                // BCP-47
  std::vector<std::string> targets;  // BCP-47; at least one
  std::vector<std::string> voices;   // LANGUAGE=NAME
  std::string format = "wav";        // or "raw"
  std::string output = ".";          // directory, which is made if it is not there
  bool yes = false;                  // replace files that are there
  RequestOptions request;
  bool quiet = false;
};

// Translates a recording from speech to speech. Prints each segment with its translations, and
// writes a file for each language, `output`/NAME.LANGUAGE.wav, as a whole or not at all. With
// --json prints the events, one in a line, without their audio. kFailed if a step of a segment
// failed: the files have the others. If --timeout is not given, a recording may take a day.
Outcome Speech(const SpeechOptions& options, const Settings& settings, Console& console);

}  // namespace souvenir::cli
