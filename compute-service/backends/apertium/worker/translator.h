#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "compute-service/backends/apertium/mode.h"
#include "compute-service/backends/apertium/worker/memory_files.h"
#include "compute-service/backends/apertium/worker/stage.h"

namespace souvenir::compute {

// Translates plain text with the stages of a mode, one after another: the answer is what
// `apertium -u` gives for the same text.
//
// Owned by the worker program; not thread-safe. An answer depends on its text alone, never on texts
// before it. After an exception the state of the libraries is unknown and the object must not be
// used again.
class Translator {
 public:
  // Loads the stages' files; CreateStage's errors. Programs are looked for in the directory
  // `programs`.
  static absl::StatusOr<std::unique_ptr<Translator>> Create(const std::vector<PlannedStage>& plan,
                                                            const std::string& programs);

  // Any bytes are a text; see CleanText() and SplitLongWords() for what is not translated. Throws
  // what the libraries throw. UNAVAILABLE when a program that a stage runs was lost; the next text
  // may be translated.
  absl::StatusOr<std::string> Translate(std::string_view text);

 private:
  explicit Translator(std::vector<std::unique_ptr<Stage>> stages) : stages_(std::move(stages)) {}

  absl::StatusOr<std::string> RunStages(std::string stream);

  const std::vector<std::unique_ptr<Stage>> stages_;
  MemoryOutput output_;
};

}  // namespace souvenir::compute
