#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace souvenir::cli {

// What the process answers to its caller. Scripts depend on these numbers: a number is never given
// another meaning.
enum class ExitCode : int {
  kOk = 0,
  kFailed = 1,       // the server said no, or a target has an error
  kUsage = 2,        // the command line is at fault; nothing was asked
  kUnreachable = 3,  // no server there
  kDeadline = 4,     // no answer within --timeout
};

// What became of a command, with the line for standard error where it failed.
struct Outcome {
  ExitCode code = ExitCode::kOk;
  std::string message;  // may come from a server: escaped where it is printed

  bool ok() const { return code == ExitCode::kOk; }
  static Outcome Usage(std::string message) { return {ExitCode::kUsage, std::move(message)}; }
};

// Returns the outcome of a call that the server answered with `status`. Every error is kFailed,
// because the server was reached: an UNAVAILABLE (compute is away) and a DEADLINE_EXCEEDED (a model
// reached a limit of its own) included.
Outcome OutcomeOf(const absl::Status& status);

// The footer of --help.
std::string_view ExitCodeHelp();

}  // namespace souvenir::cli
