#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "compute-service/backends/pocketsphinx/model_config.h"

// pocketsphinx.h is not included here, because its macros are many.
struct ps_decoder_s;

namespace souvenir::compute {

struct RecognizedWord {
  std::string text;
  double start = 0;  // seconds from the first sample
  double end = 0;
  double confidence = 0;  // posterior probability, 0 to 1
};

struct Transcript {
  std::string text;  // the words with one space between them; empty if nothing was said
  std::vector<RecognizedWord> words;
};

// A decoder with its models. Loading takes a quarter of a second and starts no thread.
//
// The decoder keeps running means over what it hears, so the answer of Recognize() depends on every
// earlier call. Only the first one is that of a fresh decoder. Not thread-safe.
class Recognizer {
 public:
  // INVALID_ARGUMENT if the engine refuses the files, with the reason that it logs. Damaged files
  // may end the process, by exit() or by a signal; the engine's messages are then on standard
  // error.
  static absl::StatusOr<std::unique_ptr<Recognizer>> Load(std::string_view model,
                                                          const PocketsphinxSettings& settings);

  ~Recognizer();

  // Recognises one utterance, 16-bit samples of 16 kHz. INTERNAL if the engine fails.
  absl::StatusOr<Transcript> Recognize(absl::Span<const int16_t> samples);

 private:
  explicit Recognizer(ps_decoder_s* decoder) : decoder_(decoder) {}

  Transcript ReadTranscript();

  ps_decoder_s* const decoder_;
};

}  // namespace souvenir::compute
