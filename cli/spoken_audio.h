#pragma once

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "souvenir/v1/speech.pb.h"

namespace souvenir::cli {

// Joins sentences to one file or stream of audio. A WAV file tells its length in its header, so
// that it is written in End(); Ogg and raw samples are written as they come, and can be listened to
// meanwhile. Owned by its command; not thread-safe.
class SpokenAudio {
 public:
  // `format` is WAV, OGG or RAW: files of FLAC cannot be joined. `out` outlives this.
  SpokenAudio(souvenir::v1::AudioContainer format, std::ostream* out)
      : format_(format), out_(*out) {}

  // Returns the format in which to ask for the sentences: raw samples make WAV, too.
  souvenir::v1::AudioContainer sentence_format() const;

  // Adds a sentence, complete in sentence_format(). INTERNAL if its sample rate is not that of the
  // others. RESOURCE_EXHAUSTED if it does not fit into a WAV file, which has 4 GiB at most.
  absl::Status Add(std::string_view audio, int32_t sample_rate);

  // Call it after the last sentence.
  void End();

 private:
  const souvenir::v1::AudioContainer format_;
  std::ostream& out_;
  int32_t sample_rate_ = 0;  // Hz; 0: no sentence came
  std::string samples_;      // of WAV
};

// Returns the header of a WAV file with one channel of 16-bit samples. Its bytes follow.
std::string WavHeader(uint32_t sample_rate, uint32_t sample_bytes);

}  // namespace souvenir::cli
