#pragma once

#include <string>

#include "common/souvenir_names.h"
#include "souvenir/state/v1/catalog.pb.h"

namespace souvenir::gateway {

// Returns the digest of a model in hex, which changes if its answers may change: the one that the
// server reports or, if it reports none, a hash of the relevant metadata.
std::string DigestOf(const souvenir::state::v1::KnownModel& known);

// Returns true if the server reports a digest of the model.
inline bool TellsDigest(const souvenir::state::v1::KnownModel& known) {
  return known.metadata().properties().contains(kDigestName);
}

// Returns true if the model can be called.
inline bool IsReady(const souvenir::state::v1::KnownModel& known) {
  return known.state() == "READY";
}

// Returns true if somebody unloaded the model. It must not be served until it is loaded again.
inline bool IsUnloaded(const souvenir::state::v1::KnownModel& known) {
  return !IsReady(known) && known.reason() == kUnloadedReason;
}

}  // namespace souvenir::gateway
