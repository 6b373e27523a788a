#include "compute-service/isolation/model_worker.h"

#include <memory>
#include <string>
#include <string_view>

#include "common/status_macros.h"
#include "compute-service/isolation/model_messages.h"
#include "compute-service/workers/worker_program.h"

namespace souvenir::compute {

int RunModelWorker(int argc, char** argv, Backend* backend) {
  std::unique_ptr<Model> model;
  std::unique_ptr<Instance> instance;  // created in the forked process
  const auto load = [&](int count, char** arguments) -> absl::Status {
    SOUVENIR_ASSIGN_OR_RETURN(const ModelDescription description,
                              ReadWorkerArguments(count, arguments));
    SOUVENIR_ASSIGN_OR_RETURN(model, backend->Load(description, /*cancellation=*/nullptr));
    return absl::OkStatus();
  };
  const auto serve = [&](std::string_view bytes) -> absl::StatusOr<std::string> {
    if (instance == nullptr) {
      SOUVENIR_ASSIGN_OR_RETURN(instance, model->CreateInstance());
    }
    SOUVENIR_ASSIGN_OR_RETURN(const WorkerRequest request, WorkerRequest::Decode(bytes));
    SOUVENIR_ASSIGN_OR_RETURN(const InferenceResult result, instance->Run(request.request()));
    return EncodeWorkerOutputs(result.outputs);
  };
  return RunWorkerHost(argc, argv, load, serve);
}

}  // namespace souvenir::compute
