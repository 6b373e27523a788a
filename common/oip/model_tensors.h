#pragma once

#include <string>

#include "common/tensor/datatype.h"
#include "inference/model_config.pb.h"

// The tensors that a model's configuration declares.

namespace souvenir {

// Configuration and wire number their datatypes alike.
static_assert(static_cast<int>(DataType::kBool) == inference::TYPE_BOOL);
static_assert(static_cast<int>(DataType::kInt64) == inference::TYPE_INT64);
static_assert(static_cast<int>(DataType::kFp16) == inference::TYPE_FP16);
static_assert(static_cast<int>(DataType::kFp64) == inference::TYPE_FP64);
static_assert(static_cast<int>(DataType::kBytes) == inference::TYPE_STRING);
static_assert(static_cast<int>(DataType::kBf16) == inference::TYPE_BF16);

// Of a ModelInput or ModelOutput.
template <typename ModelTensor>
DataType DataTypeOf(const ModelTensor& tensor) {
  return static_cast<DataType>(tensor.data_type());
}

// "'a', 'b'", of the inputs or the outputs; for messages.
template <typename ModelTensors>
std::string NamesOf(const ModelTensors& tensors) {
  std::string names;
  for (const auto& tensor : tensors) {
    if (!names.empty()) names += ", ";
    names += "'" + tensor.name() + "'";
  }
  return names;
}

}  // namespace souvenir
