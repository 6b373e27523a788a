#pragma once

#include <memory>
#include <optional>

#include "common/clock.h"
#include "common/gate.h"
#include "common/mutex.h"
#include "gateway/upstream/balancer.h"
#include "gateway/upstream/upstream.h"

namespace souvenir::gateway {

// One Infer() of an EndpointSet. The balancer chooses the endpoint. If the call is lost, it is made
// once more, which is safe because models are deterministic: at another endpoint that answers and
// has or loads the model, or else at the same one. If the endpoint had no room for the call, only
// another endpoint is tried.
//
// Keeps itself alive until it has been answered.
class BalancedCall final : public Upstream::Call,
                           public std::enable_shared_from_this<BalancedCall> {
 public:
  using Done = Upstream::InferenceDone;

  // The objects of the owner that the call uses. They outlive it.
  struct Owner {
    const Clock* clock;
    Balancer* balancer;
    // Called when an endpoint was ejected; on any thread, must not block.
    const std::function<void()>* on_ejected;
  };

  // `pass` is kept until `done` has returned.
  BalancedCall(const Owner& owner, Gate::Pass pass, std::shared_ptr<const Inference> inference,
               absl::Duration timeout, Done done);

  void Start();
  void Cancel() override;

 private:
  void Try(const Endpoint* endpoint);
  void OnDone(const Endpoint* endpoint, int attempt, absl::StatusOr<InferenceAnswer> answer);
  // Returns the endpoint for a second attempt after `status` at `endpoint`, or nullptr for none.
  const Endpoint* Again(const Endpoint* endpoint, const absl::Status& status);
  void Finish(absl::StatusOr<InferenceAnswer> answer);
  Balancer::Wanted wanted() const;

  const Owner owner_;
  std::optional<Gate::Pass> pass_;
  const std::shared_ptr<const Inference> inference_;
  const absl::Duration deadline_;  // for both attempts together, by Clock::Monotonic()
  Done done_;
  int attempts_ = 0;

  Mutex mutex_;
  int current_attempt_ ABSL_GUARDED_BY(mutex_) = 0;  // the attempt that current_ belongs to
  std::shared_ptr<Upstream::Call> current_ ABSL_GUARDED_BY(mutex_);
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace souvenir::gateway
