#include "compute-service/backends/model_parameters.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

namespace souvenir::compute {
namespace {

// Those that the repository, the pools, the gateway and the language services read.
constexpr std::string_view kServiceParameters[] = {
    "deterministic_errors", "instances", "isolation",    "isolation_fallback",
    "max_queue_size",       "row_exact", "run_limit_ms", "source_language",
    "target_language",      "task"};

}  // namespace

absl::Status CheckParameterNames(const inference::ModelConfig& config,
                                 absl::Span<const std::string_view> engine_parameters) {
  std::vector<std::string_view> known(std::begin(kServiceParameters), std::end(kServiceParameters));
  known.insert(known.end(), engine_parameters.begin(), engine_parameters.end());
  std::sort(known.begin(), known.end());
  std::vector<std::string> names;
  for (const auto& parameter : config.parameters()) names.push_back(parameter.first);
  std::sort(names.begin(), names.end());  // so that the message is the same each time
  for (const std::string& name : names) {
    if (std::binary_search(known.begin(), known.end(), name)) continue;
    return absl::InvalidArgumentError(
        fmt::format("model {}: parameter \"{}\" is not known to backend \"{}\"; {} are",
                    config.name(), name, config.backend(), fmt::join(known, ", ")));
  }
  return absl::OkStatus();
}

const std::string& GetParameter(const inference::ModelConfig& config, const std::string& name) {
  const auto found = config.parameters().find(name);
  if (found != config.parameters().end()) return found->second.string_value();
  static const std::string* const absent = new std::string;
  return *absent;
}

void DefaultParameter(const std::string& name, const std::string& value,
                      inference::ModelConfig* config) {
  auto& parameters = *config->mutable_parameters();
  if (!parameters.contains(name)) parameters[name].set_string_value(value);
}

}  // namespace souvenir::compute
