#pragma once

#include <string>

#include "common/tensor/datatype.h"
#include "inference/model_config.pb.h"

// Functions for the tensors that a model's configuration declares.

namespace souvenir {

// The configuration and the wire have the same numbers for datatypes.
static_assert(static_cast<int>(DataType::kBool) == inference::TYPE_BOOL);
static_assert(static_cast<int>(DataType::kInt64) == inference::TYPE_INT64);
static_assert(static_cast<int>(DataType::kFp16) == inference::TYPE_FP16);
static_assert(static_cast<int>(DataType::kFp64) == inference::TYPE_FP64);
static_assert(static_cast<int>(DataType::kBytes) == inference::TYPE_STRING);
static_assert(static_cast<int>(DataType::kBf16) == inference::TYPE_BF16);

// Returns the datatype of a ModelInput or ModelOutput.
template <typename ModelTensor>
DataType DataTypeOf(const ModelTensor& tensor) {
  return static_cast<DataType>(tensor.data_type());
}

// Returns the names of inputs or outputs as "'a', 'b'", for messages.
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
