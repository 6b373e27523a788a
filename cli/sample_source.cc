#include "cli/sample_source.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include "common/audio/audio_file.h"
#include "common/audio/speech_rate.h"
#include "common/audio/speech_sampler.h"
#include "common/audio/wav_stream.h"
#include "common/read_file.h"
#include "common/status_macros.h"
#include "common/unique_fd.h"

namespace souvenir::cli {
namespace {

constexpr size_t kPieceBytes = 32u << 10;  // a second of speech

// The bytes of a file that is open.
class OpenAudioBytes final : public AudioSource {
 public:
  OpenAudioBytes(UniqueFd file, uint64_t size) : file_(std::move(file)), size_(size) {}

  uint64_t size() const override { return size_; }

  size_t Read(uint64_t at, char* out, size_t count) override {
    size_t filled = 0;
    while (filled < count) {
      const ssize_t part =
          pread(file_.get(), out + filled, count - filled, static_cast<off_t>(at + filled));
      if (part < 0 && errno == EINTR) continue;
      if (part <= 0) break;
      filled += static_cast<size_t>(part);
    }
    return filled;
  }

 private:
  const UniqueFd file_;
  const uint64_t size_;
};

class OwnedAudioBytes final : public AudioSource {
 public:
  explicit OwnedAudioBytes(std::string bytes) : bytes_(std::move(bytes)) {}

  uint64_t size() const override { return bytes_.size(); }
  size_t Read(uint64_t at, char* out, size_t count) override { return view_.Read(at, out, count); }

 private:
  const std::string bytes_;
  AudioBytes view_{bytes_};
};

class DecodedSamples final : public SampleSource {
 public:
  DecodedSamples(std::unique_ptr<AudioFile> file, std::unique_ptr<SpeechSampler> sampler)
      : SampleSource({.encoding = PcmEncoding::kS16le, .rate = kSpeechRate},
                     absl::Seconds(static_cast<double>(file->frames_told()) / file->rate())),
        file_(std::move(file)),
        sampler_(std::move(sampler)) {}

  absl::StatusOr<std::string> Next() override {
    std::vector<int16_t> samples;
    while (!has_ended_ && samples.size() * sizeof(int16_t) < kPieceBytes) {
      SOUVENIR_ASSIGN_OR_RETURN(const absl::Span<const float> frames, file_->Read());
      has_ended_ = frames.empty();
      SOUVENIR_RETURN_IF_ERROR(has_ended_ ? sampler_->Finish(&samples)
                                          : sampler_->Add(frames, &samples));
    }
    std::string bytes;
    bytes.reserve(samples.size() * sizeof(int16_t));
    for (const int16_t sample : samples) {
      const auto bits = static_cast<uint16_t>(sample);
      bytes += static_cast<char>(bits & 0xff);
      bytes += static_cast<char>(bits >> 8);
    }
    return bytes;
  }

 private:
  const std::unique_ptr<AudioFile> file_;
  const std::unique_ptr<SpeechSampler> sampler_;
  bool has_ended_ = false;
};

// Returns the bytes of a tenth of a second, so that a recording is sent soon after it was spoken.
size_t PieceOf(const PcmFormat& format) {
  return format.frame_bytes() * static_cast<size_t>(format.rate) / 10;
}

// Reads up to `size` bytes; fewer than that, but not 0, do not mean the end.
absl::StatusOr<std::string> ReadPiece(size_t size, ByteSource* bytes) {
  std::string piece(size, '\0');
  SOUVENIR_ASSIGN_OR_RETURN(const size_t count, bytes->Read(piece.data(), piece.size()));
  piece.resize(count);
  return piece;
}

class RawSamples final : public SampleSource {
 public:
  RawSamples(const PcmFormat& format, uint64_t size, std::unique_ptr<ByteSource> bytes)
      : SampleSource(format,
                     absl::Seconds(static_cast<double>(size / format.frame_bytes()) / format.rate)),
        bytes_(std::move(bytes)) {}

  absl::StatusOr<std::string> Next() override { return ReadPiece(PieceOf(format()), bytes_.get()); }
  void Stop() override { bytes_->Stop(); }

 private:
  const std::unique_ptr<ByteSource> bytes_;
};

class WavSamples final : public SampleSource {
 public:
  WavSamples(WavStream wav, std::string begun, std::unique_ptr<ByteSource> bytes)
      : SampleSource(*wav.format(), absl::ZeroDuration()),
        wav_(std::move(wav)),
        begun_(std::move(begun)),
        bytes_(std::move(bytes)) {}

  absl::StatusOr<std::string> Next() override {
    std::string audio = std::exchange(begun_, "");
    while (audio.empty()) {
      SOUVENIR_ASSIGN_OR_RETURN(const std::string piece,
                                ReadPiece(PieceOf(format()), bytes_.get()));
      if (piece.empty()) {
        SOUVENIR_RETURN_IF_ERROR(wav_.Finish());
        break;
      }
      SOUVENIR_RETURN_IF_ERROR(wav_.Add(piece, &audio));
    }
    return audio;
  }
  void Stop() override { bytes_->Stop(); }

 private:
  WavStream wav_;
  std::string begun_;  // samples that came together with the header
  const std::unique_ptr<ByteSource> bytes_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<SampleSource>> DecodeRecording(const std::string& name,
                                                              std::unique_ptr<AudioSource> bytes) {
  SOUVENIR_ASSIGN_OR_RETURN(std::unique_ptr<AudioFile> file,
                            AudioFile::Open(name, std::move(bytes)));
  SOUVENIR_ASSIGN_OR_RETURN(std::unique_ptr<SpeechSampler> sampler,
                            SpeechSampler::Create(file->rate(), file->channels()));
  return std::make_unique<DecodedSamples>(std::move(file), std::move(sampler));
}

absl::StatusOr<std::unique_ptr<AudioSource>> OpenAudioFile(const std::string& path) {
  SOUVENIR_ASSIGN_OR_RETURN(UniqueFd file, OpenRegularFile(path));
  struct stat status {};
  if (fstat(file.get(), &status) != 0) {
    return absl::InternalError(std::string("cannot read ").append(path));
  }
  return std::make_unique<OpenAudioBytes>(std::move(file), static_cast<uint64_t>(status.st_size));
}

std::unique_ptr<AudioSource> MakeAudioBytes(std::string bytes) {
  return std::make_unique<OwnedAudioBytes>(std::move(bytes));
}

std::unique_ptr<SampleSource> MakeRawSamples(const PcmFormat& format, uint64_t size,
                                             std::unique_ptr<ByteSource> bytes) {
  return std::make_unique<RawSamples>(format, size, std::move(bytes));
}

absl::StatusOr<std::unique_ptr<SampleSource>> OpenWavSamples(std::string first,
                                                             std::unique_ptr<ByteSource> bytes) {
  WavStream wav;
  std::string audio;
  SOUVENIR_RETURN_IF_ERROR(wav.Add(first, &audio));
  while (!wav.format()) {
    SOUVENIR_ASSIGN_OR_RETURN(const std::string piece, ReadPiece(WavStream::kFirstBytes, &*bytes));
    if (piece.empty()) return wav.Finish();
    SOUVENIR_RETURN_IF_ERROR(wav.Add(piece, &audio));
  }
  return std::make_unique<WavSamples>(std::move(wav), std::move(audio), std::move(bytes));
}

}  // namespace souvenir::cli
