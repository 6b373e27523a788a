#pragma once

#include "cache/entry.h"
#include "common/clock.h"
#include "gateway/catalog/catalog.h"
#include "gateway/resolve/directives.h"

namespace souvenir::gateway {

// The use that may be made of an entry.
enum class Freshness {
  kFresh,    // answers the caller
  kStale,    // answers the caller, and is computed again (stale-while-revalidate)
  kIfError,  // answers the caller only if computing it again fails (stale-if-error)
  kTooOld,   // does not answer the caller
};

// Returns how long `entry` is fresh after it was made, by the present policy, whatever the policy
// was at that time. Infinite: it never expires. Zero: it must not be cached.
absl::Duration Lifetime(const cache::Entry& entry, const FreshnessPolicy& policy);

// Judges an entry by RFC 9111 and RFC 5861, from the caller's directives and the model's present
// policy. The caller's stale-while-revalidate and stale-if-error override those of the policy. An
// entry dated in the future, because a clock was wrong, has no known age: it is too old if it can
// expire or the caller sets max-age.
Freshness Judge(const cache::Entry& entry, const CacheDirectives& directives,
                const FreshnessPolicy& policy, const Clock& clock);

// Returns true if `entry` is fresh for a caller without directives, by the catalog's policy for its
// model.
bool IsFresh(const cache::Entry& entry, const Catalog& catalog, const Clock& clock);

// Returns true if a fresh entry is to be computed again before it expires. This spreads the
// recomputation of entries that were made together: the choice is random, and entries that take
// longer to compute come earlier (Vattani et al., "Optimal probabilistic cache stampede
// prevention", VLDB 2015, with beta 1). `uniform` is a random number from (0, 1].
bool IsDueEarly(const cache::Entry& entry, const FreshnessPolicy& policy, absl::Time now,
                double uniform);

}  // namespace souvenir::gateway
