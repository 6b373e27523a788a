#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "gateway/tasks/step_spec.h"
#include "gateway/tasks/task_types.h"
#include "gateway/upstream/parameter.h"

namespace souvenir::gateway {

// Encodes a step for the task store. Data of literals above 1 KiB become blobs, which steps of a
// job share, and are appended to `blobs` (those with another digest alone).
std::string EncodeStep(StepSpec spec, std::vector<Blob>* blobs);

// Decodes the bytes of EncodeStep(). DATA_LOSS for other bytes.
absl::StatusOr<StepSpec> DecodeStep(std::string_view bytes);

// The parameters that a step gets when it is run again.
std::string EncodeOverride(const std::vector<Parameter>& parameters);
// Replaces parameters of `spec` by those of the bytes, or adds them. "" changes nothing.
absl::Status ApplyOverride(std::string_view bytes, StepSpec* spec);

}  // namespace souvenir::gateway
