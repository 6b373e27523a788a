#pragma once

#include <unicode/ustdio.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "compute-service/backends/apertium/mode.h"

namespace souvenir::compute {

// A stage of the pipeline. It calls a library of the engine in place of one of the engine's
// programs, or runs the program if there is no library.
//
// The output for a text depends on that text alone. The libraries may throw, exit or crash,
// especially on damaged files. Owned by a Translator; not thread-safe.
class Stage {
 public:
  virtual ~Stage() = default;

  // Reads `text` and writes the result, which ends at its first NUL; bytes after that mean nothing.
  // UNAVAILABLE if a program was lost; the next text gets a new one. REQUIRES: `text` ends with its
  // only NUL.
  virtual absl::Status Run(const std::string& text, UFILE* output) = 0;
};

// Creates a stage and loads its files. Looks for programs only in the directory `programs`.
// NOT_FOUND or PERMISSION_DENIED if a file cannot be read; INTERNAL if a file is not a valid
// dictionary, or a program with its files does not answer.
absl::StatusOr<std::unique_ptr<Stage>> CreateStage(const PlannedStage& plan,
                                                   const std::string& programs);

// Create the stages of one library or of the programs. REQUIRES: the files can be read.
absl::StatusOr<std::unique_ptr<Stage>> CreateDictionaryStage(const PlannedStage& plan);
absl::StatusOr<std::unique_ptr<Stage>> CreateTaggerStage(const PlannedStage& plan);
absl::StatusOr<std::unique_ptr<Stage>> CreateTransferStage(const PlannedStage& plan);
absl::StatusOr<std::unique_ptr<Stage>> CreateLexicalSelectionStage(const PlannedStage& plan);
absl::StatusOr<std::unique_ptr<Stage>> CreateProgramStage(const PlannedStage& plan,
                                                          const std::string& programs);

}  // namespace souvenir::compute
