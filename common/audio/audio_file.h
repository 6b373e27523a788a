#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/audio/audio_source.h"

struct sf_private_tag;

namespace souvenir {

// Reads a recording from the bytes of a file: WAV, FLAC, Ogg (Vorbis, Opus), MP3 or AIFF. Other
// files do not reach libsndfile, which knows many more. Nothing that a header claims is trusted:
// memory does not depend on the number of frames in it, and all limits are the reader's.
//
// Owned by its user; not thread-safe. Messages have no content of the file.
//
//   SOUVENIR_ASSIGN_OR_RETURN(const std::unique_ptr<AudioFile> file,
//                             AudioFile::Open("AUDIO", std::make_unique<AudioBytes>(bytes)));
//   while (true) {
//     SOUVENIR_ASSIGN_OR_RETURN(const absl::Span<const float> frames, file->Read());
//     if (frames.empty()) break;
//   }
class AudioFile {
 public:
  // INVALID_ARGUMENT, with `name`, if the bytes are not such a file; also if they have more than
  // kMostChannels.
  static absl::StatusOr<std::unique_ptr<AudioFile>> Open(std::string_view name,
                                                         std::unique_ptr<AudioSource> source);

  ~AudioFile();
  AudioFile(const AudioFile&) = delete;
  AudioFile& operator=(const AudioFile&) = delete;

  int rate() const { return rate_; }
  int channels() const { return channels_; }
  // Returns the number of frames that the header claims, which may be wrong; 0 if it tells none.
  int64_t frames_told() const { return frames_told_; }

  // Returns the next frames, interleaved, from -1 to 1 for full scale, and none at the end. They
  // are valid until the next call. INVALID_ARGUMENT if the file is damaged from here on. WAV, AIFF
  // and MP3 that end too early cannot be told from whole files.
  absl::StatusOr<absl::Span<const float>> Read();

 private:
  AudioFile(std::unique_ptr<AudioSource> source, std::string_view kind)
      : source_(std::move(source)), kind_(kind) {}

  friend struct AudioFileCallbacks;

  const std::unique_ptr<AudioSource> source_;
  const std::string_view kind_;  // as "WAV"
  int64_t position_ = 0;         // of the library in the bytes
  sf_private_tag* handle_ = nullptr;
  int rate_ = 0;
  int channels_ = 0;
  int64_t frames_ = 0;  // read so far
  int64_t frames_told_ = 0;
  int64_t claimed_frames_ = 0;  // by the header, where that is trusted; never for memory
  std::vector<float> block_;
};

}  // namespace souvenir
