// The command-line client.

#include <grpc/support/log.h>
#include <unistd.h>

#include <iostream>
#include <string>
#include <vector>

#include "cli/command_line.h"
#include "cli/console.h"
#include "common/version/version.h"

int main(int argc, char** argv) {
  // The client has messages of its own about connections that cannot be made.
  gpr_set_log_function([](gpr_log_func_args*) {});
  std::ios::sync_with_stdio(false);
  souvenir::cli::Console console{
      .in = std::cin,
      .out = std::cout,
      .err = std::cerr,
      .in_is_terminal = isatty(STDIN_FILENO) == 1,
      .out_is_terminal = isatty(STDOUT_FILENO) == 1,
      .in_descriptor = STDIN_FILENO,
  };
  return souvenir::cli::RunCommandLine(std::vector<std::string>(argv + 1, argv + argc),
                                       souvenir::VersionText(), console);
}
