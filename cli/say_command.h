#pragma once

#include <string>
#include <vector>

#include "cli/console.h"
#include "cli/exit_code.h"
#include "cli/request_options.h"
#include "cli/settings.h"

namespace souvenir::cli {

struct SayOptions {
  std::vector<std::string> text;  // words; none, or "-" alone: standard input
  std::string language;           // BCP-47; may be empty if `voice` is given
  std::string voice;              // empty: the first one for the language
  std::string engine;             // empty: the gateway chooses
  double rate = 0;                // factor of the voice's own speed; 0: 1
  double pitch = 0;               // semitones
  std::string format;             // "wav", "flac", "ogg" or "raw"; empty: that of the file's name
  std::string output;             // file; empty or "-": standard output
  bool yes = false;               // replace a file that is there
  RequestOptions request;
  bool verbose = false;  // tell where each sentence came from
  bool quiet = false;    // nothing but the audio
};

// Writes the speech to a file as a whole or not at all, or to standard output if that is no
// terminal; raw samples go out sentence by sentence. A summary goes to standard output, or
// to standard error if the audio goes there. With --json prints one SynthesizeResponse, which has
// the audio only if no file is named. If --timeout is not given, a text may take a day.
Outcome Say(const SayOptions& options, const Settings& settings, Console& console);

}  // namespace souvenir::cli
