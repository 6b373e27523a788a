#pragma once

#include <istream>
#include <ostream>

#include "common/clock.h"

namespace souvenir::cli {

// All that a command touches of the world around it but the network, so that a test can stand in
// for it. Owned by main or a test; outlives the command. Not thread-safe.
struct Console {
  std::istream& in;
  std::ostream& out;  // results
  std::ostream& err;  // why there are none, and hints
  bool in_is_terminal = false;
  bool out_is_terminal = false;
  const Clock* clock = Clock::System();
};

}  // namespace souvenir::cli
