#pragma once

#include <memory>
#include <optional>

#include "common/clock.h"
#include "common/gate.h"
#include "common/mutex.h"
#include "gateway/upstream/balancer.h"
#include "gateway/upstream/upstream.h"

namespace souvenir::gateway {

// One Infer() of an EndpointSet: made at the endpoint that the balancer chooses, and once more
// where that does not answer. Models are deterministic, so that a call that was lost may be made
// again; it goes to another endpoint if any other that answers has the model. A call that an
// endpoint had no room for is made again at another only.
//
// Keeps itself alive until it has been answered.
class BalancedCall final : public Upstream::Call,
                           public std::enable_shared_from_this<BalancedCall> {
 public:
  using Done = Upstream::InferenceDone;

  // What it belongs to, and outlives it.
  struct Owner {
    const Clock* clock;
    Balancer* balancer;
    // An endpoint was ejected; on any thread, must not block.
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
  // Where the call is to be made again after `status` at `endpoint`; nullptr: nowhere.
  const Endpoint* Again(const Endpoint* endpoint, const absl::Status& status);
  void Finish(absl::StatusOr<InferenceAnswer> answer);
  Balancer::Wanted wanted() const;

  const Owner owner_;
  std::optional<Gate::Pass> pass_;
  const std::shared_ptr<const Inference> inference_;
  const absl::Duration deadline_;  // of both attempts, by Clock::Monotonic()
  Done done_;
  int attempts_ = 0;

  Mutex mutex_;
  int current_attempt_ ABSL_GUARDED_BY(mutex_) = 0;  // that current_ is of
  std::shared_ptr<Upstream::Call> current_ ABSL_GUARDED_BY(mutex_);
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace souvenir::gateway
