#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/tensor/tensor.h"

namespace souvenir::cli {

// What a model's metadata says of an input.
struct DeclaredTensor {
  std::string name;
  DataType datatype = DataType::kInvalid;
  std::vector<int64_t> shape;  // -1: any size
};

// "INT32[-1,4]".
std::string TypeOf(const DeclaredTensor& declared);

// Tensors of `declared` from what a person writes. Where no shape is given, the elements fill the
// declared one: its first dimension of any size has as many as there are, the others one.
// INVALID_ARGUMENT names the input, what came and what was expected.

// Of words: numbers (several with commas between them), true and false, or, for BYTES, texts.
absl::StatusOr<Tensor> TensorOfWords(const DeclaredTensor& declared,
                                     const std::vector<std::string>& words);

// Of a value or of arrays, which give the shape if they are as deep as the declared one. An element
// of BYTES is a string, or {"b64": "..."}; of FP*, a number, "NaN", "Infinity" or "-Infinity".
absl::StatusOr<Tensor> TensorOfJson(const DeclaredTensor& declared, const nlohmann::json& value,
                                    const std::optional<std::vector<int64_t>>& shape = {});

// Of a file: one element of BYTES; else the elements as they lie in memory, row-major and
// little-endian.
absl::StatusOr<Tensor> TensorOfFile(const DeclaredTensor& declared, const std::string& bytes);

}  // namespace souvenir::cli
