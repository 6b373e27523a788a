#pragma once

#include "cache/entry.h"
#include "common/clock.h"
#include "gateway/catalog/catalog.h"
#include "gateway/resolve/directives.h"

namespace souvenir::gateway {

// Whether an entry may answer a caller.
enum class Freshness {
  kFresh,    // yes
  kStale,    // yes, while it is computed again in the background (stale-while-revalidate)
  kIfError,  // only where computing it again fails (stale-if-error)
  kTooOld,   // no
};

// By RFC 9111 and RFC 5861: what the caller asks for, and where he says nothing, what the model's
// policy says.
Freshness Judge(const cache::Entry& entry, const CacheDirectives& directives,
                const FreshnessPolicy& policy, const Clock& clock);

// Whether a fresh entry is to be computed again before its time, which spreads the refreshing of
// entries that were made together: sooner the longer it takes, and by chance (Vattani et al.,
// "Optimal probabilistic cache stampede prevention", VLDB 2015, with beta 1). `uniform` is from (0,
// 1].
bool IsDueEarly(const cache::Entry& entry, absl::Time now, double uniform);

}  // namespace souvenir::gateway
