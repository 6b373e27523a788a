#include "cli/command_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "cli/command_tree.h"
#include "cli/exit_code.h"
#include "cli/printable.h"
#include "common/config/command_line.h"

namespace souvenir::cli {
namespace {

// Prints the error of a command. Words of a server are escaped too.
void Complain(const Outcome& outcome, Console& console) {
  console.err << "souvenir: " << PrintableLines(outcome.message, 0) << '\n';
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
      return static_cast<int>(ExitCode::kOk);
    }
    Complain(Outcome::Usage(fmt::format("{}\nTry {} --help.", ExplainParseError(tree.app, error),
                                        CommandInUse(tree.app))),
             console);
    return static_cast<int>(ExitCode::kUsage);
  }

  Outcome outcome = tree.command();
  console.out.flush();
  if (outcome.ok() && !console.out) {
    outcome = {ExitCode::kFailed, "cannot write to standard output"};
  }
  if (!outcome.ok()) Complain(outcome, console);
  return static_cast<int>(outcome.code);
}

}  // namespace souvenir::cli
