#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/config/text_proto.h"
#include "common/status_macros.h"
#include "common/tensor/elements.h"
#include "common/tensor/tensor.h"
#include "compute-service/backends/pytorch/pytorch_engine.h"
#include "tests/fakes/temporary_directory.h"
#include "tests/unit/compute-service/backends/pytorch/scripted_file.h"

namespace souvenir::compute {

template <typename T>
Tensor TensorOf(std::string name, DataType type, std::vector<int64_t> shape,
                const std::vector<T>& values) {
  Tensor tensor{std::move(name), type, std::move(shape), FromElements<T>(values)};
  EXPECT_TRUE(ValidateTensor(tensor.view()).ok());
  return tensor;
}

template <typename T>
std::vector<T> ValuesOf(const Tensor& tensor) {
  return ToElements<T>(tensor.data);
}

// A test of the model "tested", version 1, in a temporary directory, on a machine with one core.
class PytorchTest : public testing::Test {
 protected:
  std::string file() const { return directory_.path() + "/tested/1/model.pt"; }

  // Returns the repository's description of the model. `config` is its configuration without the
  // name.
  ModelDescription Describe(std::string_view config) {
    ModelDescription description;
    EXPECT_TRUE(ParseTextProto(config, "test", &description.config).ok()) << config;
    description.config.set_name("tested");
    description.directory = directory_.path() + "/tested/1";
    return description;
  }

  std::unique_ptr<PytorchEngine> Backend(int cores = 1) {
    return std::make_unique<PytorchEngine>(PytorchBackend::Options{.cores = cores});
  }

  absl::StatusOr<std::unique_ptr<Model>> Load(std::string_view config) {
    ModelDescription description = Describe(config);
    SOUVENIR_RETURN_IF_ERROR(Backend()->Complete(&description));
    return Backend()->Load(description, nullptr);
  }

  // Returns the message with which a model of these methods and this configuration is refused.
  std::string Refusal(const std::string& methods, std::string_view config) {
    SaveScripted(file(), methods);
    const absl::Status status = Load(config).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    return std::string(status.message());
  }

  static absl::StatusOr<InferenceResult> RunOn(Instance& instance,
                                               const std::vector<Tensor>& inputs,
                                               const std::vector<std::string>& outputs) {
    std::vector<TensorView> views;
    for (const Tensor& input : inputs) views.push_back(input.view());
    return instance.Run({.inputs = views, .outputs = outputs});
  }

  // Runs a model in a new instance.
  static absl::StatusOr<InferenceResult> Run(Model& model, const std::vector<Tensor>& inputs,
                                             const std::vector<std::string>& outputs) {
    SOUVENIR_ASSIGN_OR_RETURN(const std::unique_ptr<Instance> instance, model.CreateInstance());
    return RunOn(*instance, inputs, outputs);
  }

  // Saves, loads and runs once.
  absl::StatusOr<InferenceResult> Answer(const std::string& methods, std::string_view config,
                                         const std::vector<Tensor>& inputs,
                                         const std::vector<std::string>& outputs) {
    SaveScripted(file(), methods);
    SOUVENIR_ASSIGN_OR_RETURN(const std::unique_ptr<Model> model, Load(config));
    return Run(*model, inputs, outputs);
  }

  const TemporaryDirectory directory_;
};

// FP32 tensors of any length.
inline constexpr char kOneToOne[] =
    "input { name: 'INPUT__0' data_type: TYPE_FP32 dims: -1 } "
    "output { name: 'OUTPUT__0' data_type: TYPE_FP32 dims: -1 } ";
inline constexpr char kTwoToOne[] =
    "input { name: 'INPUT__0' data_type: TYPE_FP32 dims: -1 } "
    "input { name: 'INPUT__1' data_type: TYPE_FP32 dims: -1 } "
    "output { name: 'OUTPUT__0' data_type: TYPE_FP32 dims: -1 } ";

inline Tensor Floats(std::string name, const std::vector<float>& values) {
  return TensorOf(std::move(name), DataType::kFp32, {static_cast<int64_t>(values.size())}, values);
}

}  // namespace souvenir::compute
