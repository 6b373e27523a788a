#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "compute-service/backends/backend.h"

namespace souvenir::compute {

// Speech recognition by CMU PocketSphinx: models of task "transcription", each of an acoustic
// model, a language model and a dictionary. docs/backends/pocketsphinx.md describes them.
//
// This class is the service's part, which does not link the engine. Models are loaded in the worker
// program (pocketsphinx_engine.h). Its decoder remembers what it has heard, and answers differently
// after it, so each row is decoded in a process forked from the one that has loaded the model.
//
// Owned by the service; outlives its models. Thread-safe: it has no state but its options.
class PocketsphinxBackend : public Backend {
 public:
  struct Options {
    std::string worker_program;  // path of souvenir-worker-pocketsphinx
  };

  explicit PocketsphinxBackend(Options options) : options_(std::move(options)) {}

  std::string_view name() const override { return "pocketsphinx"; }
  bool isolates_itself() const override { return true; }
  bool limits_each_row() const override { return true; }

  absl::Status Complete(ModelDescription* description) override;

  // Covers the version of the engine and the names and bytes of all files.
  absl::StatusOr<std::string> Digest(const ModelDescription& description) override;

  absl::StatusOr<std::vector<std::string>> DigestedFiles(
      const ModelDescription& description) override;

  // In addition to Backend's errors, INTERNAL if the engine crashed on the files.
  // REQUIRES: the description has been completed.
  absl::StatusOr<std::unique_ptr<Model>> Load(const ModelDescription& description,
                                              const Cancellation* cancellation) override;

 private:
  const Options options_;
};

}  // namespace souvenir::compute
