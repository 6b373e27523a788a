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

// How long after it was made `entry` is fresh, by the policy of now, whatever held when it was
// made. Infinite: it does not age. Zero: it is not to be remembered.
absl::Duration Lifetime(const cache::Entry& entry, const FreshnessPolicy& policy);

// By RFC 9111 and RFC 5861: what the caller asks for, and else what the model's policy says now. An
// entry that is dated in the future, because a clock was wrong, has no age that is known: where an
// age counts, it is too old.
Freshness Judge(const cache::Entry& entry, const CacheDirectives& directives,
                const FreshnessPolicy& policy, const Clock& clock);

// Whether `entry` may answer one who asks for nothing special, by what the catalog has of its
// model.
bool IsFresh(const cache::Entry& entry, const Catalog& catalog, const Clock& clock);

// Whether a fresh entry is to be computed again before its time, which spreads the refreshing of
// entries that were made together: sooner the longer it takes, and by chance (Vattani et al.,
// "Optimal probabilistic cache stampede prevention", VLDB 2015, with beta 1). `uniform` is from (0,
// 1].
bool IsDueEarly(const cache::Entry& entry, const FreshnessPolicy& policy, absl::Time now,
                double uniform);

}  // namespace souvenir::gateway
