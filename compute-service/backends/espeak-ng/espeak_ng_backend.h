#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "compute-service/backends/backend.h"

namespace souvenir::compute {

// Speech synthesis by eSpeak NG: models of task "synthesis" with the voices that its data has.
// docs/backends/espeak-ng.md describes them.
//
// This class is the service's part, which links none of the engine, because its library is under
// the GPL. Text is spoken in the worker program (worker/espeak_ng_engine.h). The engine's samples
// depend on what it has spoken before, so each row is spoken in a process of its own.
//
// Owned by the service; outlives its models. Thread-safe: it has no state but its options.
class EspeakNgBackend : public Backend {
 public:
  struct Options {
    std::string worker_program;  // path of souvenir-worker-espeak-ng
  };

  explicit EspeakNgBackend(Options options) : options_(std::move(options)) {}

  std::string_view name() const override { return "espeak-ng"; }
  bool isolates_itself() const override { return true; }
  bool limits_each_row() const override { return true; }

  absl::Status Complete(ModelDescription* description) override;

  // Covers the version of the engine, and the names and bytes of all files of the data.
  absl::StatusOr<std::string> Digest(const ModelDescription& description) override;

  absl::StatusOr<std::vector<std::string>> DigestedFiles(
      const ModelDescription& description) override;

  // In addition to Backend's errors, INTERNAL if the engine crashed on the data.
  // REQUIRES: the description has been completed.
  absl::StatusOr<std::unique_ptr<Model>> Load(const ModelDescription& description,
                                              const Cancellation* cancellation) override;

 private:
  const Options options_;
};

}  // namespace souvenir::compute
