#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "common/audio/pcm_format.h"

namespace souvenir {

// Finds the raw audio in a WAV file that comes in pieces of any size, such as a recording that is
// still going on: its header then claims a length of 0 or of 2 GiB and more, which is not believed.
// Source: see wav_header.h; for the extensible format, "Multiple Channel Audio Data and WAVE
// Files", Microsoft, 2001.
//
// Owned by its user; not thread-safe. Holds less than 5 KB.
//
//   WavStream wav;
//   while (... bytes ...) {
//     SOUVENIR_RETURN_IF_ERROR(wav.Add(bytes, &audio));
//     if (wav.format()) ... audio is raw audio of this format ...
//   }
class WavStream {
 public:
  // Returns true if a file that begins with these bytes is one. REQUIRES: kFirstBytes of them, or
  // the whole file.
  static bool IsWav(std::string_view first);
  static constexpr size_t kFirstBytes = 12;

  // Takes the next bytes, and appends those of samples to `audio`. What follows the samples is left
  // out. INVALID_ARGUMENT if the header is wrong, or its format is not one of PcmEncoding within
  // the limits of pcm_format.h; nothing must be added after that.
  absl::Status Add(std::string_view bytes, std::string* audio);

  // Returns the format once it has come, which is before the first sample.
  const std::optional<PcmFormat>& format() const { return format_; }

  // Returns OK at the end of the file. INVALID_ARGUMENT if it has ended before its samples.
  absl::Status Finish() const;

 private:
  enum class Part { kHead, kChunkHead, kFormat, kSkipped, kSamples, kRest };

  // Takes bytes off `bytes` until `held_` has `size` of them. Returns false if more are needed.
  bool Gather(size_t size, std::string_view* bytes);
  absl::Status BeginChunk();
  absl::Status ReadFormat();

  Part part_ = Part::kHead;
  std::string held_;   // of the head, a chunk's head, or the format
  uint64_t left_ = 0;  // bytes of the chunk
  std::optional<PcmFormat> format_;
};

}  // namespace souvenir
