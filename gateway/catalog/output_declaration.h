#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/tensor/datatype.h"
#include "souvenir/state/v1/catalog.pb.h"

namespace souvenir::gateway {

// What a model declares of one of its outputs. A server of somebody else's may declare less than
// all, or nothing.
struct OutputDeclaration {
  std::string name;
  DataType datatype = DataType::kInvalid;  // kInvalid: not told
  // Its shape, without the dimension of the batch; -1 for any size. Nothing: not told.
  std::optional<std::vector<int64_t>> dims;
};

// Those of `known`, by name: what its configuration says, and else its metadata.
std::vector<OutputDeclaration> DeclaredOutputs(const souvenir::state::v1::KnownModel& known);

}  // namespace souvenir::gateway
