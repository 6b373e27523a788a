#pragma once

#include <string>
#include <vector>

#include "cli/console.h"
#include "cli/exit_code.h"
#include "cli/request_options.h"
#include "cli/settings.h"

namespace souvenir::cli {

struct TranscribeOptions {
  std::vector<std::string> files;  // at least one; "-": standard input
  std::string language;            // BCP-47; empty: a model that detects it
  std::string engine;              // empty: the gateway chooses
  std::string encoding;            // of raw samples, "s16le"; empty: files that describe themselves
  int rate = 0;                    // of raw samples, Hz
  int channels = 0;                // of raw samples; 0: one
  bool srt = false;
  bool webvtt = false;
  bool stream = false;  // send every recording piece by piece
  std::string output;   // file or directory; empty or "-": standard output
  bool yes = false;     // replace files that are there
  RequestOptions request;
  bool verbose = false;  // tell where each answer came from
  bool quiet = false;    // nothing but the text
};

// Prints the transcripts of recordings in the order given, each as soon as it and those before it
// are there, and that of a long recording or of standard input segment by segment; or writes them
// to a file as a whole, or each to a file of its own in a directory. A recording that fails does
// not end the others. With --json prints a document in a line for each. kFailed if a recording or a
// segment of one failed; nothing is then written to its file. If
// --timeout is not given, a recording may take a day.
Outcome Transcribe(const TranscribeOptions& options, const Settings& settings, Console& console);

}  // namespace souvenir::cli
