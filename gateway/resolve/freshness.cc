#include "gateway/resolve/freshness.h"

#include <cmath>

namespace souvenir::gateway {

Freshness Judge(const cache::Entry& entry, const CacheDirectives& directives,
                const FreshnessPolicy& policy, const Clock& clock) {
  const bool ages = entry.lifetime() != absl::InfiniteDuration();
  // Most entries are for ever, and then the clock is not read.
  if (!ages && directives.max_age == absl::InfiniteDuration()) return Freshness::kFresh;
  const absl::Time now = clock.Now();
  if (now - entry.created_at() > directives.max_age) return Freshness::kTooOld;
  if (!ages || now < entry.expires_at()) return Freshness::kFresh;
  if (entry.is_error()) return Freshness::kTooOld;
  const absl::Duration past = now - entry.expires_at();
  if (past < directives.stale_while_revalidate.value_or(policy.stale_while_revalidate)) {
    return Freshness::kStale;
  }
  if (past < directives.stale_if_error.value_or(policy.stale_if_error)) return Freshness::kIfError;
  return Freshness::kTooOld;
}

bool IsDueEarly(const cache::Entry& entry, absl::Time now, double uniform) {
  return entry.lifetime() != absl::InfiniteDuration() &&
         now - entry.cost() * std::log(uniform) >= entry.expires_at();
}

}  // namespace souvenir::gateway
