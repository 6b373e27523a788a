#include "cli/complain.h"

#include "cli/printable.h"

namespace souvenir::cli {

void Complain(const Outcome& outcome, Console& console) {
  console.err << "souvenir: " << Printable(outcome.message) << '\n';
  for (const std::string& hint : outcome.hints) console.err << Printable(hint) << '\n';
  console.err << std::flush;
}

}  // namespace souvenir::cli
