#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "compute-service/backends/apertium/mode.h"
#include "compute-service/backends/backend.h"

namespace souvenir::compute {

// Translation by Apertium, with the language data that its Debian packages install. Each model is a
// mode: a pair of languages in one direction. The engine runs in processes of its own
// (souvenir-worker-apertium), whose libraries are under another licence than this code.
//
// Owned by the service; outlives its models. Thread-safe: it has no state but its options.
class ApertiumBackend final : public Backend {
 public:
  struct Options {
    std::string modes_directory = "/usr/share/apertium/modes";
    std::string programs_directory = "/usr/bin";       // of cg-proc and others without a library
    std::string worker_program;                        // path of souvenir-worker-apertium
    int worker_nice = 0;                               // 0 to 19, added to the service's own
    absl::Duration start_timeout = absl::Seconds(30);  // for loading a mode
    uint64_t recycle_after = 50'000;                   // texts a worker translates; 0: any number
  };

  // INVALID_ARGUMENT for the options. A directory that does not exist is one without modes.
  static absl::StatusOr<std::unique_ptr<ApertiumBackend>> Create(Options options);

  std::string_view name() const override { return "apertium"; }
  bool isolates_itself() const override { return true; }

  // Each mode of the directory that is named after two languages, translates, and consists of what
  // the worker covers, with programs that are installed, as model `apertium-<mode>`.
  std::vector<ModelDescription> Discover() override;

  // Besides Backend's errors: FAILED_PRECONDITION for a mode that is not installed, with those that
  // are, or a program that is not, with its package.
  absl::Status Complete(ModelDescription* description) override;

  absl::StatusOr<std::string> Digest(const ModelDescription& description) override;

  absl::StatusOr<std::unique_ptr<Model>> Load(const ModelDescription& description) override;

 private:
  explicit ApertiumBackend(Options options) : options_(std::move(options)) {}

  std::string ModePath(std::string_view mode) const;

  // Of a stage that is a program.
  std::string ProgramPath(const PlannedStage& stage) const;

  // FAILED_PRECONDITION, with what to install, for the first program that cannot be run.
  absl::Status CheckPrograms(const std::string& mode,
                             const std::vector<PlannedStage>& stages) const;

  // The stages of a mode whose programs and files are there; else FAILED_PRECONDITION.
  absl::StatusOr<std::vector<PlannedStage>> InstalledStages(const std::string& mode) const;

  // Names of all modes of the directory, sorted.
  std::vector<std::string> ModeNames() const;

  const Options options_;
};

}  // namespace souvenir::compute
