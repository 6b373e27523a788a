#include "compute-service/backends/espeak-ng/worker/espeak_ng_engine.h"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/clock.h"
#include "common/status_macros.h"
#include "common/tensor/bytes_elements.h"
#include "common/tensor/elements.h"
#include "compute-service/backends/espeak-ng/model_config.h"
#include "compute-service/backends/espeak-ng/prosody.h"
#include "compute-service/backends/espeak-ng/spoken_text.h"
#include "compute-service/backends/espeak-ng/worker/synthesizer.h"
#include "compute-service/workers/worker_protocol.h"

namespace souvenir::compute {
namespace {

absl::Status MissingInput(std::string_view name) {
  return absl::InvalidArgumentError(fmt::format(
      "input '{}' with one element of its datatype is missing; rows come one by one", name));
}

absl::StatusOr<TensorView> Input(const InferenceRequest& request, std::string_view name,
                                 DataType type) {
  for (const TensorView& input : request.inputs) {
    if (input.name == name && input.datatype == type) return input;
  }
  return MissingInput(name);
}

absl::StatusOr<std::string_view> TextOf(const InferenceRequest& request, std::string_view name) {
  SOUVENIR_ASSIGN_OR_RETURN(const TensorView input, Input(request, name, DataType::kBytes));
  BytesElementReader elements(input.data);
  const std::optional<std::string_view> text = elements.Next();
  if (!text || !elements.complete()) return MissingInput(name);
  return *text;
}

absl::StatusOr<float> NumberOf(const InferenceRequest& request, std::string_view name) {
  SOUVENIR_ASSIGN_OR_RETURN(const TensorView input, Input(request, name, DataType::kFp32));
  const std::vector<float> numbers = ToElements<float>(input.data);
  if (numbers.size() != 1) return MissingInput(name);
  return numbers[0];
}

class EspeakNgInstance final : public Instance {
 public:
  EspeakNgInstance(Synthesizer* synthesizer, const EspeakNgSettings* settings,
                   const std::vector<Voice>* voices)
      : synthesizer_(synthesizer), settings_(*settings), voices_(*voices) {}

  absl::StatusOr<InferenceResult> Run(const InferenceRequest& request) override {
    const absl::Duration begun = Clock::System()->Monotonic();
    SOUVENIR_ASSIGN_OR_RETURN(const std::string audio, Speak(request));
    const TensorView text = *Input(request, kTextInput, DataType::kBytes);
    const std::vector<int64_t> shape(text.shape.begin(), text.shape.end());
    InferenceResult result;
    for (const std::string& name : request.outputs) {
      if (name == kAudioOutput) {
        result.outputs.push_back({name, DataType::kBytes, shape, FrameBytesElement(audio)});
      } else if (name == kSampleRateOutput) {
        result.outputs.push_back({name, DataType::kInt32, shape,
                                  FromElements<int32_t>({synthesizer_->samples_per_second()})});
      } else {
        return absl::InvalidArgumentError(fmt::format("output '{}' does not exist", name));
      }
    }
    result.compute_time = Clock::System()->Monotonic() - begun;
    return result;
  }

 private:
  absl::StatusOr<std::string> Speak(const InferenceRequest& request) {
    SOUVENIR_ASSIGN_OR_RETURN(const std::string_view text, TextOf(request, kTextInput));
    SOUVENIR_ASSIGN_OR_RETURN(const std::string_view voice_name, TextOf(request, kVoiceInput));
    SOUVENIR_ASSIGN_OR_RETURN(const float rate, NumberOf(request, kRateInput));
    SOUVENIR_ASSIGN_OR_RETURN(const float pitch, NumberOf(request, kPitchInput));
    if (text.size() > static_cast<size_t>(settings_.max_text_bytes)) {
      return absl::InvalidArgumentError(
          fmt::format("TEXT has {} bytes; this model takes at most {} (max_text_bytes)",
                      text.size(), settings_.max_text_bytes));
    }
    Speech speech;
    SOUVENIR_ASSIGN_OR_RETURN(const Voice voice, FindVoice(voices_, voice_name));
    speech.voice_file = voice.file;
    SOUVENIR_ASSIGN_OR_RETURN(speech.words_per_minute, WordsPerMinute(rate));
    SOUVENIR_ASSIGN_OR_RETURN(speech.pitch, EnginePitch(pitch));
    SOUVENIR_ASSIGN_OR_RETURN(speech.text, SpokenText(text));
    if (speech.text.empty()) return std::string();
    return synthesizer_->Speak(speech, settings_.max_seconds);
  }

  Synthesizer* const synthesizer_;
  const EspeakNgSettings& settings_;
  const std::vector<Voice>& voices_;
};

class EspeakNgModel final : public Model {
 public:
  EspeakNgModel(std::unique_ptr<Synthesizer> synthesizer, EspeakNgSettings settings,
                std::vector<Voice> voices)
      : synthesizer_(std::move(synthesizer)),
        settings_(std::move(settings)),
        voices_(std::move(voices)) {}

  absl::StatusOr<std::unique_ptr<Instance>> CreateInstance() override {
    return std::make_unique<EspeakNgInstance>(synthesizer_.get(), &settings_, &voices_);
  }

 private:
  const std::unique_ptr<Synthesizer> synthesizer_;
  const EspeakNgSettings settings_;
  const std::vector<Voice> voices_;
};

// Longest time for a few words, in seconds. They take some milliseconds, but with damaged data the
// engine may never return.
constexpr unsigned kTryLimit = 5;

// Speaks in a process that ends with it. Data that is damaged, or of another version, then fails
// the load and no request.
absl::Status Try(Synthesizer& synthesizer, const EspeakNgSettings& settings, const Voice& voice) {
  const pid_t pid = fork();
  if (pid < 0) return absl::ResourceExhaustedError("fork failed");
  if (pid == 0) {
    (void)alarm(kTryLimit);
    const Speech speech{.text = "1, 2.", .voice_file = voice.file};
    const absl::StatusOr<std::string> spoken = synthesizer.Speak(speech, settings.max_seconds);
    _exit(spoken.ok() && !spoken->empty() ? 0 : 1);
  }
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(
      fmt::format("eSpeak NG could not speak with voice {} of {} ({}); the data may be damaged, or "
                  "that of another version",
                  voice.name, settings.data, DescribeExit(status)));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Model>> EspeakNgEngine::Load(const ModelDescription& description,
                                                            const Cancellation*) {
  SOUVENIR_ASSIGN_OR_RETURN(EspeakNgSettings settings, ReadEspeakNgSettings(description.config));
  SOUVENIR_ASSIGN_OR_RETURN(std::vector<Voice> voices,
                            InstalledVoices(description.config, settings));
  SOUVENIR_ASSIGN_OR_RETURN(std::unique_ptr<Synthesizer> synthesizer,
                            Synthesizer::Create(settings.data));
  SOUVENIR_RETURN_IF_ERROR(Try(*synthesizer, settings, voices.front()));
  return std::make_unique<EspeakNgModel>(std::move(synthesizer), std::move(settings),
                                         std::move(voices));
}

}  // namespace souvenir::compute
