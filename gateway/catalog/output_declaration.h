#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/tensor/datatype.h"
#include "souvenir/state/v1/catalog.pb.h"

namespace souvenir::gateway {

// A model's declaration of one of its outputs. Foreign servers may leave parts of it out.
struct OutputDeclaration {
  std::string name;
  DataType datatype = DataType::kInvalid;  // kInvalid if it is not declared
  // Shape without the dimension of the batch, with -1 for any size; nullopt if it is not declared.
  std::optional<std::vector<int64_t>> dims;
};

// Returns the declarations of a model's outputs, sorted by name. They are taken from its
// configuration or, for outputs that it lacks, from its metadata.
std::vector<OutputDeclaration> DeclaredOutputs(const souvenir::state::v1::KnownModel& known);

}  // namespace souvenir::gateway
