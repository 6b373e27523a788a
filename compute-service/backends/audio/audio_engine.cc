#include "compute-service/backends/audio/audio_engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/clock.h"
#include "common/status_macros.h"
#include "common/tensor/bytes_elements.h"
#include "common/tensor/elements.h"
#include "common/tensor/tensor.h"
#include "compute-service/backends/audio/audio_writer.h"
#include "compute-service/backends/audio/model_config.h"
#include "compute-service/backends/audio/segmentation.h"

namespace souvenir::compute {
namespace {

// Returns the input called `name`, or an empty view if the request has none.
TensorView InputNamed(std::string_view name, const InferenceRequest& request) {
  for (const TensorView& input : request.inputs) {
    if (input.name == name) return input;
  }
  return {};
}

// Returns the elements of an input of BYTES.
std::vector<std::string_view> Texts(const TensorView& input) {
  std::vector<std::string_view> texts;
  BytesElementReader reader(input.data);
  while (const std::optional<std::string_view> text = reader.Next()) texts.push_back(*text);
  return texts;
}

std::string_view FirstText(const TensorView& input) {
  return BytesElementReader(input.data).Next().value_or("");
}

absl::StatusOr<std::vector<Tensor>> Segment(const AudioSettings& settings,
                                            const InferenceRequest& request) {
  const auto wants = [&](std::string_view name) {
    return std::find(request.outputs.begin(), request.outputs.end(), name) != request.outputs.end();
  };
  SOUVENIR_ASSIGN_OR_RETURN(
      Segments segments,
      CutRecording(FirstText(InputNamed("AUDIO", request)),
                   FirstText(InputNamed("FORMAT", request)), wants("PCM"), settings));
  const auto count = static_cast<int64_t>(segments.starts.size());
  std::vector<Tensor> outputs;
  for (const std::string& name : request.outputs) {
    if (name == "PCM") {
      outputs.push_back({name, DataType::kBytes, {count}, std::move(segments.pcm)});
    } else if (name == "START") {
      outputs.push_back({name, DataType::kInt64, {count}, FromElements<int64_t>(segments.starts)});
    } else if (name == "END") {
      outputs.push_back({name, DataType::kInt64, {count}, FromElements<int64_t>(segments.ends)});
    } else {
      outputs.push_back({name, DataType::kInt64, {1}, FromElements<int64_t>({segments.duration})});
    }
  }
  return outputs;
}

absl::StatusOr<std::vector<Tensor>> Encode(const InferenceRequest& request) {
  const std::vector<std::string_view> pcm = Texts(InputNamed("PCM", request));
  const std::vector<int32_t> rates = ToElements<int32_t>(InputNamed("SAMPLE_RATE", request).data);
  const std::vector<std::string_view> containers = Texts(InputNamed("CONTAINER", request));
  if (pcm.size() != rates.size() || pcm.size() != containers.size()) {
    return absl::InternalError(fmt::format("PCM has {} rows, SAMPLE_RATE {} and CONTAINER {}",
                                           pcm.size(), rates.size(), containers.size()));
  }
  std::string files;
  for (size_t row = 0; row < pcm.size(); ++row) {
    const auto file = WriteAudioFile(pcm[row], rates[row], containers[row]);
    if (!file.ok()) {
      return absl::Status(file.status().code(),
                          fmt::format("row {}: {}", row, std::string(file.status().message())));
    }
    AppendBytesElement(*file, &files);
  }
  const auto rows = static_cast<int64_t>(pcm.size());
  return std::vector<Tensor>{{"AUDIO", DataType::kBytes, {rows, 1}, std::move(files)}};
}

class AudioInstance final : public Instance {
 public:
  explicit AudioInstance(const AudioSettings& settings) : settings_(settings) {}

  absl::StatusOr<InferenceResult> Run(const InferenceRequest& request) override {
    const absl::Duration begun = Clock::System()->Monotonic();
    InferenceResult result;
    SOUVENIR_ASSIGN_OR_RETURN(result.outputs, settings_.task == AudioTask::kSegmentation
                                                  ? Segment(settings_, request)
                                                  : Encode(request));
    result.compute_time = Clock::System()->Monotonic() - begun;
    return result;
  }

 private:
  const AudioSettings settings_;
};

class AudioModel final : public Model {
 public:
  explicit AudioModel(const AudioSettings& settings) : settings_(settings) {}

  absl::StatusOr<std::unique_ptr<Instance>> CreateInstance() override {
    return std::make_unique<AudioInstance>(settings_);
  }

 private:
  const AudioSettings settings_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Model>> AudioEngine::Load(const ModelDescription& description,
                                                         const Cancellation*) {
  SOUVENIR_ASSIGN_OR_RETURN(const AudioSettings settings, ReadAudioSettings(description.config));
  return std::make_unique<AudioModel>(settings);
}

}  // namespace souvenir::compute
