#include "compute-service/backends/pocketsphinx/model_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>

#include "common/language/language_tag.h"
#include "common/read_file.h"
#include "common/status_macros.h"
#include "compute-service/backends/model_parameters.h"
#include "compute-service/backends/row_tensors.h"

namespace souvenir::compute {
namespace {

namespace fs = std::filesystem;
using inference::ModelConfig;

constexpr std::string_view kEngine = "PocketSphinx";
// A segment takes about a second, so rows gain nothing from a shared run. One by one they go to
// whichever instance is free: five sentences on two instances take 6% less time than in runs of 4.
constexpr int kMaxBatchSize = 1;

constexpr char kAcousticModel[] = "hmm";
constexpr char kLanguageModel[] = "lm";
constexpr char kDictionary[] = "dict";
constexpr char kLanguages[] = "languages";
constexpr char kMaxSeconds[] = "max_seconds";
constexpr std::string_view kParameters[] = {kAcousticModel, kDictionary, kLanguageModel,
                                            kMaxSeconds};

// The files of Debian's package pocketsphinx-en-us.
constexpr char kEnglish[] = "/usr/share/pocketsphinx/model/en-us/";
constexpr std::string_view kPackage = "pocketsphinx-en-us";

// An utterance takes some 15 MB of memory for each minute.
constexpr int64_t kDefaultSeconds = 120;
constexpr int64_t kMostSeconds = 600;

constexpr RowTensor kInputs[] = {{kAudioInput, inference::TYPE_STRING}};
constexpr RowTensor kOutputs[] = {{kTextOutput, inference::TYPE_STRING},
                                  {kWordsOutput, inference::TYPE_STRING},
                                  {kConfidenceOutput, inference::TYPE_FP32}};

absl::Status Refused(const ModelConfig& config, std::string_view what) {
  return absl::InvalidArgumentError(fmt::format("model {}: {}", config.name(), what));
}

absl::Status CheckLanguages(const ModelConfig& config) {
  const std::string_view list = *Parameter(config, kLanguages);
  for (size_t begin = 0; begin <= list.size();) {
    const size_t end = std::min(list.find(',', begin), list.size());
    const std::string_view tag = list.substr(begin, end - begin);
    if (!CanonicalLanguageTag(tag)) {
      return Refused(config, fmt::format("languages is \"{}\"; it must be BCP-47 tags with commas, "
                                         "as \"en\" or \"en,fr\"",
                                         list));
    }
    begin = end + 1;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> PathParameter(const ModelDescription& description, const char* name) {
  const std::optional<std::string_view> value = Parameter(description.config, name);
  if (!value || value->empty() || value->find('\0') != std::string_view::npos) {
    return Refused(description.config, fmt::format("parameter {} is not a path", name));
  }
  if (value->front() == '/') return std::string(*value);
  if (description.directory.empty()) {
    return Refused(description.config,
                   fmt::format("{} is \"{}\", a path below the version's folder, and the model has "
                               "no version folder",
                               name, *value));
  }
  return (fs::path(description.directory) / *value).string();
}

absl::Status CannotRead(std::string_view model, const std::string& reason) {
  return absl::FailedPreconditionError(
      fmt::format("model {} needs its files: {}; those for English are in Debian's package: apt "
                  "install {}",
                  model, reason, kPackage));
}

}  // namespace

absl::Status CompletePocketsphinxConfig(ModelDescription* description) {
  ModelConfig& config = description->config;
  SOUVENIR_RETURN_IF_ERROR(CheckParameterNames(config, kEngine, kParameters));
  SOUVENIR_RETURN_IF_ERROR(CompleteRowInputs(kInputs, &config));
  SOUVENIR_RETURN_IF_ERROR(CompleteRowOutputs(kOutputs, &config));
  if (config.max_batch_size() < 0) {
    return Refused(config, fmt::format("max_batch_size is {}; it must not be negative",
                                       config.max_batch_size()));
  }
  if (config.max_batch_size() == 0) config.set_max_batch_size(kMaxBatchSize);
  // For most models an absent response_cache means off. Here it means on, because answers never
  // vary.
  if (!config.has_response_cache()) config.mutable_response_cache()->set_enable(true);
  DefaultParameter(kAcousticModel, fmt::format("{}en-us", kEnglish), &config);
  DefaultParameter(kLanguageModel, fmt::format("{}en-us.lm.bin", kEnglish), &config);
  DefaultParameter(kDictionary, fmt::format("{}cmudict-en-us.dict", kEnglish), &config);
  DefaultParameter(kLanguages, "en", &config);
  DefaultParameter(kMaxSeconds, std::to_string(kDefaultSeconds), &config);
  SOUVENIR_RETURN_IF_ERROR(CheckLanguages(config));
  SOUVENIR_ASSIGN_OR_RETURN(const PocketsphinxSettings settings,
                            ReadPocketsphinxSettings(*description));
  // An utterance is decoded several times as fast as it was spoken, on a processor of its own.
  DefaultParameter("run_limit_ms", std::to_string(settings.max_seconds * 1000), &config);
  SOUVENIR_RETURN_IF_ERROR(FixedParameter("task", "transcription", kEngine, &config));
  SOUVENIR_RETURN_IF_ERROR(FixedParameter("row_exact", "true", kEngine, &config));
  return FixedParameter("isolation", "process", kEngine, &config);
}

absl::StatusOr<PocketsphinxSettings> ReadPocketsphinxSettings(const ModelDescription& description) {
  PocketsphinxSettings settings;
  SOUVENIR_ASSIGN_OR_RETURN(settings.acoustic_model, PathParameter(description, kAcousticModel));
  SOUVENIR_ASSIGN_OR_RETURN(settings.language_model, PathParameter(description, kLanguageModel));
  SOUVENIR_ASSIGN_OR_RETURN(settings.dictionary, PathParameter(description, kDictionary));
  SOUVENIR_ASSIGN_OR_RETURN(const std::optional<int64_t> seconds,
                            NumberParameter(description.config, kMaxSeconds, kMostSeconds));
  if (!seconds) return Refused(description.config, "parameter max_seconds is missing");
  settings.max_seconds = *seconds;
  return settings;
}

absl::StatusOr<std::vector<std::string>> PocketsphinxFiles(std::string_view model,
                                                           const PocketsphinxSettings& settings) {
  std::vector<std::string> files;
  std::error_code error;
  for (fs::directory_iterator it(settings.acoustic_model, error);
       !error && it != fs::directory_iterator(); it.increment(error)) {
    if (it->is_regular_file(error)) files.push_back(it->path().string());
  }
  if (error) {
    return CannotRead(model,
                      fmt::format("cannot read {}: {}", settings.acoustic_model, error.message()));
  }
  if (files.empty()) {
    return CannotRead(model, fmt::format("{} has no files", settings.acoustic_model));
  }
  std::sort(files.begin(), files.end());
  files.push_back(settings.language_model);
  files.push_back(settings.dictionary);
  for (const std::string& file : files) {
    if (const absl::Status readable = OpenRegularFile(file).status(); !readable.ok()) {
      return CannotRead(model, std::string(readable.message()));
    }
  }
  return files;
}

}  // namespace souvenir::compute
