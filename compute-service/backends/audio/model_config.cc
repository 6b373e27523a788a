#include "compute-service/backends/audio/model_config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/audio/cutter_parameters.h"
#include "common/status_macros.h"
#include "compute-service/backends/model_parameters.h"

namespace souvenir::compute {
namespace {

using inference::ModelConfig;

constexpr std::string_view kTasks[] = {"segmentation", "encoding"};

// Rows of one request for files: a few sentences of a voice.
constexpr int kMostEncodedRows = 8;

// A recording of hours takes longer than the service's own limit of a row.
constexpr char kRunLimit[] = "run_limit_ms";
constexpr char kSegmentationRunLimitMs[] = "60000";

// The parameters of segmentation that are not the cutter's. All are numbers.
struct Number {
  std::string_view name;
  int64_t least;
  int64_t most;
  int64_t AudioSettings::*place;
};
constexpr Number kNumbers[] = {
    {"max_seconds", 1, 86'400, &AudioSettings::max_seconds},
    {"max_answer_bytes", 1'024, 256 << 20, &AudioSettings::max_answer_bytes},
};

struct DeclaredTensor {
  std::string_view name;
  inference::DataType type;
  int64_t dimension;
  bool optional = false;
};

const std::vector<DeclaredTensor>& Inputs(AudioTask task) {
  static const auto* const segmentation =
      new std::vector<DeclaredTensor>{{"AUDIO", inference::TYPE_STRING, 1},
                                      {"FORMAT", inference::TYPE_STRING, 1, /*optional=*/true}};
  static const auto* const encoding =
      new std::vector<DeclaredTensor>{{"PCM", inference::TYPE_STRING, 1},
                                      {"SAMPLE_RATE", inference::TYPE_INT32, 1},
                                      {"CONTAINER", inference::TYPE_STRING, 1}};
  return task == AudioTask::kSegmentation ? *segmentation : *encoding;
}

const std::vector<DeclaredTensor>& Outputs(AudioTask task) {
  static const auto* const segmentation =
      new std::vector<DeclaredTensor>{{"PCM", inference::TYPE_STRING, -1},
                                      {"START", inference::TYPE_INT64, -1},
                                      {"END", inference::TYPE_INT64, -1},
                                      {"DURATION", inference::TYPE_INT64, 1}};
  static const auto* const encoding =
      new std::vector<DeclaredTensor>{{"AUDIO", inference::TYPE_STRING, 1}};
  return task == AudioTask::kSegmentation ? *segmentation : *encoding;
}

absl::Status Refused(const ModelConfig& config, std::string_view what) {
  return absl::InvalidArgumentError(fmt::format("model {}: {}", config.name(), what));
}

bool IsOptional(const inference::ModelInput& input) { return input.optional(); }
bool IsOptional(const inference::ModelOutput&) { return false; }
void SetOptional(inference::ModelInput* input) { input->set_optional(true); }
void SetOptional(inference::ModelOutput*) {}

// Fills in the tensors if the configuration has none. INVALID_ARGUMENT if it has other ones.
template <typename ModelTensors>
absl::Status CompleteTensors(const ModelConfig& config, std::string_view role,
                             const std::vector<DeclaredTensor>& expected, ModelTensors* tensors) {
  if (tensors->empty()) {
    for (const DeclaredTensor& tensor : expected) {
      auto* const added = tensors->Add();
      added->set_name(std::string(tensor.name));
      added->set_data_type(tensor.type);
      added->add_dims(tensor.dimension);
      if (tensor.optional) SetOptional(added);
    }
    return absl::OkStatus();
  }
  const bool same = std::equal(expected.begin(), expected.end(), tensors->begin(), tensors->end(),
                               [](const DeclaredTensor& a, const auto& b) {
                                 return a.name == b.name() && a.type == b.data_type() &&
                                        a.optional == IsOptional(b) && b.dims_size() == 1 &&
                                        a.dimension == b.dims(0);
                               });
  if (same) return absl::OkStatus();
  std::vector<std::string> texts;
  for (const DeclaredTensor& tensor : expected) {
    texts.push_back(fmt::format("\"{}\" of {} with dims [{}]{}", tensor.name,
                                inference::DataType_Name(tensor.type), tensor.dimension,
                                tensor.optional ? ", optional" : ""));
  }
  return Refused(config, fmt::format("its {}s differ from those of its task, which are {}; leave "
                                     "them out or correct them",
                                     role, fmt::join(texts, ", ")));
}

absl::StatusOr<AudioTask> TaskOf(const ModelConfig& config) {
  if (!Parameter(config, "task")) {
    return Refused(config, fmt::format("parameter 'task' is missing; it must be one of {}",
                                       fmt::join(kTasks, ", ")));
  }
  SOUVENIR_ASSIGN_OR_RETURN(const std::string_view task, ChoiceParameter(config, "task", kTasks));
  return task == kTasks[0] ? AudioTask::kSegmentation : AudioTask::kEncoding;
}

absl::Status CompleteBatch(AudioTask task, ModelConfig* config) {
  const int most = task == AudioTask::kEncoding ? kMostEncodedRows : 0;
  if (config->max_batch_size() == 0) config->set_max_batch_size(most);
  if (config->max_batch_size() < 0 || config->max_batch_size() > most) {
    return Refused(*config, fmt::format("max_batch_size is {}; its task allows at most {}",
                                        config->max_batch_size(), most));
  }
  if (task == AudioTask::kEncoding) DefaultParameter("row_exact", "true", config);
  return SwitchParameter(*config, "row_exact").status();
}

// Returns the text of a parameter. INVALID_ARGUMENT if it is absent.
absl::StatusOr<std::string_view> CompleteParameter(const ModelConfig& config,
                                                   std::string_view name) {
  const std::optional<std::string_view> text = Parameter(config, std::string(name));
  if (text) return *text;
  return Refused(config,
                 fmt::format("parameter '{}' is missing: the configuration is incomplete", name));
}

}  // namespace

absl::Status CompleteAudioConfig(int64_t max_answer_bytes, ModelConfig* config) {
  SOUVENIR_ASSIGN_OR_RETURN(const AudioTask task, TaskOf(*config));
  std::vector<std::string_view> names;
  if (task == AudioTask::kSegmentation) {
    for (const Number& number : kNumbers) names.push_back(number.name);
    for (const CutterParameter& one : CutterParameters()) names.push_back(one.name);
  }
  SOUVENIR_RETURN_IF_ERROR(CheckParameterNames(*config, "audio", names));
  if (const auto isolation = Parameter(*config, "isolation");
      isolation && *isolation != "process") {
    return Refused(*config, fmt::format("isolation is \"{}\"; models of audio support only "
                                        "\"process\"",
                                        *isolation));
  }
  SOUVENIR_RETURN_IF_ERROR(CompleteBatch(task, config));
  SOUVENIR_RETURN_IF_ERROR(
      CompleteTensors(*config, "input", Inputs(task), config->mutable_input()));
  SOUVENIR_RETURN_IF_ERROR(
      CompleteTensors(*config, "output", Outputs(task), config->mutable_output()));
  // The same samples give the same answer, and the same refusal.
  if (!config->has_response_cache()) config->mutable_response_cache()->set_enable(true);
  DefaultParameter("deterministic_errors", "true", config);
  if (task == AudioTask::kSegmentation) {
    AudioSettings defaults{.max_answer_bytes = max_answer_bytes};
    for (const Number& number : kNumbers) {
      DefaultParameter(std::string(number.name), std::to_string(defaults.*number.place), config);
    }
    for (const CutterParameter& one : CutterParameters()) {
      DefaultParameter(std::string(one.name), std::to_string(*one.place(&defaults.cutter)), config);
    }
    DefaultParameter(kRunLimit, kSegmentationRunLimitMs, config);
  }
  return ReadAudioSettings(*config).status();
}

absl::StatusOr<AudioSettings> ReadAudioSettings(const ModelConfig& config) {
  AudioSettings settings;
  SOUVENIR_ASSIGN_OR_RETURN(settings.task, TaskOf(config));
  if (settings.task == AudioTask::kEncoding) return settings;
  for (const Number& number : kNumbers) {
    SOUVENIR_ASSIGN_OR_RETURN(const std::string_view text, CompleteParameter(config, number.name));
    const absl::StatusOr<int64_t> value =
        ReadCutterNumber(number.name, text, number.least, number.most);
    if (!value.ok()) return Refused(config, std::string(value.status().message()));
    settings.*number.place = *value;
  }
  for (const CutterParameter& one : CutterParameters()) {
    SOUVENIR_RETURN_IF_ERROR(CompleteParameter(config, one.name).status());
  }
  const absl::StatusOr<SegmentCutter::Options> cutter = ReadCutterOptions(
      [&](std::string_view name) { return Parameter(config, std::string(name)); });
  if (!cutter.ok()) return Refused(config, std::string(cutter.status().message()));
  settings.cutter = *cutter;
  return settings;
}

}  // namespace souvenir::compute
