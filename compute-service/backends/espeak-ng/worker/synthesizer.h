#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "compute-service/backends/espeak-ng/worker/data_stamps.h"

namespace souvenir::compute {

struct Speech {
  std::string text;        // not empty; see SpokenText()
  std::string voice_file;  // Voice::file
  int words_per_minute = 175;
  int pitch = 50;  // 0 to 99
};

// eSpeak NG, initialised. The library has one state for the whole process, which cannot be
// initialised twice, so a process has one synthesizer. Its samples depend on what it has spoken
// before. A process forked from one that has spoken nothing gives the same samples each time.
//
// The library starts a thread, which serves only its other modes. The thread gets no signal, waits
// without a lock, and is not in forked processes. Not thread-safe.
class Synthesizer {
 public:
  // Initialises the library with the folder espeak-ng-data at `data`, and reads the list of its
  // voices, which takes 2 to 10 ms. FAILED_PRECONDITION if the library does not accept the data.
  // REQUIRES: `data` is an absolute path. Changes the working directory to it.
  static absl::StatusOr<std::unique_ptr<Synthesizer>> Create(const std::string& data);

  int32_t samples_per_second() const { return samples_per_second_; }

  // Returns the speech as 16-bit little-endian samples. INVALID_ARGUMENT if it would be longer than
  // `max_seconds`; UNAVAILABLE if files that this may have read have changed since Create(),
  // because the engine reads voices and dictionaries when it needs them; INTERNAL if the voice
  // cannot be loaded, or the engine fails.
  absl::StatusOr<std::string> Speak(const Speech& speech, int64_t max_seconds);

 private:
  Synthesizer(DataStamps stamps, int32_t samples_per_second)
      : stamps_(std::move(stamps)), samples_per_second_(samples_per_second) {}

  // Speaks, whatever the files are.
  absl::StatusOr<std::string> SpeakNow(const Speech& speech, int64_t max_seconds) const;

  const DataStamps stamps_;
  const int32_t samples_per_second_;
};

}  // namespace souvenir::compute
