#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "inference/model_config.pb.h"

namespace souvenir::compute {

// A model without the parameter "mode" serves the mode that follows this prefix in its name.
inline constexpr std::string_view kModelPrefix = "apertium-";

inline constexpr std::string_view kTextInput = "text";
inline constexpr std::string_view kTranslationOutput = "translation";

// Returns the mode that a model's configuration asks for. INVALID_ARGUMENT if it names none, or one
// that is not a file name.
absl::StatusOr<std::string> ModeOfModel(const inference::ModelConfig& config);

// Fills in the fields that the configuration leaves out: tensors, batch size, cache, task and
// languages. INVALID_ARGUMENT names a setting that the engine does not support.
absl::Status CompleteConfig(const std::string& mode, inference::ModelConfig* config);

}  // namespace souvenir::compute
