#pragma once

#include <optional>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace souvenir::gateway {

// The directives of the request header `cache-control`, with the meaning that HTTP gives them (RFC
// 9111, 5.2.1, and RFC 5861).
struct CacheDirectives {
  bool no_cache = false;        // compute, and remember the answer
  bool no_store = false;        // compute, and do not remember the answer
  bool only_if_cached = false;  // do not compute: FAILED_PRECONDITION if there is no answer
  absl::Duration max_age = absl::InfiniteDuration();  // no answer older than this
  // The time after its lifetime for which an answer may be served while it is computed again, or if
  // computing it fails. If absent, the model's policy applies.
  std::optional<absl::Duration> stale_while_revalidate;
  std::optional<absl::Duration> stale_if_error;

  // Returns true if a cached answer must not be used.
  bool skip_lookup() const { return no_cache || no_store; }
};

// Reads directives separated by commas, in any case. INVALID_ARGUMENT names one that is unknown,
// malformed, given twice or contradicts another.
absl::StatusOr<CacheDirectives> ParseCacheControl(std::string_view header);

}  // namespace souvenir::gateway
