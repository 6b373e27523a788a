#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "gateway/resolve/lanes.h"
#include "gateway/resolve/resolve_scope.h"
#include "gateway/resolve/resolver.h"

namespace souvenir::gateway {

// The caller of a request for speech, as the use cases of the request share it: its options, its
// place in a lane, and the calls that are under way for it.
//
// Owned by the handler of the request, declared before its use cases, so that it is destroyed after
// them. Thread-safe once Enter() has returned OK.
class SpeechCaller {
 public:
  SpeechCaller(Resolver* resolver, Lane lane)
      : lane_(lane), resolver_(resolver), lanes_(resolver->lanes()), scope_(resolver) {}

  // Sets the options of all calls. They get the lane, and belong to one trace. Called once, before
  // anything else.
  void SetOptions(ResolveOptions options, std::string_view tenant) {
    options_ = std::move(options);
    options_.lane = lane_;
    options_.trace.Begin();
    tenant_ = tenant;
  }
  const ResolveOptions& options() const { return options_; }

  // Returns a target for the caller's tenant.
  TargetPtr Ask(const TargetPtr& target) const {
    return tenant_.empty() ? target : target->ForTenant(tenant_);
  }
  const std::string& tenant() const { return tenant_; }

  // Enters the lane with a request that holds `bytes`; or, if it is inside, holds as many more.
  // RESOURCE_EXHAUSTED if the lane is full.
  absl::Status Enter(uint64_t bytes) {
    if (in_lane_) return in_lane_->Hold(bytes);
    absl::StatusOr<Lanes::Request> entered = lanes_->Enter(lane_, bytes);
    if (!entered.ok()) return entered.status();
    in_lane_.emplace(*std::move(entered));
    return absl::OkStatus();
  }

  // See Lanes::Request. REQUIRES: Enter() has returned OK.
  absl::Status Hold(uint64_t bytes) { return in_lane_->Hold(bytes); }
  void Drop(uint64_t bytes) { in_lane_->Drop(bytes); }

  // Ends all that is under way with `reason`, because the caller has gone. At any time.
  void Cancel(const absl::Status& reason) { scope_.Cancel(reason); }

  ResolveScope* scope() { return &scope_; }

  // For calls that may end before the caller goes, which have a scope of their own.
  Resolver* resolver() const { return resolver_; }

  // Returns the number of rows that wait to be computed in the lane, of all callers.
  uint64_t rows_in_lane() const { return lanes_->waiting(lane_); }

 private:
  const Lane lane_;
  Resolver* const resolver_;
  Lanes* const lanes_;
  ResolveOptions options_;
  std::string tenant_;
  std::optional<Lanes::Request> in_lane_;
  ResolveScope scope_;
};

}  // namespace souvenir::gateway
