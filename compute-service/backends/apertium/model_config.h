#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "inference/model_config.pb.h"

namespace souvenir::compute {

// A model that names no mode serves the one that its own name has after this.
inline constexpr std::string_view kModelPrefix = "apertium-";

inline constexpr std::string_view kTextInput = "text";
inline constexpr std::string_view kTranslationOutput = "translation";

// The mode that a model's configuration asks for. INVALID_ARGUMENT where it names none, or one that
// is no file name.
absl::StatusOr<std::string> ModeOfModel(const inference::ModelConfig& config);

// Fills in what every model of a mode has, where the configuration is silent: the tensors, the
// batch size, the cache, task and languages. INVALID_ARGUMENT names what the configuration says
// that cannot be served.
absl::Status CompleteConfig(const std::string& mode, inference::ModelConfig* config);

}  // namespace souvenir::compute
