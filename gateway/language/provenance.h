#pragma once

#include <optional>
#include <string_view>

#include "absl/time/time.h"
#include "cache/fingerprint.h"
#include "cache/tier.h"
#include "gateway/resolve/resolve_call.h"

namespace souvenir::gateway {

// The origin of an answer. Holds views of the call that was answered.
struct Provenance {
  CacheKind kind;
  cache::Fingerprint key;
  std::string_view model;                      // the model that was asked
  std::string_view model_version;              // the version that answered; "" without an answer
  std::optional<absl::Duration> age;           // absent without an answer
  std::optional<absl::Duration> compute_time;  // absent without an answer
};

// Returns the origin of an answer. REQUIRES: the question is answered.
Provenance ProvenanceOf(const ResolveCall& call, size_t question, absl::Time now);

}  // namespace souvenir::gateway
