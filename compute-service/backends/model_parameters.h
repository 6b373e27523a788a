#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "inference/model_config.pb.h"

namespace souvenir::compute {

// The parameters of a model's configuration: those that the service reads for every engine, and
// those of an engine of its own.

// OK where each is one that the service reads, or one of `engine_parameters`. INVALID_ARGUMENT
// names the first that is not, and those there are.
absl::Status CheckParameterNames(const inference::ModelConfig& config,
                                 absl::Span<const std::string_view> engine_parameters);

// The parameter's text; "" where it is absent.
const std::string& GetParameter(const inference::ModelConfig& config, const std::string& name);

// Sets a parameter that the configuration leaves out.
void DefaultParameter(const std::string& name, const std::string& value,
                      inference::ModelConfig* config);

}  // namespace souvenir::compute
