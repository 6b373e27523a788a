#pragma once

#include <unicode/ustdio.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "compute-service/backends/apertium/mode.h"

namespace souvenir::compute {

// One stage of the pipeline: a call into the engine's libraries in place of one of its programs, or
// the program where there is no library.
//
// Owned by a Translator; not thread-safe. What a stage writes for a text depends on that text
// alone. The libraries may throw, exit or crash, on files that are damaged above all.
class Stage {
 public:
  virtual ~Stage() = default;

  // Reads `text`, which ends with its only NUL, and writes the result, which has a NUL at the end
  // and may have more after it. UNAVAILABLE when a program was lost; the next text gets a new one.
  virtual absl::Status Run(const std::string& text, UFILE* output) = 0;
};

// Loads a stage's files. NOT_FOUND or PERMISSION_DENIED for one that cannot be read; INTERNAL for a
// dictionary that is none, and for a program that does not answer with its files. Programs are
// looked for in the directory `programs` alone.
absl::StatusOr<std::unique_ptr<Stage>> CreateStage(const PlannedStage& plan,
                                                   const std::string& programs);

// The kinds of CreateStage, by the library they call. REQUIRES: the files can be read.
absl::StatusOr<std::unique_ptr<Stage>> CreateDictionaryStage(const PlannedStage& plan);
absl::StatusOr<std::unique_ptr<Stage>> CreateTaggerStage(const PlannedStage& plan);
absl::StatusOr<std::unique_ptr<Stage>> CreateTransferStage(const PlannedStage& plan);
absl::StatusOr<std::unique_ptr<Stage>> CreateLexicalSelectionStage(const PlannedStage& plan);
absl::StatusOr<std::unique_ptr<Stage>> CreateProgramStage(const PlannedStage& plan,
                                                          const std::string& programs);

}  // namespace souvenir::compute
