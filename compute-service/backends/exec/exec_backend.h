#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "compute-service/backends/backend.h"

namespace souvenir::compute {

// Models that are programs in any language. Each instance is a process that answers request after
// request (docs/backends/exec.md describes the messages). The Python module `souvenir_worker`,
// which programs find without a setting, turns a function into a model.
//
// A model is the shell command in its parameter `command`, by default `python3 model.py`. It runs
// in the folder of its version. Its inputs and outputs are those of its configuration. Thread-safe.
class ExecBackend final : public Backend {
 public:
  // Not checked here: CheckComputeConfig() has checked the values that users set.
  struct Options {
    std::string worker_program;    // path of souvenir-worker-exec
    std::string python_directory;  // directory of souvenir_worker.py
    std::vector<std::string>
        inherit;              // variables that programs inherit beside InheritedVariables()
    bool log_errors = false;  // true to log the programs' standard error
    absl::Duration start_timeout = absl::Seconds(60);  // limit until a program is ready
  };

  explicit ExecBackend(Options options) : options_(std::move(options)) {}

  std::string_view name() const override { return "exec"; }
  bool isolates_itself() const override { return true; }
  absl::Status Complete(ModelDescription* description) override;
  std::string_view files_advice() const override {
    return ", but only until the next start if the program itself writes into its folder: let it "
           "write elsewhere, as below TMPDIR";
  }
  // Covers the command and all files of the version's folder.
  absl::StatusOr<std::string> Digest(const ModelDescription& description) override;
  // Starts the program once, so that a failing start is known before the first request.
  absl::StatusOr<std::unique_ptr<Model>> Load(const ModelDescription& description,
                                              const Cancellation* cancellation) override;

 private:
  const Options options_;
};

}  // namespace souvenir::compute
