#include "gateway/language/speech/synthesis.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <functional>
#include <optional>
#include <utility>

#include "common/audio/wav_header.h"
#include "common/language/composed_text.h"
#include "common/language/language_tag.h"
#include "common/language/sentences.h"
#include "common/status_macros.h"
#include "common/tensor/bytes_elements.h"

namespace souvenir::gateway {
namespace {

// A longer sentence is cut. Some minutes of speech would have to be computed before a caller hears
// anything of it.
constexpr size_t kMostSentenceBytes = 1'000;

// Returns the name of a container as models for encoding have it; "" if it needs no encoder.
std::string_view EncodedContainer(AudioContainer container) {
  switch (container) {
    case AudioContainer::kWav:
    case AudioContainer::kRaw:
      return "";
    case AudioContainer::kFlac:
      return "flac";
    case AudioContainer::kOgg:
      return "ogg";
  }
  return "";
}

template <typename T>
std::string_view BytesOf(const T& number) {
  return {reinterpret_cast<const char*>(&number), sizeof(number)};
}

}  // namespace

// Samples on their way into a container, by a model.
class Synthesis::Encoding final : public ResolveCall::Listener {
 public:
  Encoding(Synthesis* synthesis, absl::Span<const std::string_view> pcm, int64_t sample_rate,
           std::function<void()> done)
      : synthesis_(synthesis),
        sample_rate_(static_cast<int32_t>(sample_rate)),
        done_(std::move(done)) {
    size_t bytes = 0;
    for (const std::string_view part : pcm) bytes += part.size();
    samples_ = static_cast<int64_t>(bytes / sizeof(int16_t));
    std::string joined;
    joined.reserve(bytes);
    for (const std::string_view part : pcm) joined.append(part);
    framed_pcm_ = FrameBytesElement(joined);
    call_.options = synthesis->caller_->options();
    call_.questions.push_back(
        {synthesis->encoder_,
         {TensorView{kPcmTensor, DataType::kBytes, kElementRowShape, framed_pcm_},
          TensorView{kSampleRateTensor, DataType::kInt32, kElementRowShape, BytesOf(sample_rate_)},
          TensorView{kContainerTensor, DataType::kBytes, kElementRowShape,
                     synthesis->framed_container_}}});
  }

  void Start(const std::shared_ptr<void>& owner) {
    synthesis_->caller_->scope()->Resolve({owner, &call_});
  }

  void OnAllAnswered() override {
    const std::shared_ptr<void> owner = synthesis_->owner_.lock();
    synthesis_->caller_->scope()->Forget(call_);
    answered_.store(true, std::memory_order_release);
    done_();
  }

  void Release() {
    call_.ReleaseEntry(0);
    framed_pcm_ = {};
  }

  const ResolveCall& call() const { return call_; }
  bool is_answered() const { return answered_.load(std::memory_order_acquire); }

  absl::StatusOr<AudioFile> File() const {
    const Answer& answer = call_.answer(0);
    SOUVENIR_RETURN_IF_ERROR(answer.status);
    SOUVENIR_ASSIGN_OR_RETURN(const std::string_view bytes, ReadEncodedAudio(*answer.entry));
    return AudioFile{.parts = {bytes}, .samples = samples_, .sample_rate = sample_rate_};
  }

 private:
  Synthesis* const synthesis_;
  const int32_t sample_rate_;
  const std::function<void()> done_;
  int64_t samples_ = 0;
  std::string framed_pcm_;
  ResolveCall call_{this};
  std::atomic<bool> answered_{false};
};

// A sentence on its way to samples and, with Files::kForEachSentence, to a file.
class Synthesis::SpokenSentence final : public ResolveCall::Listener {
 public:
  SpokenSentence(Synthesis* synthesis, size_t number, std::string_view text)
      : synthesis_(synthesis), number_(number), framed_text_(FrameBytesElement(text)) {
    call_.options = synthesis->caller_->options();
    call_.questions.push_back(
        {synthesis->speaker_,
         {TensorView{kTextTensor, DataType::kBytes, kElementRowShape, framed_text_},
          TensorView{kVoiceTensor, DataType::kBytes, kElementRowShape, synthesis->framed_voice_},
          TensorView{kRateTensor, DataType::kFp32, kElementRowShape, BytesOf(synthesis->rate_)},
          TensorView{kPitchTensor, DataType::kFp32, kElementRowShape,
                     BytesOf(synthesis->pitch_)}}});
  }

  void Start(const std::shared_ptr<void>& owner) {
    synthesis_->caller_->scope()->Resolve({owner, &call_});
  }

  void OnAllAnswered() override {
    const std::shared_ptr<void> owner = synthesis_->owner_.lock();
    synthesis_->caller_->scope()->Forget(call_);
    spoken_ = Read();
    if (spoken_.ok() && synthesis_->NeedsEncoder() &&
        synthesis_->files_ == Files::kForEachSentence) {
      encoding_ = std::make_unique<Encoding>(
          synthesis_, absl::Span<const std::string_view>(&spoken_->pcm, 1), spoken_->sample_rate,
          [this] { synthesis_->OnSentenceReady(number_); });
    }
    answered_.store(true, std::memory_order_release);
    if (encoding_ != nullptr) return encoding_->Start(owner);
    synthesis_->OnSentenceReady(number_);
  }

  std::string_view text() const { return std::string_view(framed_text_).substr(kBytesLengthSize); }
  const absl::StatusOr<SpokenText>& spoken() const { return spoken_; }
  const ResolveCall& call() const { return call_; }
  // True once the members of these functions do not change any more.
  bool is_answered() const { return answered_.load(std::memory_order_acquire); }
  const Encoding* encoding() const { return encoding_.get(); }  // null without one

  void Release() {
    spoken_ = absl::UnknownError("released");
    call_.ReleaseEntry(0);
    if (encoding_ != nullptr) encoding_->Release();
    synthesis_->caller_->Drop(std::exchange(held_, 0));
  }

 private:
  absl::StatusOr<SpokenText> Read() {
    const Answer& answer = call_.answer(0);
    SOUVENIR_RETURN_IF_ERROR(answer.status);
    const uint64_t bytes = answer.entry->value().size();
    SOUVENIR_RETURN_IF_ERROR(synthesis_->Gather(bytes));
    SOUVENIR_RETURN_IF_ERROR(synthesis_->caller_->Hold(bytes));
    held_ = bytes;
    return ReadSpokenText(*answer.entry);
  }

  Synthesis* const synthesis_;
  const size_t number_;
  const std::string framed_text_;
  ResolveCall call_{this};
  absl::StatusOr<SpokenText> spoken_ = absl::UnknownError("not spoken yet");
  uint64_t held_ = 0;  // bytes in the lane
  std::unique_ptr<Encoding> encoding_;
  std::atomic<bool> answered_{false};
};

Synthesis::Synthesis(Listener* listener, SpeechCaller* caller, Files files)
    : listener_(listener), caller_(caller), files_(files) {}

Synthesis::~Synthesis() = default;

absl::Status Synthesis::Plan(const SynthesisRequest& request, const SpeechModels& models) {
  container_ = request.container;
  rate_ = request.rate;
  pitch_ = request.pitch + 0.0F;  // -0 would be another question than 0
  max_file_bytes_ = models.options().max_message_bytes;
  const size_t most = models.options().max_text_bytes;
  std::optional<std::string> composed;
  if (request.text.size() <= most) composed = ComposedText(request.text);
  text_ = composed ? *std::move(composed) : std::string(request.text.substr(0, most + 1));
  if (text_.size() > most) {
    return absl::InvalidArgumentError(fmt::format("the text has {} bytes, and the limit is {}",
                                                  std::max(request.text.size(), text_.size()),
                                                  most));
  }
  if (!std::isfinite(rate_) || rate_ <= 0) {
    return absl::InvalidArgumentError(
        fmt::format("rate: {} came; expected is a factor above 0, such as 1.2", rate_));
  }
  if (!std::isfinite(pitch_)) {
    return absl::InvalidArgumentError(
        fmt::format("pitch: {} came; expected is a number of semitones, such as -2", pitch_));
  }
  std::string language;
  if (!request.language.empty()) {
    SOUVENIR_ASSIGN_OR_RETURN(language, CheckedLanguageTag(request.language, "language"));
  } else if (request.voice.empty()) {
    return absl::InvalidArgumentError("neither a language nor a voice came; one is expected");
  }
  SOUVENIR_RETURN_IF_ERROR(models.CheckKnown());
  SOUVENIR_RETURN_IF_ERROR(caller_->Enter(text_.size()));
  directory_ = models.directory();
  SOUVENIR_ASSIGN_OR_RETURN(voice_, directory_->FindVoice(request.voice, language, request.engine));
  speaker_ = caller_->Ask(voice_->target);
  const std::string_view encoded = EncodedContainer(container_);
  if (!encoded.empty()) {
    SOUVENIR_ASSIGN_OR_RETURN(const TargetPtr encoder, directory_->Encoder());
    encoder_ = caller_->Ask(encoder);
    framed_container_ = FrameBytesElement(encoded);
  }
  framed_voice_ = FrameBytesElement(voice_->name);
  for (const std::string_view sentence :
       SplitSentences(text_, voice_->language, kMostSentenceBytes)) {
    sentences_.push_back(std::make_unique<SpokenSentence>(this, sentences_.size(), sentence));
  }
  if (sentences_.empty()) {
    return absl::InvalidArgumentError("the text is empty; at least one word is expected");
  }
  return absl::OkStatus();
}

void Synthesis::Start(const std::shared_ptr<void>& owner, size_t ahead) {
  owner_ = owner;
  unready_ = sentences_.size();
  const size_t first = std::clamp<size_t>(ahead, 1, sentences_.size());
  begun_ = first;
  for (size_t i = 0; i < first; ++i) Begin(i);
}

void Synthesis::Continue() {
  if (begun_ < sentences_.size()) Begin(begun_++);
}

void Synthesis::Begin(size_t sentence) {
  const std::shared_ptr<void> owner = owner_.lock();
  if (owner != nullptr) sentences_[sentence]->Start(owner);
}

absl::Status Synthesis::Gather(uint64_t bytes) {
  constexpr uint64_t kOtherFields = 64u << 10;  // of a message
  if (files_ != Files::kOne) return absl::OkStatus();
  const uint64_t sum = bytes_.fetch_add(bytes) + bytes;
  if (sum + kOtherFields <= max_file_bytes_) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      fmt::format("the audio has more bytes than a message may have, {}; StreamSynthesize sends "
                  "each sentence by itself",
                  max_file_bytes_));
}

void Synthesis::OnSentenceReady(size_t sentence) {
  listener_->OnSentence(sentence);
  if (unready_.fetch_sub(1, std::memory_order_acq_rel) > 1) return;
  if (files_ == Files::kOne) return Join();
  listener_->OnSpoken();
}

void Synthesis::Join() {
  absl::InlinedVector<std::string_view, 2> pcm;
  int64_t sample_rate = 0;
  for (const auto& sentence : sentences_) {
    const absl::StatusOr<SpokenText>& spoken = sentence->spoken();
    if (!spoken.ok()) {
      joined_ = spoken.status();
      break;
    }
    if (sample_rate != 0 && spoken->sample_rate != sample_rate) {
      joined_ = absl::InternalError(
          fmt::format("model '{}' speaks one sentence with {} Hz and the "
                      "next with {} Hz",
                      speaker_->model().name(), sample_rate, spoken->sample_rate));
      break;
    }
    sample_rate = spoken->sample_rate;
    pcm.push_back(spoken->pcm);
  }
  if (!joined_.ok() || !NeedsEncoder()) return listener_->OnSpoken();
  encoding_ = std::make_unique<Encoding>(this, pcm, sample_rate, [this] { listener_->OnSpoken(); });
  encoding_->Start(owner_.lock());
}

AudioFile Synthesis::Contain(absl::InlinedVector<std::string_view, 2> pcm,
                             int64_t sample_rate) const {
  AudioFile file{.parts = std::move(pcm), .sample_rate = sample_rate};
  size_t bytes = 0;
  for (const std::string_view part : file.parts) bytes += part.size();
  file.samples = static_cast<int64_t>(bytes / sizeof(int16_t));
  if (container_ == AudioContainer::kWav) {
    file.header = WavHeader(static_cast<uint32_t>(sample_rate), static_cast<uint32_t>(bytes));
  }
  return file;
}

ResolvedCalls Synthesis::calls() const {
  ResolvedCalls calls;
  for (const auto& sentence : sentences_) {
    if (!sentence->is_answered()) continue;
    calls.push_back(&sentence->call());
    const Encoding* const encoding = sentence->encoding();
    if (encoding != nullptr && encoding->is_answered()) calls.push_back(&encoding->call());
  }
  if (encoding_ != nullptr) calls.push_back(&encoding_->call());
  return calls;
}

Synthesis::Sentence Synthesis::sentence(size_t i, absl::Time now) const {
  const SpokenSentence& spoken = *sentences_[i];
  Sentence sentence{.text = spoken.text(),
                    .status = spoken.spoken().status(),
                    .provenance = ProvenanceOf(spoken.call(), 0, now)};
  if (!sentence.status.ok() || files_ == Files::kOne) return sentence;
  if (spoken.encoding() == nullptr) {
    sentence.file = Contain({spoken.spoken()->pcm}, spoken.spoken()->sample_rate);
    return sentence;
  }
  absl::StatusOr<AudioFile> file = spoken.encoding()->File();
  sentence.status = file.status();
  if (file.ok()) sentence.file = *std::move(file);
  return sentence;
}

void Synthesis::Release(size_t i) { sentences_[i]->Release(); }

absl::Status Synthesis::OverallStatus() const {
  if (files_ == Files::kForEachSentence) {
    for (const auto& sentence : sentences_) {
      SOUVENIR_RETURN_IF_ERROR(sentence->spoken().status());
      if (sentence->encoding() != nullptr) {
        SOUVENIR_RETURN_IF_ERROR(sentence->encoding()->File().status());
      }
    }
    return absl::OkStatus();
  }
  SOUVENIR_RETURN_IF_ERROR(joined_);
  return encoding_ == nullptr ? absl::OkStatus() : encoding_->File().status();
}

AudioFile Synthesis::file() const {
  if (encoding_ != nullptr) return *encoding_->File();
  absl::InlinedVector<std::string_view, 2> pcm;
  for (const auto& sentence : sentences_) pcm.push_back(sentence->spoken()->pcm);
  return Contain(std::move(pcm), sentences_.front()->spoken()->sample_rate);
}

}  // namespace souvenir::gateway
