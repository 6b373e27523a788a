#include "compute-service/backends/pytorch/pytorch_engine.h"

#include <string>
#include <utility>

#include "common/status_macros.h"
#include "compute-service/backends/pytorch/pytorch_instance.h"
#include "compute-service/backends/pytorch/scripted_model.h"

namespace souvenir::compute {
namespace {

class PytorchModel final : public Model {
 public:
  explicit PytorchModel(std::shared_ptr<const ScriptedModel> model) : model_(std::move(model)) {}

  absl::StatusOr<std::unique_ptr<Instance>> CreateInstance() override {
    return PytorchInstance::Create(model_);
  }

 private:
  const std::shared_ptr<const ScriptedModel> model_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Model>> PytorchEngine::Load(const ModelDescription& description,
                                                           const Cancellation*) {
  SOUVENIR_ASSIGN_OR_RETURN(const std::string path, ModelFile(description));
  SOUVENIR_ASSIGN_OR_RETURN(std::shared_ptr<const ScriptedModel> model,
                            ScriptedModel::Load(path, description));
  return std::make_unique<PytorchModel>(std::move(model));
}

}  // namespace souvenir::compute
