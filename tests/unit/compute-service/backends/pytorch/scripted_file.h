#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace souvenir::compute {

// A parameter of FP32.
struct Weight {
  std::string name;
  std::vector<int64_t> shape;
  std::vector<float> values;
};

// Compiles `methods`, TorchScript with a forward(self, ...), into a module with these parameters,
// an attribute `count` of 0 and an empty list of tensors `kept`, and writes it to `path`, whose
// folders are made.
void SaveScripted(const std::string& path, const std::string& methods,
                  const std::vector<Weight>& weights = {});

}  // namespace souvenir::compute
