#pragma once

#include <string>

#include "common/souvenir_names.h"
#include "souvenir/state/v1/catalog.pb.h"

namespace souvenir::gateway {

// What tells one model's answers from another's: what the server says of it, or, for a server that
// says nothing, a hash over whatever of the model's metadata could. Hex.
std::string DigestOf(const souvenir::state::v1::KnownModel& known);

// Whether it can be asked.
inline bool IsReady(const souvenir::state::v1::KnownModel& known) {
  return known.state() == "READY";
}

// Returns true if somebody unloaded it: it is not to be served until it is loaded again.
inline bool IsUnloaded(const souvenir::state::v1::KnownModel& known) {
  return !IsReady(known) && known.reason() == kUnloadedReason;
}

}  // namespace souvenir::gateway
