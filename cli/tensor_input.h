#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/tensor/tensor.h"

namespace souvenir::cli {

// An input as the model's metadata declares it.
struct DeclaredTensor {
  std::string name;
  DataType datatype = DataType::kInvalid;
  std::vector<int64_t> shape;  // -1: any size
};

// Returns "INT32[-1,4]".
std::string TypeOf(const DeclaredTensor& declared);

// The functions below make tensors of `declared` from what a person writes. If no shape is given,
// the elements fill the declared one: its first dimension of any size takes all of them, and the
// others have size 1. INVALID_ARGUMENT names the input, what came and what was expected.

// Takes words: numbers (several with commas between them), true and false, or texts for BYTES.
absl::StatusOr<Tensor> TensorOfWords(const DeclaredTensor& declared,
                                     const std::vector<std::string>& words);

// Takes a value, or arrays, which give the shape if they are as deep as the declared one. An
// element of BYTES is a string or {"b64": "..."}. An element of FP* is a number, "NaN", "Infinity"
// or "-Infinity".
absl::StatusOr<Tensor> TensorOfJson(const DeclaredTensor& declared, const nlohmann::json& value,
                                    const std::optional<std::vector<int64_t>>& shape = {});

// Takes the content of a file: one element of BYTES, or the elements of another type as they lie in
// memory, row-major and little-endian.
absl::StatusOr<Tensor> TensorOfFile(const DeclaredTensor& declared, const std::string& bytes);

}  // namespace souvenir::cli
