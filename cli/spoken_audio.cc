#include "cli/spoken_audio.h"

#include <fmt/format.h>

namespace souvenir::cli {
namespace {

using souvenir::v1::AUDIO_CONTAINER_WAV;

constexpr uint32_t kHeaderBytes = 36;  // those that the header itself counts
constexpr size_t kMostWavBytes = UINT32_MAX - kHeaderBytes - 1;

void AppendNumber(uint32_t number, size_t bytes, std::string* out) {
  for (size_t i = 0; i < bytes; ++i) *out += static_cast<char>(number >> (8 * i));
}

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

std::string WavHeader(uint32_t sample_rate, uint32_t sample_bytes) {
  constexpr uint32_t kBytesPerSample = 2;
  std::string header = "RIFF";
  AppendNumber(kHeaderBytes + sample_bytes, 4, &header);
  header += "WAVEfmt ";
  AppendNumber(16, 4, &header);  // bytes of this part
  AppendNumber(1, 2, &header);   // PCM
  AppendNumber(1, 2, &header);   // channels
  AppendNumber(sample_rate, 4, &header);
  AppendNumber(sample_rate * kBytesPerSample, 4, &header);  // bytes in a second
  AppendNumber(kBytesPerSample, 2, &header);                // bytes of all channels' samples
  AppendNumber(8 * kBytesPerSample, 2, &header);
  header += "data";
  AppendNumber(sample_bytes, 4, &header);
  return header;
}

}  // namespace souvenir::cli
