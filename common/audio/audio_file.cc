#include "common/audio/audio_file.h"

#include <fmt/format.h>
#include <sndfile.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>

#include "common/audio/ogg_pages.h"
#include "common/audio/pcm_format.h"
#include "common/status_macros.h"

namespace souvenir {
namespace {

constexpr sf_count_t kBlockFrames = 4'096;
constexpr std::string_view kSupported =
    "supported: WAV, FLAC, Ogg (Vorbis, Opus), MP3, AIFF, and raw audio whose format is given";
constexpr size_t kFirstBytes = 16;  // which tell the kind of a file

bool Has(std::string_view bytes, size_t at, std::string_view text) {
  return bytes.size() >= at && bytes.substr(at, text.size()) == text;
}

// Returns the kind of a file by its first bytes, or nothing if it is not one of the supported ones.
std::string_view KindOf(std::string_view bytes) {
  const bool is_riff = Has(bytes, 0, "RIFF") || Has(bytes, 0, "RIFX") || Has(bytes, 0, "RF64");
  if (is_riff && Has(bytes, 8, "WAVE")) return "WAV";
  if (Has(bytes, 0, "fLaC")) return "FLAC";
  if (Has(bytes, 0, "OggS")) return "Ogg";
  if (Has(bytes, 0, "FORM") && (Has(bytes, 8, "AIFF") || Has(bytes, 8, "AIFC"))) return "AIFF";
  // A tag, or the eleven set bits at the start of each frame.
  const bool is_frame = bytes.size() >= 2 && static_cast<uint8_t>(bytes[0]) == 0xff &&
                        (static_cast<uint8_t>(bytes[1]) & 0xe0) == 0xe0;
  if (Has(bytes, 0, "ID3") || is_frame) return "MP3";
  return {};
}

// Returns what the bytes are, if people are likely to send it.
std::string_view OtherKindOf(std::string_view bytes) {
  if (bytes.empty()) return "it is empty";
  if (Has(bytes, 4, "ftyp")) return "it is MP4 or M4A";
  if (Has(bytes, 0, "\x1a\x45\xdf\xa3")) return "it is WebM or Matroska";
  if (Has(bytes, 0, "#!AMR")) return "it is AMR";
  if (Has(bytes, 0, "\x30\x26\xb2\x75")) return "it is WMA";
  return "its first bytes are those of no known kind";
}

absl::Status NotUnderstood(std::string_view name, uint64_t bytes, std::string_view why) {
  return absl::InvalidArgumentError(
      fmt::format("{}, {} bytes, is not an audio file that is understood here: {}; {}", name, bytes,
                  why, kSupported));
}

// Returns the library's text for an error without its full stop.
std::string_view Trimmed(std::string_view text) {
  return text.substr(0, text.find_last_not_of(". \n") + 1);
}

// Returns why a file of this kind could not be opened.
std::string_view WhyNotOpened(std::string_view kind) {
  // The library reports a missing file if there is no frame, and other faults as its own.
  if (kind == "MP3") return "it has no frames of MP3";
  const std::string_view text = Trimmed(sf_strerror(nullptr));
  return text.find("nternal error") == std::string_view::npos ? text : "its header makes no sense";
}

absl::Status CannotRead(std::string_view kind, std::string_view how) {
  return absl::InvalidArgumentError(fmt::format("the {} file cannot be read: {}", kind, how));
}

}  // namespace

// The library's access to the bytes.
struct AudioFileCallbacks {
  static AudioFile* File(void* data) { return static_cast<AudioFile*>(data); }

  static sf_count_t Length(void* data) {
    return static_cast<sf_count_t>(File(data)->source_->size());
  }

  static sf_count_t Seek(sf_count_t offset, int whence, void* data) {
    AudioFile* const file = File(data);
    const sf_count_t from = whence == SEEK_SET   ? 0
                            : whence == SEEK_CUR ? file->position_
                                                 : Length(data);
    sf_count_t to = 0;
    if (__builtin_add_overflow(from, offset, &to) || to < 0 || to > Length(data)) return -1;
    file->position_ = to;
    return to;
  }

  static sf_count_t Read(void* out, sf_count_t count, void* data) {
    AudioFile* const file = File(data);
    count = std::clamp<sf_count_t>(count, 0, Length(data) - file->position_);
    const size_t read = file->source_->Read(static_cast<uint64_t>(file->position_),
                                            static_cast<char*>(out), static_cast<size_t>(count));
    file->position_ += static_cast<int64_t>(read);
    return static_cast<sf_count_t>(read);
  }

  static sf_count_t Write(const void*, sf_count_t, void*) { return 0; }

  static sf_count_t Tell(void* data) { return File(data)->position_; }
};

absl::StatusOr<std::unique_ptr<AudioFile>> AudioFile::Open(std::string_view name,
                                                           std::unique_ptr<AudioSource> source) {
  const uint64_t size = source->size();
  std::string first(kFirstBytes, '\0');
  first.resize(source->Read(0, first.data(), first.size()));
  const std::string_view kind = KindOf(first);
  if (kind.empty()) return NotUnderstood(name, size, OtherKindOf(first));
  if (kind == "Ogg") {
    if (const std::string fault = OggFault(source.get()); !fault.empty()) {
      return CannotRead(kind, fault);
    }
  }
  std::unique_ptr<AudioFile> file(new AudioFile(std::move(source), kind));
  SF_VIRTUAL_IO callbacks{AudioFileCallbacks::Length, AudioFileCallbacks::Seek,
                          AudioFileCallbacks::Read, AudioFileCallbacks::Write,
                          AudioFileCallbacks::Tell};
  SF_INFO info{};
  file->handle_ = sf_open_virtual(&callbacks, SFM_READ, &info, file.get());
  if (file->handle_ == nullptr) {
    return NotUnderstood(name, size,
                         fmt::format("it begins as {}, but {}", kind, WhyNotOpened(kind)));
  }
  if (info.channels < 1 || info.channels > kMostChannels) {
    return absl::InvalidArgumentError(fmt::format(
        "the audio has {} channels; 1 to {} are supported", info.channels, kMostChannels));
  }
  // A FLAC file that is cut between two frames reads like one that ends. One without a number of
  // frames, as a stream has it, claims the largest.
  if (info.frames > 0 && info.frames != SF_COUNT_MAX) file->frames_told_ = info.frames;
  if (kind == "FLAC") file->claimed_frames_ = file->frames_told_;
  file->rate_ = info.samplerate;
  file->channels_ = info.channels;
  file->block_.resize(static_cast<size_t>(kBlockFrames * info.channels));
  return file;
}

AudioFile::~AudioFile() {
  if (handle_ != nullptr) (void)sf_close(handle_);
}

absl::StatusOr<absl::Span<const float>> AudioFile::Read() {
  const sf_count_t frames = sf_readf_float(handle_, block_.data(), kBlockFrames);
  if (frames > 0) {
    frames_ += frames;
    return absl::MakeConstSpan(block_).first(static_cast<size_t>(frames * channels_));
  }
  // A damaged file reads like one that ends, so only the library's error tells them apart.
  if (const int error = sf_error(handle_); error != 0) {
    return CannotRead(kind_,
                      fmt::format("after {} frames: {}", frames_, Trimmed(sf_error_number(error))));
  }
  if (frames_ < claimed_frames_) {
    return CannotRead(kind_,
                      fmt::format("it ends after {} of {} frames", frames_, claimed_frames_));
  }
  return absl::Span<const float>();
}

}  // namespace souvenir
