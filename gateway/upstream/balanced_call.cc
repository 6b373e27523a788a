#include "gateway/upstream/balanced_call.h"

#include <algorithm>
#include <utility>

namespace souvenir::gateway {
namespace {

// The first attempt and one retry.
constexpr int kMostAttempts = 2;

}  // namespace

BalancedCall::BalancedCall(const Owner& owner, Gate::Pass pass,
                           std::shared_ptr<const Inference> inference, absl::Duration timeout,
                           Done done)
    : owner_(owner),
      pass_(std::move(pass)),
      inference_(std::move(inference)),
      deadline_(owner.clock->Monotonic() + timeout),
      done_(std::move(done)) {}

Balancer::Wanted BalancedCall::wanted() const {
  return {.model = inference_->model,
          .version = inference_->known_version,
          .digest = inference_->known_digest,
          .any_version = inference_->version.empty()};
}

void BalancedCall::Start() {
  const Endpoint* const endpoint = owner_.balancer->Begin(wanted());
  if (endpoint == nullptr) {
    return Finish(absl::UnavailableError("no address of compute is known yet"));
  }
  Try(endpoint);
}

void BalancedCall::Try(const Endpoint* endpoint) {
  const int attempt = ++attempts_;
  const std::shared_ptr<Upstream::Call> call = endpoint->upstream->Infer(
      inference_, deadline_ - owner_.clock->Monotonic(),
      [self = shared_from_this(), endpoint, attempt](absl::StatusOr<InferenceAnswer> answer) {
        self->OnDone(endpoint, attempt, std::move(answer));
      });
  {
    // The call may have ended before Infer() returned, and the next one may have begun.
    MutexLock lock(&mutex_);
    if (current_attempt_ >= attempt) return;
    current_attempt_ = attempt;
    current_ = call;
    if (!cancelled_) return;
  }
  call->Cancel();
}

void BalancedCall::OnDone(const Endpoint* endpoint, int attempt,
                          absl::StatusOr<InferenceAnswer> answer) {
  const absl::Status status = answer.status();
  std::shared_ptr<Upstream::Call> ended;  // released outside the lock
  {
    MutexLock lock(&mutex_);
    if (current_attempt_ <= attempt) {
      current_attempt_ = attempt;
      ended = std::move(current_);
    }
  }
  const Endpoint* again = status.ok() ? nullptr : Again(endpoint, status);
  // The endpoint may be gone after End().
  if (owner_.balancer->End(endpoint, status)) (*owner_.on_ejected)();
  if (again != nullptr) return Try(again);
  // An endpoint that answers tells by itself what has become of the call.
  if (absl::IsUnavailable(status) && !HasRowFault(status, RowFault::kLostAtServer)) {
    if (std::optional<absl::Status> none_healthy = owner_.balancer->NoneHealthy()) {
      return Finish(*std::move(none_healthy));
    }
  }
  Finish(std::move(answer));
}

const Endpoint* BalancedCall::Again(const Endpoint* endpoint, const absl::Status& status) {
  const bool lost = absl::IsUnavailable(status);
  if ((!lost && !absl::IsResourceExhausted(status)) || attempts_ == kMostAttempts) return nullptr;
  // One row may have killed the worker or the server, and would kill the next one. The caller asks
  // for the rows one by one.
  if (inference_->rows > 1 && HasRowFault(status)) return nullptr;
  if (HasRowFault(status, RowFault::kTooLargeAnswer)) return nullptr;  // too large everywhere
  if (deadline_ <= owner_.clock->Monotonic()) return nullptr;
  {
    MutexLock lock(&mutex_);
    if (cancelled_) return nullptr;
  }
  const Endpoint* again = owner_.balancer->BeginElsewhere(wanted(), endpoint);
  if (again == nullptr && lost) again = owner_.balancer->BeginAt(endpoint);
  if (again != nullptr) owner_.balancer->CountRetry(endpoint);
  return again;
}

void BalancedCall::Finish(absl::StatusOr<InferenceAnswer> answer) {
  // Released here, because whoever may cancel the call can keep this object longer than its owner
  // lives.
  const std::optional<Gate::Pass> pass = std::exchange(pass_, std::nullopt);
  Done done = std::move(done_);
  std::move(done)(std::move(answer));
}

void BalancedCall::Cancel() {
  std::shared_ptr<Upstream::Call> call;
  {
    MutexLock lock(&mutex_);
    cancelled_ = true;
    call = current_;
  }
  if (call != nullptr) call->Cancel();
}

}  // namespace souvenir::gateway
