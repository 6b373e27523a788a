#pragma once

#include <string>

#include "souvenir/state/v1/catalog.pb.h"

namespace souvenir::gateway {

// What tells one model's answers from another's: what the server says of it, or, for a server that
// says nothing, a hash over whatever of the model's metadata could. Hex.
std::string DigestOf(const souvenir::state::v1::KnownModel& known);

// Whether it can be asked.
inline bool IsReady(const souvenir::state::v1::KnownModel& known) {
  return known.state() == "READY";
}

}  // namespace souvenir::gateway
