#include "compute-service/isolation/isolated_model.h"

#include <string>
#include <utility>

#include "common/status_macros.h"
#include "compute-service/isolation/model_messages.h"

namespace souvenir::compute {
namespace {

// Calls one worker process. Owned by its pool; not thread-safe.
class IsolatedInstance final : public Instance {
 public:
  explicit IsolatedInstance(std::unique_ptr<Worker> worker) : worker_(std::move(worker)) {}

  absl::StatusOr<InferenceResult> Run(const InferenceRequest& request) override {
    SOUVENIR_ASSIGN_OR_RETURN(
        const Worker::Answer answer,
        worker_->Call(EncodeWorkerRequest(request), request.row_limit * request.rows));
    InferenceResult result;
    SOUVENIR_ASSIGN_OR_RETURN(result.outputs, DecodeWorkerOutputs(answer.payload, request.outputs));
    result.compute_time = answer.compute_time;
    return result;
  }

 private:
  const std::unique_ptr<Worker> worker_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Model>> IsolatedModel::Load(WorkerHost::Options options,
                                                           const ModelDescription& description) {
  SOUVENIR_ASSIGN_OR_RETURN(options.arguments, WorkerArguments(description));
  options.check_files = description.check_files;
  SOUVENIR_ASSIGN_OR_RETURN(std::unique_ptr<WorkerHost> host,
                            WorkerHost::Start(std::move(options)));
  return std::unique_ptr<Model>(new IsolatedModel(std::move(host)));
}

absl::StatusOr<std::unique_ptr<Instance>> IsolatedModel::CreateInstance() {
  SOUVENIR_ASSIGN_OR_RETURN(std::unique_ptr<Worker> worker, host_->Fork());
  return std::make_unique<IsolatedInstance>(std::move(worker));
}

}  // namespace souvenir::compute
