#include "compute-service/backends/espeak-ng/model_config.h"

#include <fmt/format.h>

#include <optional>

#include "common/status_macros.h"
#include "compute-service/backends/model_parameters.h"
#include "compute-service/backends/row_tensors.h"

namespace souvenir::compute {
namespace {

using inference::ModelConfig;

constexpr std::string_view kEngine = "eSpeak NG";
constexpr int kMaxBatchSize = 16;

constexpr char kData[] = "data";
constexpr char kMaxSeconds[] = "max_seconds";
constexpr char kMaxTextBytes[] = "max_text_bytes";
constexpr char kVoices[] = "voices";
constexpr std::string_view kParameters[] = {kData, kMaxSeconds, kMaxTextBytes};

constexpr int64_t kDefaultTextBytes = 10'000;
constexpr int64_t kMostTextBytes = 16 << 20;
constexpr int64_t kDefaultSeconds = 600;
// 159 MB of samples, which a message between processes can have.
constexpr int64_t kMostSeconds = 3600;

// The engine keeps the path in a buffer of 160 bytes.
constexpr size_t kMostPathBytes = 140;

constexpr RowTensor kInputs[] = {{kTextInput, inference::TYPE_STRING},
                                 {kVoiceInput, inference::TYPE_STRING},
                                 {kRateInput, inference::TYPE_FP32},
                                 {kPitchInput, inference::TYPE_FP32}};
constexpr RowTensor kOutputs[] = {{kAudioOutput, inference::TYPE_STRING},
                                  {kSampleRateOutput, inference::TYPE_INT32}};

absl::Status Refused(const ModelConfig& config, std::string_view what) {
  return absl::InvalidArgumentError(fmt::format("model {}: {}", config.name(), what));
}

}  // namespace

absl::Status CompleteEspeakNgConfig(ModelConfig* config) {
  SOUVENIR_RETURN_IF_ERROR(CheckParameterNames(*config, kEngine, kParameters));
  SOUVENIR_RETURN_IF_ERROR(CompleteRowInputs(kInputs, config));
  SOUVENIR_RETURN_IF_ERROR(CompleteRowOutputs(kOutputs, config));
  if (config->max_batch_size() < 0) {
    return Refused(*config, fmt::format("max_batch_size is {}; it must not be negative",
                                        config->max_batch_size()));
  }
  if (config->max_batch_size() == 0) config->set_max_batch_size(kMaxBatchSize);
  // For most models an absent response_cache means off. Here it means on, because answers never
  // vary.
  if (!config->has_response_cache()) config->mutable_response_cache()->set_enable(true);
  DefaultParameter(kData, SOUVENIR_ESPEAK_NG_DATA, config);
  DefaultParameter(kMaxTextBytes, std::to_string(kDefaultTextBytes), config);
  DefaultParameter(kMaxSeconds, std::to_string(kDefaultSeconds), config);
  SOUVENIR_ASSIGN_OR_RETURN(const EspeakNgSettings settings, ReadEspeakNgSettings(*config));
  SOUVENIR_ASSIGN_OR_RETURN(const std::vector<Voice> voices, InstalledVoices(*config, settings));
  const std::string listed = VoicesJson(voices);
  DefaultParameter(kVoices, listed, config);
  if (config->parameters().at(kVoices).string_value() != listed) {
    return Refused(*config,
                   "voices is not the list of the installed voices; leave it out, and it is filled "
                   "in");
  }
  SOUVENIR_RETURN_IF_ERROR(FixedParameter("task", "synthesis", kEngine, config));
  SOUVENIR_RETURN_IF_ERROR(FixedParameter("row_exact", "true", kEngine, config));
  return FixedParameter("isolation", "process", kEngine, config);
}

absl::StatusOr<EspeakNgSettings> ReadEspeakNgSettings(const ModelConfig& config) {
  EspeakNgSettings settings;
  settings.data = std::string(Parameter(config, kData).value_or(""));
  if (settings.data.empty() || settings.data.front() != '/' ||
      settings.data.size() > kMostPathBytes || settings.data.find('\0') != std::string::npos) {
    return Refused(config, fmt::format("data is \"{}\"; it must be an absolute path of a folder "
                                       "espeak-ng-data, of at most {} bytes",
                                       settings.data, kMostPathBytes));
  }
  SOUVENIR_ASSIGN_OR_RETURN(const std::optional<int64_t> text,
                            NumberParameter(config, kMaxTextBytes, kMostTextBytes));
  SOUVENIR_ASSIGN_OR_RETURN(const std::optional<int64_t> seconds,
                            NumberParameter(config, kMaxSeconds, kMostSeconds));
  if (!text || !seconds) {
    return Refused(config, "max_text_bytes or max_seconds is missing: it is incomplete");
  }
  settings.max_text_bytes = *text;
  settings.max_seconds = *seconds;
  return settings;
}

absl::StatusOr<std::vector<Voice>> InstalledVoices(const ModelConfig& config,
                                                   const EspeakNgSettings& settings) {
  absl::StatusOr<std::vector<Voice>> voices = ReadVoices(settings.data);
  if (voices.ok() && !voices->empty()) return voices;
  return absl::FailedPreconditionError(fmt::format(
      "model {} needs eSpeak NG's data: {}; install its package: apt install espeak-ng-data",
      config.name(),
      voices.ok() ? fmt::format("{} has no voices", settings.data)
                  : std::string(voices.status().message())));
}

}  // namespace souvenir::compute
