#include "gateway/resolve/freshness.h"

#include <cmath>

namespace souvenir::gateway {

absl::Duration Lifetime(const cache::Entry& entry, const FreshnessPolicy& policy) {
  return entry.is_error() ? policy.error_ttl : policy.ttl;
}

Freshness Judge(const cache::Entry& entry, const CacheDirectives& directives,
                const FreshnessPolicy& policy, const Clock& clock) {
  const absl::Duration lifetime = Lifetime(entry, policy);
  const bool ages = lifetime != absl::InfiniteDuration();
  // Most entries never expire; for these the clock is not read.
  if (!ages && directives.max_age == absl::InfiniteDuration()) return Freshness::kFresh;
  const absl::Duration age = clock.Now() - entry.created_at();
  if (age < absl::ZeroDuration() || age > directives.max_age) return Freshness::kTooOld;
  if (age < lifetime) return Freshness::kFresh;
  if (entry.is_error()) return Freshness::kTooOld;
  const absl::Duration past = age - lifetime;
  if (past < directives.stale_while_revalidate.value_or(policy.stale_while_revalidate)) {
    return Freshness::kStale;
  }
  if (past < directives.stale_if_error.value_or(policy.stale_if_error)) return Freshness::kIfError;
  return Freshness::kTooOld;
}

bool IsFresh(const cache::Entry& entry, const Catalog& catalog, const Clock& clock) {
  const FreshnessPolicy policy =
      catalog.FreshnessOf(entry.origin().model(), entry.origin().version());
  return Judge(entry, {}, policy, clock) == Freshness::kFresh;
}

bool IsDueEarly(const cache::Entry& entry, const FreshnessPolicy& policy, absl::Time now,
                double uniform) {
  const absl::Duration lifetime = Lifetime(entry, policy);
  return lifetime != absl::InfiniteDuration() &&
         now - entry.cost() * std::log(uniform) >= entry.created_at() + lifetime;
}

}  // namespace souvenir::gateway
