#include "gateway/tasks/resolving_runner.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>
#include <vector>

#include "common/status_macros.h"
#include "common/tensor/tensor_codec.h"
#include "gateway/resolve/resolve_scope.h"
#include "gateway/resolve/row_batch.h"
#include "gateway/tasks/step_codec.h"
#include "gateway/tasks/step_inputs.h"
#include "gateway/upstream/fair_queue.h"

namespace souvenir::gateway {
namespace {

// Behind every call of an interactive caller, at the gateway and in compute.
constexpr int64_t kLeastUrgent = FairQueue<int>::kLevels;

}  // namespace

// One attempt. Kept by itself from its start to its end, and by the scheduler.
class ResolvingRunner::Call final : public StepRunner::Attempt,
                                    public ResolveCall::Listener,
                                    public std::enable_shared_from_this<Call> {
 public:
  Call(const Options& options, const Parts& parts, const ClaimedStep& step, Done done)
      : options_(options),
        parts_(parts),
        step_(step),
        done_(std::move(done)),
        scope_(parts.resolver) {}

  void Start(Gate gate) {
    const absl::Status ready = Prepare(gate);
    if (!ready.ok()) return End(ready);
    scope_.Resolve({shared_from_this(), &call_});
  }

  void Cancel() override { scope_.Cancel(absl::CancelledError("the step was given up")); }

 private:
  absl::Status Prepare(Gate gate) {
    SOUVENIR_ASSIGN_OR_RETURN(const TaskStore::StepWork work, parts_.store->ReadWork(step_.ref));
    SOUVENIR_ASSIGN_OR_RETURN(StepSpec spec, DecodeStep(work.spec));
    retry_ = spec.retry;
    if (!gate(spec.model)) {
      return absl::UnavailableError(fmt::format("no server runs model '{}'", spec.model));
    }
    SOUVENIR_RETURN_IF_ERROR(ApplyOverride(work.override, &spec));
    SOUVENIR_RETURN_IF_ERROR(parts_.catalog->CheckKnown());
    SOUVENIR_ASSIGN_OR_RETURN(const CatalogModelPtr model,
                              parts_.catalog->snapshot()->Find(spec.model, spec.version));
    SOUVENIR_ASSIGN_OR_RETURN(
        inputs_, ReadInputs(*parts_.store, step_.ref, work.needs, options_.max_input_bytes, &spec));
    for (const Tensor& input : inputs_) views_.push_back(input.view());
    call_.options.lane = Lane::kTasks;
    call_.options.priority = kLeastUrgent;
    call_.options.deadline = parts_.clock->Monotonic() + spec.time_limit;
    const auto target =
        std::make_shared<const Target>(Target::Spec{.model = model,
                                                    .version = std::move(spec.version),
                                                    .tenant = work.tenant,
                                                    .parameters = std::move(spec.parameters),
                                                    .by_rows = AsksByRows(*model, views_)});
    batch_.Ask(target, views_, &call_.questions);
    return absl::OkStatus();
  }

  void OnAllAnswered() override {
    // The scheduler lets go of the attempt as soon as it has the result.
    const std::shared_ptr<Call> self = shared_from_this();
    scope_.Forget(call_);
    End(absl::OkStatus());
  }

  void End(const absl::Status& status) {
    StepResult result{.outputs = status.ok() ? Outputs() : status, .retry = retry_};
    if (status.ok()) {
      result.rows = static_cast<uint32_t>(call_.questions.size());
      for (size_t i = 0; i < call_.questions.size(); ++i) {
        const Answer& answer = call_.answer(i);
        const bool computed = answer.kind == CacheKind::kMiss || answer.kind == CacheKind::kBypass;
        if (answer.status.ok() && !computed) ++result.remembered_rows;
      }
    }
    result.no_room = !result.outputs.ok() && SaysNoRoom(result.outputs.status());
    done_(std::move(result));
  }

  absl::StatusOr<std::string> Outputs() {
    std::vector<std::string_view> names;
    for (const std::string& name : call_.questions[0].target->outputs()) names.push_back(name);
    JoinedAnswers joined;
    const absl::Status fits = joined.Join(call_, names, options_.max_result_bytes);
    // Another attempt would have as many bytes.
    if (absl::IsResourceExhausted(fits) && AllAnswered()) {
      return absl::FailedPreconditionError(fmt::format(
          "the outputs of the step have more than {} bytes, which is the limit of a result",
          options_.max_result_bytes));
    }
    SOUVENIR_RETURN_IF_ERROR(fits);
    return EncodeTensors(joined.outputs());
  }

  bool AllAnswered() const {
    for (size_t i = 0; i < call_.questions.size(); ++i) {
      if (!call_.answer(i).status.ok()) return false;
    }
    return true;
  }

  const Options options_;
  const Parts parts_;
  const ClaimedStep step_;
  const Done done_;
  RetryPolicy retry_;
  std::vector<Tensor> inputs_;
  std::vector<TensorView> views_;  // of the inputs
  RowBatch batch_;
  ResolveCall call_{this};  // its questions are views of the members above
  ResolveScope scope_;
};

std::shared_ptr<StepRunner::Attempt> ResolvingRunner::Start(const ClaimedStep& step, Gate gate,
                                                            Done done) {
  auto call = std::make_shared<Call>(options_, parts_, step, std::move(done));
  call->Start(gate);
  return call;
}

}  // namespace souvenir::gateway
