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
// (souvenir-worker-apertium), because its libraries have another licence than this code.
//
// Owned by the service; outlives its models. Thread-safe: it has no state but its options.
class ApertiumBackend final : public Backend {
 public:
  struct Options {
    std::string modes_directory = "/usr/share/apertium/modes";
    // Directory of cg-proc and the other programs that have no library.
    std::string programs_directory = "/usr/bin";
    std::string worker_program;                        // path of souvenir-worker-apertium
    absl::Duration start_timeout = absl::Seconds(30);  // longest time to load a mode; above 0
    uint64_t recycle_after = 50'000;  // texts before a worker is replaced; 0 for no limit
  };

  // INVALID_ARGUMENT if an option is empty or out of range. A directory of modes that does not
  // exist counts as empty.
  static absl::StatusOr<std::unique_ptr<ApertiumBackend>> Create(Options options);

  std::string_view name() const override { return "apertium"; }
  bool isolates_itself() const override { return true; }

  bool limits_each_row() const override { return true; }

  // Returns a model `apertium-<mode>` for each mode of the directory that is named after two
  // languages, translates, runs only programs and options that the worker covers, and has all its
  // programs installed.
  std::vector<ModelDescription> Discover() override;

  // In addition to Backend's errors, FAILED_PRECONDITION if the mode is not installed (it lists the
  // installed modes) or a program is missing (it names the package).
  absl::Status Complete(ModelDescription* description) override;

  absl::StatusOr<std::string> Digest(const ModelDescription& description) override;

  // Returns the mode's file, its data files, and the programs of its stages: files of packages,
  // outside the repository.
  absl::StatusOr<std::vector<std::string>> DigestedFiles(
      const ModelDescription& description) override;

  absl::StatusOr<std::unique_ptr<Model>> Load(const ModelDescription& description,
                                              const Cancellation* cancellation) override;

 private:
  explicit ApertiumBackend(Options options) : options_(std::move(options)) {}

  std::string ModePath(std::string_view mode) const;

  // REQUIRES: the stage is a program.
  std::string ProgramPath(const PlannedStage& stage) const;

  // Returns all files of a mode with these stages, in the order of the digest.
  std::vector<std::string> FilesOf(const std::string& mode,
                                   const std::vector<PlannedStage>& stages) const;

  // Checks that all programs can be run. FAILED_PRECONDITION names the first that cannot, and the
  // package to install.
  absl::Status CheckPrograms(const std::string& mode,
                             const std::vector<PlannedStage>& stages) const;

  // Returns the stages of a mode. FAILED_PRECONDITION if a program or a file is missing; see
  // ReadPlan() for other errors.
  absl::StatusOr<std::vector<PlannedStage>> InstalledStages(const std::string& mode) const;

  // Returns the sorted names of all modes of the directory.
  std::vector<std::string> ModeNames() const;

  const Options options_;
};

}  // namespace souvenir::compute
