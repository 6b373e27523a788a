#include "cli/command_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "cli/command_tree.h"
#include "cli/complain.h"
#include "cli/exit_code.h"
#include "common/config/command_line.h"

namespace souvenir::cli {
namespace {

// Writes out what `outcome` printed. An output that is lost makes a success a failure.
Outcome Flushed(Outcome outcome, Console& console) {
  console.out.flush();
  if (!outcome.ok() || console.out) return outcome;
  return {ExitCode::kFailed, "cannot write to standard output"};
}

// Prints the error of `outcome`, if there is one, and returns the exit status.
int End(const Outcome& outcome, Console& console) {
  if (!outcome.ok()) Complain(outcome, console);
  return static_cast<int>(outcome.code);
}

// Makes a typed --server win over SOUVENIR_ADMIN, which may be the admin port of another gateway.
void PreferTyped(CommandTree* tree) {
  const std::vector<CLI::Option*>& typed = tree->app.parse_order();
  const auto is_typed = [&](const char* name) {
    return std::find(typed.begin(), typed.end(), tree->app.get_option(name)) != typed.end();
  };
  if (is_typed("--server") && !is_typed("--admin")) tree->settings.admin.clear();
}

}  // namespace

int RunCommandLine(const std::vector<std::string>& arguments, const std::string& version,
                   Console& console) {
  CommandTree tree(version, &console);
  try {
    tree.app.parse(ReversedArguments(arguments));
    PreferTyped(&tree);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {  // --help or --version
      tree.app.exit(error, console.out, console.err);
      return End(Flushed({}, console), console);
    }
    return End(Outcome::Usage(ExplainParseError(tree.app, error),
                              {fmt::format("Try {} --help.", CommandInUse(tree.app))}),
               console);
  }
  return End(Flushed(tree.command(), console), console);
}

}  // namespace souvenir::cli
