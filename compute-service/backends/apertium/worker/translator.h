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

// Translates plain text with the stages of a mode, one after another. The answer is the same as
// that of `apertium -u`, and depends on the text alone, never on texts before it.
//
// Owned by the worker program; not thread-safe. After an exception the state of the libraries is
// unknown, and the object must not be used again.
class Translator {
 public:
  // Loads the stages' files. Looks for programs only in the directory `programs`. See CreateStage()
  // for errors.
  static absl::StatusOr<std::unique_ptr<Translator>> Create(const std::vector<PlannedStage>& plan,
                                                            const std::string& programs);

  // Translates a text, which may be any bytes. See CleanText() and SplitLongWords() for the bytes
  // that are not translated. UNAVAILABLE if a program of a stage was lost; the next text starts a
  // new one. Throws the exceptions of the libraries.
  absl::StatusOr<std::string> Translate(std::string_view text);

 private:
  explicit Translator(std::vector<std::unique_ptr<Stage>> stages) : stages_(std::move(stages)) {}

  absl::StatusOr<std::string> RunStages(std::string stream);

  const std::vector<std::unique_ptr<Stage>> stages_;
  MemoryOutput output_;
};

}  // namespace souvenir::compute
