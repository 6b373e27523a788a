#include "compute-service/backends/model_parameters.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "common/status_macros.h"

namespace souvenir::compute {
namespace {

using inference::ModelConfig;

// Parameters that the services read for every engine. They say how the model runs, how its answers
// are cached and what the model is for.
constexpr std::string_view kServiceParameters[] = {"deterministic_errors",
                                                   "instances",
                                                   "isolation",
                                                   "isolation_fallback",
                                                   "languages",
                                                   "max_queue_size",
                                                   "nice",
                                                   "row_exact",
                                                   "run_limit_ms",
                                                   "source_language",
                                                   "target_language",
                                                   "task",
                                                   "voices"};

}  // namespace

absl::Status CheckParameterNames(const ModelConfig& config, std::string_view engine,
                                 absl::Span<const std::string_view> known) {
  std::vector<std::string_view> names(std::begin(kServiceParameters), std::end(kServiceParameters));
  names.insert(names.end(), known.begin(), known.end());
  std::sort(names.begin(), names.end());
  std::vector<std::string_view> unknown;
  for (const auto& [name, value] : config.parameters()) {
    if (!std::binary_search(names.begin(), names.end(), name)) unknown.push_back(name);
  }
  if (unknown.empty()) return absl::OkStatus();
  // The map has no order. Naming the least unknown parameter keeps the message the same each time.
  return absl::InvalidArgumentError(fmt::format(
      "model {}: parameter \"{}\" is unknown; {}'s models have {}", config.name(),
      *std::min_element(unknown.begin(), unknown.end()), engine, fmt::join(names, ", ")));
}

std::optional<std::string_view> Parameter(const ModelConfig& config, const std::string& name) {
  const auto it = config.parameters().find(name);
  if (it == config.parameters().end()) return std::nullopt;
  return it->second.string_value();
}

absl::StatusOr<std::optional<int64_t>> NumberParameter(const ModelConfig& config,
                                                       const std::string& name, int64_t most,
                                                       int64_t least) {
  const std::optional<std::string_view> text = Parameter(config, name);
  if (!text) return std::nullopt;
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc() || end != text->data() + text->size() || number < least ||
      number > most) {
    return absl::InvalidArgumentError(
        fmt::format("parameter '{}' is '{}'; it must be a number from {} to {}", name, *text, least,
                    most));
  }
  return number;
}

absl::StatusOr<std::optional<bool>> SwitchParameter(const ModelConfig& config,
                                                    const std::string& name) {
  const std::optional<std::string_view> text = Parameter(config, name);
  if (!text) return std::nullopt;
  if (*text == "true") return true;
  if (*text == "false") return false;
  return absl::InvalidArgumentError(
      fmt::format("parameter '{}' is '{}'; it must be 'true' or 'false'", name, *text));
}

absl::StatusOr<std::string_view> ChoiceParameter(const ModelConfig& config, const std::string& name,
                                                 absl::Span<const std::string_view> choices) {
  const std::optional<std::string_view> text = Parameter(config, name);
  if (!text) return choices.front();
  if (std::find(choices.begin(), choices.end(), *text) != choices.end()) return *text;
  return absl::InvalidArgumentError(fmt::format("parameter '{}' is '{}'; it must be one of {}",
                                                name, *text, fmt::join(choices, ", ")));
}

void DefaultParameter(const std::string& name, const std::string& value, ModelConfig* config) {
  auto& parameters = *config->mutable_parameters();
  if (!parameters.contains(name)) parameters[name].set_string_value(value);
}

absl::StatusOr<std::optional<int64_t>> InstancesAskedFor(const ModelConfig& config) {
  if (config.instance_group_size() > 0) {
    int64_t instances = 0;
    for (const auto& group : config.instance_group()) {
      instances += group.count() == 0 ? 1 : group.count();
    }
    return instances;
  }
  if (Parameter(config, "instances") == "auto") return std::nullopt;
  return NumberParameter(config, "instances", kMostInstances);
}

}  // namespace souvenir::compute
