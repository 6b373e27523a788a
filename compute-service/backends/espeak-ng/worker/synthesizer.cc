#include "compute-service/backends/espeak-ng/worker/synthesizer.h"

#include <espeak-ng/speak_lib.h>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include "common/status_macros.h"

namespace souvenir::compute {
namespace {

static_assert(std::endian::native == std::endian::little);

// The speech under way, because the callback gets no pointer of ours.
struct Output {
  std::string* samples = nullptr;
  size_t most_bytes = 0;
  bool too_long = false;
};
Output output;

int Take(short* samples, int count, espeak_EVENT*) {
  if (samples == nullptr || count <= 0) return 0;
  const size_t bytes = static_cast<size_t>(count) * sizeof(int16_t);
  if (output.samples->size() + bytes > output.most_bytes) {
    output.too_long = true;
    return 1;  // stops the synthesis
  }
  output.samples->append(reinterpret_cast<const char*>(samples), bytes);
  return 0;
}

absl::Status Unusable(const std::string& data, std::string_view reason) {
  return absl::FailedPreconditionError(
      fmt::format("eSpeak NG does not accept the data in {}: {}", data, reason));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Synthesizer>> Synthesizer::Create(const std::string& data) {
  SOUVENIR_ASSIGN_OR_RETURN(DataStamps stamps, DataStamps::Note(data));
  if (chdir(data.c_str()) != 0) return Unusable(data, std::generic_category().message(errno));
  // The library's thread inherits the mask. Otherwise it might get the signals that tell a host of
  // the ends of its workers.
  sigset_t all;
  sigset_t before;
  (void)sigfillset(&all);
  (void)pthread_sigmask(SIG_SETMASK, &all, &before);
  const int rate = espeak_Initialize(AUDIO_OUTPUT_SYNCHRONOUS, /*buflength=*/0, data.c_str(),
                                     espeakINITIALIZE_DONT_EXIT);
  (void)pthread_sigmask(SIG_SETMASK, &before, nullptr);
  // Without usable files the library may return 0, which is no error by its documentation.
  if (rate <= 0) return Unusable(data, fmt::format("its initialisation returned {}", rate));
  // Without a folder there, the library takes another one.
  const char* used = nullptr;
  (void)espeak_Info(&used);
  std::error_code error;
  if (used == nullptr || !std::filesystem::equivalent(used, data, error)) {
    return Unusable(data, fmt::format("it uses {}", used == nullptr ? "nothing" : used));
  }
  espeak_SetSynthCallback(Take);
  // The list is read now, because a request would wait for it.
  (void)espeak_ListVoices(nullptr);
  return std::unique_ptr<Synthesizer>(new Synthesizer(std::move(stamps), rate));
}

absl::StatusOr<std::string> Synthesizer::Speak(const Speech& speech, int64_t max_seconds) {
  absl::StatusOr<std::string> samples = SpeakNow(speech, max_seconds);
  SOUVENIR_RETURN_IF_ERROR(stamps_.Check(speech.voice_file));
  return samples;
}

absl::StatusOr<std::string> Synthesizer::SpeakNow(const Speech& speech, int64_t max_seconds) const {
  // A voice that is not found leaves the last one in use.
  const espeak_ERROR set = espeak_SetVoiceByName(speech.voice_file.c_str());
  const espeak_VOICE* const voice = espeak_GetCurrentVoice();
  if (set != EE_OK || voice == nullptr || voice->identifier == nullptr ||
      voice->identifier != speech.voice_file) {
    return absl::InternalError(
        fmt::format("eSpeak NG cannot load its voice {}", speech.voice_file));
  }
  if (espeak_SetParameter(espeakRATE, speech.words_per_minute, /*relative=*/0) != EE_OK ||
      espeak_SetParameter(espeakPITCH, speech.pitch, /*relative=*/0) != EE_OK) {
    return absl::InternalError("eSpeak NG refuses a rate or pitch");
  }
  std::string samples;
  output = {.samples = &samples,
            .most_bytes = static_cast<size_t>(max_seconds * samples_per_second_) * sizeof(int16_t)};
  // Neither espeakSSML nor espeakPHONEMES: markup is text.
  const espeak_ERROR spoken =
      espeak_Synth(speech.text.c_str(), speech.text.size() + 1, /*position=*/0, POS_CHARACTER,
                   /*end_position=*/0, espeakCHARS_UTF8 | espeakENDPAUSE,
                   /*unique_identifier=*/nullptr, /*user_data=*/nullptr);
  output.samples = nullptr;
  if (output.too_long) {
    return absl::InvalidArgumentError(fmt::format(
        "the speech is longer than the model's limit of {} s (max_seconds)", max_seconds));
  }
  if (spoken != EE_OK) {
    return absl::InternalError(fmt::format("eSpeak NG failed with code {}", int{spoken}));
  }
  return samples;
}

}  // namespace souvenir::compute
