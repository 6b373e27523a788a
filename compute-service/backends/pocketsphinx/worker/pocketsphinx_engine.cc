#include "compute-service/backends/pocketsphinx/worker/pocketsphinx_engine.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/clock.h"
#include "common/status_macros.h"
#include "common/tensor/bytes_elements.h"
#include "common/tensor/elements.h"
#include "compute-service/backends/pocketsphinx/model_config.h"
#include "compute-service/backends/pocketsphinx/worker/recognizer.h"

namespace souvenir::compute {
namespace {

// Rounded, so that the text is short and the same wherever a last bit differs.
double Rounded(double number) { return std::round(number * 1000) / 1000; }

std::string WordsJson(const Transcript& transcript) {
  nlohmann::ordered_json words = nlohmann::ordered_json::array();
  for (const RecognizedWord& word : transcript.words) {
    words.push_back({{"word", word.text},
                     {"start", Rounded(word.start)},
                     {"end", Rounded(word.end)},
                     {"confidence", Rounded(word.confidence)}});
  }
  // A dictionary may have words that are not UTF-8.
  return words.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

// Returns the mean over the words; 0 if there is none.
float MeanConfidence(const Transcript& transcript) {
  double sum = 0;
  for (const RecognizedWord& word : transcript.words) sum += word.confidence;
  return transcript.words.empty() ? 0.0F
                                  : static_cast<float>(Rounded(sum / transcript.words.size()));
}

class PocketsphinxInstance final : public Instance {
 public:
  PocketsphinxInstance(Recognizer* recognizer, int64_t max_seconds)
      : recognizer_(recognizer), max_seconds_(max_seconds) {}

  absl::StatusOr<InferenceResult> Run(const InferenceRequest& request) override {
    if (request.inputs.size() != 1 || request.inputs[0].name != kAudioInput ||
        request.inputs[0].datatype != DataType::kBytes) {
      return absl::InvalidArgumentError(fmt::format(
          "expected one input, '{}' of BYTES, got {} inputs", kAudioInput, request.inputs.size()));
    }
    BytesElementReader elements(request.inputs[0].data);
    const std::optional<std::string_view> audio = elements.Next();
    if (!audio || !elements.complete()) {
      return absl::InvalidArgumentError(
          fmt::format("'{}' must have one element; rows come one by one", kAudioInput));
    }
    const absl::Duration begun = Clock::System()->Monotonic();
    SOUVENIR_ASSIGN_OR_RETURN(const std::vector<int16_t> samples, Samples(*audio));
    SOUVENIR_ASSIGN_OR_RETURN(const Transcript transcript, recognizer_->Recognize(samples));
    InferenceResult result;
    for (const std::string& name : request.outputs) {
      SOUVENIR_ASSIGN_OR_RETURN(Tensor output, Output(name, transcript));
      output.shape.assign(request.inputs[0].shape.begin(), request.inputs[0].shape.end());
      result.outputs.push_back(std::move(output));
    }
    result.compute_time = Clock::System()->Monotonic() - begun;
    return result;
  }

 private:
  absl::StatusOr<std::vector<int16_t>> Samples(std::string_view audio) const {
    if (audio.size() % sizeof(int16_t) != 0) {
      return absl::InvalidArgumentError(fmt::format(
          "{} has {} bytes; it must be 16-bit samples of {} Hz, and so an even number of bytes",
          kAudioInput, audio.size(), kSamplesPerSecond));
    }
    const size_t samples = audio.size() / sizeof(int16_t);
    if (samples > static_cast<size_t>(max_seconds_) * kSamplesPerSecond) {
      return absl::InvalidArgumentError(fmt::format(
          "{} has {:.1f} s of {} Hz; this model takes at most {} s (max_seconds)", kAudioInput,
          static_cast<double>(samples) / kSamplesPerSecond, kSamplesPerSecond, max_seconds_));
    }
    return ToElements<int16_t>(audio);
  }

  static absl::StatusOr<Tensor> Output(const std::string& name, const Transcript& transcript) {
    if (name == kTextOutput) {
      return Tensor{name, DataType::kBytes, {}, FrameBytesElement(transcript.text)};
    }
    if (name == kWordsOutput) {
      return Tensor{name, DataType::kBytes, {}, FrameBytesElement(WordsJson(transcript))};
    }
    if (name == kConfidenceOutput) {
      return Tensor{name, DataType::kFp32, {}, FromElements<float>({MeanConfidence(transcript)})};
    }
    return absl::InvalidArgumentError(fmt::format("output '{}' does not exist", name));
  }

  Recognizer* const recognizer_;
  const int64_t max_seconds_;
};

class PocketsphinxModel final : public Model {
 public:
  PocketsphinxModel(std::unique_ptr<Recognizer> recognizer, int64_t max_seconds)
      : recognizer_(std::move(recognizer)), max_seconds_(max_seconds) {}

  // Instances share the decoder, which has its own copy in each process.
  absl::StatusOr<std::unique_ptr<Instance>> CreateInstance() override {
    return std::make_unique<PocketsphinxInstance>(recognizer_.get(), max_seconds_);
  }

 private:
  const std::unique_ptr<Recognizer> recognizer_;
  const int64_t max_seconds_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Model>> PocketsphinxEngine::Load(const ModelDescription& description,
                                                                const Cancellation*) {
  SOUVENIR_ASSIGN_OR_RETURN(const PocketsphinxSettings settings,
                            ReadPocketsphinxSettings(description));
  SOUVENIR_ASSIGN_OR_RETURN(std::unique_ptr<Recognizer> recognizer,
                            Recognizer::Load(description.config.name(), settings));
  return std::make_unique<PocketsphinxModel>(std::move(recognizer), settings.max_seconds);
}

}  // namespace souvenir::compute
