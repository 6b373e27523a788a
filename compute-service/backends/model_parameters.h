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

// The `parameters` of a model's configuration: those that the services read for every engine, and
// what engines need to read their own.

// More than a machine runs, less than what overflows.
inline constexpr int kMostInstances = 1024;

// INVALID_ARGUMENT, with what is known, for a parameter that neither the services nor the engine
// read. `engine` stands in the message ("Apertium"); `known` are the engine's own.
absl::Status CheckParameterNames(const inference::ModelConfig& config, std::string_view engine,
                                 absl::Span<const std::string_view> known);

// A parameter's text; nothing where it is absent.
std::optional<std::string_view> Parameter(const inference::ModelConfig& config,
                                          const std::string& name);

// The same as a number from 1 to `most`. INVALID_ARGUMENT for any other text.
absl::StatusOr<std::optional<int64_t>> NumberParameter(const inference::ModelConfig& config,
                                                       const std::string& name, int64_t most);

// The same as "true" or "false". INVALID_ARGUMENT for any other text.
absl::StatusOr<std::optional<bool>> SwitchParameter(const inference::ModelConfig& config,
                                                    const std::string& name);

// The same as one of `choices`, the first of them where it is absent. INVALID_ARGUMENT for any
// other text.
absl::StatusOr<std::string_view> ChoiceParameter(const inference::ModelConfig& config,
                                                 const std::string& name,
                                                 absl::Span<const std::string_view> choices);

// Sets a parameter that the configuration leaves out.
void DefaultParameter(const std::string& name, const std::string& value,
                      inference::ModelConfig* config);

// How many instances the configuration asks for: the sum over `instance_group`, else the parameter
// `instances`. Nothing where it leaves that to the service (absent, or `auto`).
absl::StatusOr<std::optional<int64_t>> InstancesAskedFor(const inference::ModelConfig& config);

}  // namespace souvenir::compute
