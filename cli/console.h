#pragma once

#include <istream>
#include <ostream>

#include "common/clock.h"

namespace souvenir::cli {

// The streams and the clock that a command uses. Tests replace them. Owned by main or a test, and
// must outlive the command. Not thread-safe.
struct Console {
  std::istream& in;
  std::ostream& out;  // results
  std::ostream& err;  // errors and hints
  bool in_is_terminal = false;
  bool out_is_terminal = false;
  // The descriptor of `in`, for a command that reads what comes as soon as it is there, and nothing
  // from `in` itself; -1 if there is none.
  int in_descriptor = -1;
  const Clock* clock = Clock::System();
};

}  // namespace souvenir::cli
