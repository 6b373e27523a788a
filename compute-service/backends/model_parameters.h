#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "inference/model_config.pb.h"

namespace souvenir::compute {

// Functions that read the `parameters` of a model's configuration. Results are views into the
// configuration or into `choices`, which must outlive them.

// Upper bound for a model's instances: more than any machine runs, and far from overflow.
inline constexpr int kMostInstances = 1024;

// Checks that the services or the engine read every parameter. `known` are the engine's own
// parameters, and `engine` is its name for the message ("Apertium"). INVALID_ARGUMENT names an
// unknown parameter and lists the known ones.
absl::Status CheckParameterNames(const inference::ModelConfig& config, std::string_view engine,
                                 absl::Span<const std::string_view> known);

// Returns the text of a parameter, or nullopt if it is absent.
std::optional<std::string_view> Parameter(const inference::ModelConfig& config,
                                          const std::string& name);

// Returns a parameter as a number from `least` to `most`, or nullopt if it is absent.
// INVALID_ARGUMENT for any other text.
absl::StatusOr<std::optional<int64_t>> NumberParameter(const inference::ModelConfig& config,
                                                       const std::string& name, int64_t most,
                                                       int64_t least = 1);

// Returns a parameter that is "true" or "false", or nullopt if it is absent. INVALID_ARGUMENT for
// any other text.
absl::StatusOr<std::optional<bool>> SwitchParameter(const inference::ModelConfig& config,
                                                    const std::string& name);

// Returns a parameter that is one of `choices`, or the first of them if it is absent.
// INVALID_ARGUMENT for any other text. REQUIRES: `choices` is not empty.
absl::StatusOr<std::string_view> ChoiceParameter(const inference::ModelConfig& config,
                                                 const std::string& name,
                                                 absl::Span<const std::string_view> choices);

// Sets a parameter if the configuration leaves it out.
void DefaultParameter(const std::string& name, const std::string& value,
                      inference::ModelConfig* config);

// Returns the number of instances that the configuration asks for: the sum over `instance_group`
// or, without one, the parameter `instances`. Returns nullopt if it leaves the number to the
// service (the parameter is absent or `auto`). INVALID_ARGUMENT if the parameter is anything else
// than a number from 1 to kMostInstances; the sum is not checked.
absl::StatusOr<std::optional<int64_t>> InstancesAskedFor(const inference::ModelConfig& config);

}  // namespace souvenir::compute
