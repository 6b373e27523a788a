#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"

namespace souvenir::cli {

// The exit status of the process. Scripts depend on the numbers, so a number never changes its
// meaning.
enum class ExitCode : int {
  kOk = 0,
  kFailed = 1,       // the server refused, or a target or a recording has an error
  kUsage = 2,        // the command line is wrong; no call was made
  kUnreachable = 3,  // no server could be reached
  kDeadline = 4,     // no answer within --timeout
};

// The result of a command, with the text for standard error if it failed. The message and each hint
// are printed as one line. They may have words of a server or of a person, and so are escaped where
// they are printed, line feeds included. Otherwise a server could add lines that look like ours.
struct Outcome {
  ExitCode code = ExitCode::kOk;
  std::string message;
  std::vector<std::string> hints;  // the lines below the message

  bool ok() const { return code == ExitCode::kOk; }
  static Outcome Usage(std::string message, std::vector<std::string> hints = {}) {
    return {ExitCode::kUsage, std::move(message), std::move(hints)};
  }
};

// Returns the outcome of a call that the server answered with `status`. Every error is kFailed,
// because the server was reached: an UNAVAILABLE (compute is away) and a DEADLINE_EXCEEDED (a model
// reached a limit of its own) included.
Outcome OutcomeOf(const absl::Status& status);

// Returns the footer of --help: the exit status, and what signals do.
std::string_view ExitCodeHelp();

}  // namespace souvenir::cli
