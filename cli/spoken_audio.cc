#include "cli/spoken_audio.h"

#include <fmt/format.h>

namespace souvenir::cli {
namespace {

using souvenir::v1::AUDIO_CONTAINER_WAV;

constexpr size_t kMostWavBytes = UINT32_MAX - 37;  // see WavHeader()

void Write(std::string_view bytes, std::ostream& out) {
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

}  // namespace

absl::Status SpokenAudio::Add(std::string_view audio, int32_t sample_rate) {
  if (sample_rate_ == 0) sample_rate_ = sample_rate;
  if (sample_rate != sample_rate_) {
    return absl::InternalError(
        fmt::format("sentences have different sample rates, {} Hz and {} Hz, and cannot be joined",
                    sample_rate_, sample_rate));
  }
  if (format_ != AUDIO_CONTAINER_WAV) {
    Write(audio, out_);
    out_.flush();
    return absl::OkStatus();
  }
  if (audio.size() > kMostWavBytes - samples_.size()) {
    return absl::ResourceExhaustedError(
        "the speech is longer than a WAV file can be (4 GiB); --format raw has no limit");
  }
  samples_ += audio;
  return absl::OkStatus();
}

void SpokenAudio::End() {
  if (format_ != AUDIO_CONTAINER_WAV) return;
  Write(WavHeader(static_cast<uint32_t>(sample_rate_), static_cast<uint32_t>(samples_.size())),
        out_);
  Write(samples_, out_);
}

}  // namespace souvenir::cli
