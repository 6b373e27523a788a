#include "tests/unit/compute-service/backends/pytorch/scripted_file.h"

#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>
#include <ATen/ops/empty.h>
#include <torch/csrc/jit/api/module.h>

#include <algorithm>
#include <filesystem>

namespace souvenir::compute {

void SaveScripted(const std::string& path, const std::string& methods,
                  const std::vector<Weight>& weights) {
  torch::jit::Module module("Scripted");
  for (const Weight& weight : weights) {
    const at::Tensor tensor = at::empty(weight.shape, c10::ScalarType::Float);
    std::copy(weight.values.begin(), weight.values.end(), static_cast<float*>(tensor.data_ptr()));
    module.register_parameter(weight.name, tensor, /*is_buffer=*/false);
  }
  module.register_attribute("count", c10::IntType::get(), 0);
  module.register_attribute("kept", c10::ListType::ofTensors(), c10::List<at::Tensor>());
  module.define(methods);
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  module.save(path);
}

}  // namespace souvenir::compute
