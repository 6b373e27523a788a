#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "compute-service/backends/backend.h"

namespace souvenir::compute {

// Models that are programs of any language: each instance is a process that stays and answers
// request after request (docs/backends/exec.md has what they say to each other). With the Python
// module `souvenir_worker`, which programs find by themselves, a function is a model.
//
// A model is the shell command in its parameter `command`, run in its version's folder; without one
// `python3 model.py`. Its inputs and outputs are what its configuration says. Thread-safe.
class ExecBackend final : public Backend {
 public:
  struct Options {
    std::string worker_program;    // path of souvenir-worker-exec
    std::string python_directory;  // where souvenir_worker.py is
    std::vector<std::string>
        inherit;              // variables that programs inherit beside InheritedVariables()
    bool log_errors = false;  // what programs write to their standard error is logged
    int nice = 0;             // of programs, 0 to 19
    absl::Duration start_timeout = absl::Seconds(60);  // until one is ready
  };

  explicit ExecBackend(Options options) : options_(std::move(options)) {}

  std::string_view name() const override { return "exec"; }
  bool isolates_itself() const override { return true; }
  absl::Status Complete(ModelDescription* description) override;
  // Of the command and all files of the version's folder.
  absl::StatusOr<std::string> Digest(const ModelDescription& description) override;
  // Starts the program once, so that one that does not start is known before the first request.
  absl::StatusOr<std::unique_ptr<Model>> Load(const ModelDescription& description,
                                              const Cancellation* cancellation) override;

 private:
  const Options options_;
};

}  // namespace souvenir::compute
