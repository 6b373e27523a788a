#include "cli/exit_code.h"

#include <fmt/format.h>

namespace souvenir::cli {

Outcome OutcomeOf(const absl::Status& status) {
  if (status.ok()) return {};
  const std::string message =
      fmt::format("{}: {}", absl::StatusCodeToString(status.code()),
                  std::string_view(status.message().data(), status.message().size()));
  return {ExitCode::kFailed, message};
}

std::string_view ExitCodeHelp() {
  return "Exit status:\n"
         "  0  all went well\n"
         "  1  something failed: the server refused, or a target or a recording has an error\n"
         "  2  the command line is wrong\n"
         "  3  no server could be reached\n"
         "  4  no answer within --timeout\n"
         "\n"
         "Signals:\n"
         "  SIGINT and SIGTERM end the client at once, with 128 and the number of the signal as\n"
         "  status in a shell. The server gives the call up. A command that was writing FILE "
         "leaves\n"
         "  FILE.part, and FILE as it was. `transcribe` goes on where it was when it is started\n"
         "  again; while it reads standard input, the first SIGINT ends the recording instead.\n";
}

}  // namespace souvenir::cli
