#include "compute-service/backends/pocketsphinx/worker/recognizer.h"

#include <fmt/format.h>
#include <pocketsphinx/pocketsphinx.h>
#include <sphinxbase/cmd_ln.h>
#include <sphinxbase/err.h>
#include <sphinxbase/logmath.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>

#include "common/read_file.h"
#include "compute-service/backends/pocketsphinx/worker/model_definition.h"

namespace souvenir::compute {
namespace {

constexpr int kFramesPerSecond = 100;

constexpr uint64_t kMostDefinitionBytes = 256 << 20;  // the English one has 3 MB

// Frames are 25.6 ms long. The engine has no hypothesis for less than one.
constexpr size_t kFrameSamples = 410;

// Loudest sample of digital silence. It has no spectrum, and the engine hears a word in it: "dog",
// with confidence 1. Speech that is this quiet (-72 dB) is not understood.
constexpr int kSilentPeak = 8;

bool IsSilent(absl::Span<const int16_t> samples) {
  return std::all_of(samples.begin(), samples.end(), [](int16_t sample) {
    return sample >= -kSilentPeak && sample <= kSilentPeak;
  });
}

// Keeps the last complaint of the engine, and writes every complaint to standard error, which
// reaches the service if a load ends the process. The engine's log is one for the process.
class Complaints {
 public:
  Complaints() {
    err_set_logfp(nullptr);  // otherwise it gets a list of all settings, whatever the callback is
    err_set_callback(&Complaints::Take, this);
  }
  ~Complaints() { err_set_callback(&Complaints::Drop, nullptr); }

  const std::string& last() const { return last_; }

 private:
  static void Take(void* self, err_lvl_t level, const char* format, ...) {
    if (level < ERR_ERROR) return;
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    std::string text = line;
    while (!text.empty() && text.back() == '\n') text.pop_back();
    (void)fprintf(stderr, "%s\n", text.c_str());
    static_cast<Complaints*>(self)->last_ = std::move(text);
  }
  static void Drop(void*, err_lvl_t, const char*, ...) {}

  std::string last_;
};

// Returns the word of the dictionary's entry "the(2)"; empty for fillers: <s>, </s>, <sil>,
// [NOISE], ++COUGH++.
std::string_view SpokenWord(std::string_view entry) {
  if (entry.empty() || entry.front() == '<' || entry.front() == '[' || entry.starts_with("++")) {
    return {};
  }
  if (entry.back() == ')') {
    const size_t open = entry.rfind('(');
    if (open != std::string_view::npos && open > 0) entry = entry.substr(0, open);
  }
  return entry;
}

absl::Status CannotLoad(std::string_view model, const PocketsphinxSettings& settings,
                        std::string_view reason) {
  return absl::InvalidArgumentError(
      fmt::format("model {}: PocketSphinx cannot load hmm {}, lm {} and dict {}: {}", model,
                  settings.acoustic_model, settings.language_model, settings.dictionary, reason));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Recognizer>> Recognizer::Load(std::string_view model,
                                                             const PocketsphinxSettings& settings) {
  // The engine itself says that a file is not there.
  const absl::StatusOr<std::string> definition =
      ReadFile(settings.acoustic_model + "/mdef", kMostDefinitionBytes);
  if (definition.ok()) {
    if (const absl::Status complete = CheckModelDefinition(*definition); !complete.ok()) {
      return CannotLoad(model, settings, std::string(complete.message()));
    }
  }
  const Complaints complaints;
  // Files are not mapped, because one that is overwritten would change under the digest.
  // With remove_silence the times of words would count only the frames that it lets through.
  cmd_ln_t* config =
      cmd_ln_init(nullptr, ps_args(), TRUE, "-hmm", settings.acoustic_model.c_str(), "-lm",
                  settings.language_model.c_str(), "-dict", settings.dictionary.c_str(),
                  "-remove_silence", "no", "-mmap", "no", nullptr);
  if (config == nullptr) return CannotLoad(model, settings, complaints.last());
  ps_decoder_t* decoder = ps_init(config);
  cmd_ln_free_r(config);
  if (decoder == nullptr) {
    return CannotLoad(model, settings,
                      complaints.last().empty() ? "it gives no reason" : complaints.last());
  }
  std::unique_ptr<Recognizer> recognizer(new Recognizer(decoder));
  // A model's feat.params override what is set here.
  cmd_ln_t* used = ps_get_config(decoder);
  if (const double rate = cmd_ln_float_r(used, "-samprate"); rate != kSamplesPerSecond) {
    return CannotLoad(model, settings,
                      fmt::format("the acoustic model is for {} Hz; only {} Hz is supported", rate,
                                  kSamplesPerSecond));
  }
  if (cmd_ln_boolean_r(used, "-remove_silence") != 0 ||
      cmd_ln_int_r(used, "-frate") != kFramesPerSecond) {
    return CannotLoad(model, settings,
                      "its feat.params must set neither -remove_silence nor -frate");
  }
  return recognizer;
}

Recognizer::~Recognizer() { ps_free(decoder_); }

absl::StatusOr<Transcript> Recognizer::Recognize(absl::Span<const int16_t> samples) {
  if (samples.size() < kFrameSamples || IsSilent(samples)) return Transcript{};
  // The whole utterance at once: its own mean is then subtracted, which is more accurate than a
  // running mean (26.8 % instead of 29.6 % of words wrong on read speech).
  if (ps_start_stream(decoder_) < 0 || ps_start_utt(decoder_) < 0 ||
      ps_process_raw(decoder_, samples.data(), samples.size(), FALSE, TRUE) < 0 ||
      ps_end_utt(decoder_) < 0) {
    return absl::InternalError("PocketSphinx could not decode the utterance");
  }
  return ReadTranscript();
}

Transcript Recognizer::ReadTranscript() {
  Transcript transcript;
  int32 score = 0;
  if (ps_get_hyp(decoder_, &score) == nullptr) return transcript;
  logmath_t* const log = ps_get_logmath(decoder_);
  for (ps_seg_t* segment = ps_seg_iter(decoder_); segment != nullptr;
       segment = ps_seg_next(segment)) {
    const std::string_view word = SpokenWord(ps_seg_word(segment));
    if (word.empty()) continue;
    int first = 0;
    int last = 0;
    ps_seg_frames(segment, &first, &last);
    const double probability = logmath_exp(log, ps_seg_prob(segment, nullptr, nullptr, nullptr));
    transcript.words.push_back({.text = std::string(word),
                                .start = static_cast<double>(first) / kFramesPerSecond,
                                .end = static_cast<double>(last + 1) / kFramesPerSecond,
                                .confidence = std::clamp(probability, 0.0, 1.0)});
    if (!transcript.text.empty()) transcript.text += ' ';
    transcript.text += word;
  }
  return transcript;
}

}  // namespace souvenir::compute
