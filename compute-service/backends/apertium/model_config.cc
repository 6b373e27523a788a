#include "compute-service/backends/apertium/model_config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <optional>
#include <utility>

#include "common/status_macros.h"
#include "compute-service/backends/apertium/language_tag.h"
#include "compute-service/backends/model_parameters.h"

namespace souvenir::compute {
namespace {

constexpr int kMaxBatchSize = 64;
constexpr std::string_view kModeParameter = "mode";

absl::Status Refused(const inference::ModelConfig& config, std::string_view what) {
  return absl::InvalidArgumentError(fmt::format("model {}: {}", config.name(), what));
}

// Sets a parameter that can have only one value. INVALID_ARGUMENT if it has another.
absl::Status Fixed(const std::string& name, const std::string& value,
                   inference::ModelConfig* config) {
  DefaultParameter(name, value, config);
  const std::string& found = config->parameters().at(name).string_value();
  if (found == value) return absl::OkStatus();
  return Refused(*config, fmt::format("{} is \"{}\"; Apertium's models support only \"{}\"", name,
                                      found, value));
}

// Checks that there is one tensor, with one BYTES element per row, or adds it if there is none.
template <typename Tensors>
absl::Status CompleteTensor(std::string_view name, std::string_view role,
                            const inference::ModelConfig& config, Tensors* tensors) {
  if (tensors->empty()) {
    auto* tensor = tensors->Add();
    tensor->set_name(std::string(name));
    tensor->set_data_type(inference::TYPE_STRING);
    tensor->add_dims(1);
    return absl::OkStatus();
  }
  const auto& tensor = tensors->Get(0);
  if (tensors->size() != 1 || tensor.name() != name ||
      tensor.data_type() != inference::TYPE_STRING || tensor.dims_size() != 1 ||
      tensor.dims(0) != 1) {
    return Refused(
        config, fmt::format("it has {} {}, the first of them \"{}\" of {} with dims [{}]; expected "
                            "one, \"{}\" of TYPE_STRING with dims [1]",
                            tensors->size(), role, tensor.name(),
                            inference::DataType_Name(tensor.data_type()),
                            fmt::join(tensor.dims(), ", "), name));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> ModeOfModel(const inference::ModelConfig& config) {
  std::string mode;
  if (const auto found = config.parameters().find("mode"); found != config.parameters().end()) {
    mode = found->second.string_value();
  } else if (config.name().starts_with(kModelPrefix)) {
    mode = config.name().substr(kModelPrefix.size());
  } else {
    return Refused(config, fmt::format("it names no mode; set parameter \"mode\", or use a name "
                                       "like {}eng-spa",
                                       kModelPrefix));
  }
  // The name becomes part of a path.
  if (mode.empty() || mode[0] == '.' || mode.find('/') != std::string::npos ||
      mode.find('\0') != std::string::npos) {
    return Refused(config, fmt::format("\"{}\" is not a valid name of a mode", mode));
  }
  return mode;
}

absl::Status CompleteConfig(const std::string& mode, inference::ModelConfig* config) {
  SOUVENIR_RETURN_IF_ERROR(CheckParameterNames(*config, "Apertium", {kModeParameter}));
  SOUVENIR_RETURN_IF_ERROR(CompleteTensor(kTextInput, "inputs", *config, config->mutable_input()));
  SOUVENIR_RETURN_IF_ERROR(
      CompleteTensor(kTranslationOutput, "outputs", *config, config->mutable_output()));
  if (config->max_batch_size() < 0) {
    return Refused(*config, fmt::format("max_batch_size is {}; it must not be negative",
                                        config->max_batch_size()));
  }
  if (config->max_batch_size() == 0) config->set_max_batch_size(kMaxBatchSize);
  // For most models an absent response_cache means off. Here it means on, because answers never
  // vary.
  if (!config->has_response_cache()) config->mutable_response_cache()->set_enable(true);
  const std::optional<std::pair<std::string, std::string>> languages = LanguagesOfMode(mode);
  for (const auto& [name, value] :
       {std::make_pair("source_language", languages ? languages->first : ""),
        std::make_pair("target_language", languages ? languages->second : "")}) {
    DefaultParameter(name, value, config);
    if (config->parameters().at(name).string_value().empty()) {
      return Refused(*config, fmt::format("parameter \"{}\" is missing, and mode {} is not named "
                                          "after two languages, as in eng-spa",
                                          name, mode));
    }
  }
  DefaultParameter("mode", mode, config);
  SOUVENIR_RETURN_IF_ERROR(Fixed("task", "translation", config));
  SOUVENIR_RETURN_IF_ERROR(Fixed("row_exact", "true", config));
  return Fixed("isolation", "process", config);
}

}  // namespace souvenir::compute
