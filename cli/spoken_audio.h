#pragma once

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "common/audio/wav_header.h"
#include "souvenir/v1/speech.pb.h"

namespace souvenir::cli {

// Joins sentences to one file or stream of audio. A WAV file tells its length in its header, so
// that it is written in End(). Raw samples are written as they come, and can be listened to
// meanwhile. Owned by its command; not thread-safe.
class SpokenAudio {
 public:
  // `format` is WAV, RAW or OGG. Files of FLAC cannot be joined. Those of OGG can be, but many
  // programs, those with libsndfile among them, play only the first one. `out` outlives this.
  SpokenAudio(souvenir::v1::AudioContainer format, std::ostream* out)
      : format_(format), out_(*out) {}

  // Adds a sentence: raw samples for WAV and RAW, a file for OGG. INTERNAL if its sample rate is
  // not that of the others. RESOURCE_EXHAUSTED if it does not fit into a WAV file, which has 4 GiB
  // at most.
  absl::Status Add(std::string_view audio, int32_t sample_rate);

  // Call it after the last sentence.
  void End();

 private:
  const souvenir::v1::AudioContainer format_;
  std::ostream& out_;
  int32_t sample_rate_ = 0;  // Hz; 0: no sentence came
  std::string samples_;      // of WAV
};

}  // namespace souvenir::cli
