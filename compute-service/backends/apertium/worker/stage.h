#pragma once

#include <unicode/ustdio.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "compute-service/backends/apertium/mode.h"

namespace souvenir::compute {

// One stage of the pipeline: a call into the engine's libraries in place of one of its programs.
//
// Owned by a Pipeline; not thread-safe. What a stage writes for a text depends on that text alone.
// The libraries may throw, exit or crash, on files that are damaged above all.
class Stage {
 public:
  virtual ~Stage() = default;

  // Reads `text`, which ends with its only NUL, and writes the result, which has a NUL at the end
  // and may have more after it.
  virtual void Run(const std::string& text, UFILE* output) = 0;
};

// Loads a stage's files. NOT_FOUND or PERMISSION_DENIED for one that cannot be read; INTERNAL for a
// dictionary that is none.
absl::StatusOr<std::unique_ptr<Stage>> CreateStage(const PlannedStage& plan);

// The kinds of CreateStage, by the library they call. REQUIRES: the files can be read.
absl::StatusOr<std::unique_ptr<Stage>> CreateDictionaryStage(const PlannedStage& plan);
absl::StatusOr<std::unique_ptr<Stage>> CreateTaggerStage(const PlannedStage& plan);
absl::StatusOr<std::unique_ptr<Stage>> CreateTransferStage(const PlannedStage& plan);
absl::StatusOr<std::unique_ptr<Stage>> CreateLexicalSelectionStage(const PlannedStage& plan);

}  // namespace souvenir::compute
