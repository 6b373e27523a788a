#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace souvenir::compute {

// An FP32 parameter of a model.
struct Weight {
  std::string name;
  std::vector<int64_t> shape;
  std::vector<float> values;
};

// Compiles `methods`, TorchScript with a forward(self, ...), into a module with these parameters,
// an attribute `count` of 0 and an empty list of tensors `kept`. Writes the module to `path` and
// creates its folders.
void SaveScripted(const std::string& path, const std::string& methods,
                  const std::vector<Weight>& weights = {});

}  // namespace souvenir::compute
