#include "compute-service/backends/apertium/apertium_backend.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "common/logging/log_limit.h"
#include "common/logging/logging.h"
#include "common/read_file.h"
#include "common/sha256.h"
#include "common/status_macros.h"
#include "compute-service/backends/apertium/apertium_model.h"
#include "compute-service/backends/apertium/language_tag.h"
#include "compute-service/backends/apertium/mode.h"
#include "compute-service/backends/apertium/model_config.h"

namespace souvenir::compute {
namespace {

constinit Logger log{"apertium"};
// Limited, because each load of a model that is not there lists the modes anew.
constinit LogLimit mode_limit;
constinit LogLimit directory_limit;

constexpr std::string_view kModeSuffix = ".mode";

// Part of the digest. It must change whenever the worker program gives another answer for the same
// text and files, so that older cached answers are no longer used.
constexpr std::string_view kPipelineFormat = "3";

// Returns the Debian package that a data file comes from. The file's directory is named after it.
std::string PackageOf(const std::string& file) {
  return std::filesystem::path(file).parent_path().filename();
}

// Checks that all data files can be read. FAILED_PRECONDITION names the first that cannot, and the
// package to install.
absl::Status CheckFiles(const std::string& mode, const std::vector<PlannedStage>& stages) {
  for (const PlannedStage& stage : stages) {
    for (const std::string& file : stage.files) {
      const absl::Status readable = OpenRegularFile(file).status();
      if (readable.ok()) continue;
      return absl::FailedPreconditionError(
          fmt::format("mode {} needs a file: {}; install its package: apt install {}", mode,
                      std::string(readable.message()), PackageOf(file)));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<ApertiumBackend>> ApertiumBackend::Create(Options options) {
  if (options.modes_directory.empty()) {
    return absl::InvalidArgumentError("apertium: modes_directory is empty");
  }
  if (options.programs_directory.empty()) {
    return absl::InvalidArgumentError("apertium: programs_directory is empty");
  }
  if (options.worker_program.empty()) {
    return absl::InvalidArgumentError("apertium: no worker program is given");
  }
  if (options.start_timeout <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError("apertium: start_timeout must be above 0");
  }
  return std::unique_ptr<ApertiumBackend>(new ApertiumBackend(std::move(options)));
}

std::vector<ModelDescription> ApertiumBackend::Discover() {
  std::vector<ModelDescription> models;
  for (const std::string& mode : ModeNames()) {
    if (!LanguagesOfMode(mode)) continue;
    ModelDescription model;
    model.config.set_name(std::string(kModelPrefix) + mode);
    model.config.set_backend(std::string(name()));
    if (const absl::Status status = Complete(&model); !status.ok()) {
      log.Info(mode_limit, "mode not offered", {{"mode", mode}, {"reason", status.ToString()}});
      continue;
    }
    models.push_back(std::move(model));
  }
  return models;
}

absl::Status ApertiumBackend::Complete(ModelDescription* description) {
  SOUVENIR_ASSIGN_OR_RETURN(const std::string mode, ModeOfModel(description->config));
  const absl::StatusOr<std::string> text = ReadFile(ModePath(mode), kMostModeBytes);
  if (!text.ok()) {
    return absl::FailedPreconditionError(
        fmt::format("mode {} is not installed ({}); install its package, as in "
                    "`apt install apertium-{}`; installed modes: {}",
                    mode, text.status().ToString(), mode, fmt::join(ModeNames(), ", ")));
  }
  SOUVENIR_ASSIGN_OR_RETURN(const std::vector<ModeCommand> commands, ParseMode(*text, mode));
  const absl::StatusOr<std::vector<PlannedStage>> stages = PlanStages(commands);
  if (!stages.ok()) {
    return absl::InvalidArgumentError(
        fmt::format("mode {} cannot be served: {}", mode, stages.status().ToString()));
  }
  if (!Translates(commands)) {
    return absl::InvalidArgumentError(
        fmt::format("mode {} cannot be served: it does not translate, because it lacks a transfer "
                    "stage or a generation stage with $1",
                    mode));
  }
  SOUVENIR_RETURN_IF_ERROR(CheckPrograms(mode, *stages));
  return CompleteConfig(mode, &description->config);
}

absl::StatusOr<std::string> ApertiumBackend::Digest(const ModelDescription& description) {
  SOUVENIR_ASSIGN_OR_RETURN(const std::string mode, ModeOfModel(description.config));
  SOUVENIR_ASSIGN_OR_RETURN(const std::vector<PlannedStage> stages, InstalledStages(mode));
  Sha256 hash;
  hash.Add(SOUVENIR_APERTIUM_VERSIONS);
  hash.Add(kPipelineFormat);
  for (const std::string& file : FilesOf(mode, stages)) {
    SOUVENIR_RETURN_IF_ERROR(HashFile(file, &hash));
  }
  return HexString(hash.Finish());
}

absl::StatusOr<std::vector<std::string>> ApertiumBackend::DigestedFiles(
    const ModelDescription& description) {
  SOUVENIR_ASSIGN_OR_RETURN(const std::string mode, ModeOfModel(description.config));
  SOUVENIR_ASSIGN_OR_RETURN(const std::vector<PlannedStage> stages, ReadPlan(ModePath(mode)));
  return FilesOf(mode, stages);
}

absl::StatusOr<std::unique_ptr<Model>> ApertiumBackend::Load(const ModelDescription& description,
                                                             const Cancellation* cancellation) {
  SOUVENIR_ASSIGN_OR_RETURN(const std::string mode, ModeOfModel(description.config));
  SOUVENIR_RETURN_IF_ERROR(InstalledStages(mode).status());
  WorkerHost::Options worker;
  worker.name = description.config.name();
  worker.program = options_.worker_program;
  worker.arguments = {ModePath(mode), options_.programs_directory};
  worker.nice = description.nice;
  worker.cancellation = cancellation;
  worker.start_timeout = options_.start_timeout;
  worker.recycle_after = options_.recycle_after;
  worker.check_files = description.check_files;
  return ApertiumModel::Load(std::move(worker));
}

std::string ApertiumBackend::ModePath(std::string_view mode) const {
  return fmt::format("{}/{}{}", options_.modes_directory, mode, kModeSuffix);
}

std::string ApertiumBackend::ProgramPath(const PlannedStage& stage) const {
  return fmt::format("{}/{}", options_.programs_directory, stage.program);
}

std::vector<std::string> ApertiumBackend::FilesOf(const std::string& mode,
                                                  const std::vector<PlannedStage>& stages) const {
  std::vector<std::string> files = {ModePath(mode)};
  for (const PlannedStage& stage : stages) {
    // The version of a program is unknown at build time, so its bytes stand for it.
    if (stage.kind == StageKind::kProgram) files.push_back(ProgramPath(stage));
    files.insert(files.end(), stage.files.begin(), stage.files.end());
  }
  return files;
}

absl::Status ApertiumBackend::CheckPrograms(const std::string& mode,
                                            const std::vector<PlannedStage>& stages) const {
  for (const PlannedStage& stage : stages) {
    if (stage.kind != StageKind::kProgram) continue;
    const std::string path = ProgramPath(stage);
    if (access(path.c_str(), R_OK | X_OK) == 0) continue;
    return absl::FailedPreconditionError(fmt::format(
        "mode {} needs {}, which cannot be run ({}); install its package: apt install {}", mode,
        path, std::generic_category().message(errno), PackageOfProgram(stage.program)));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<PlannedStage>> ApertiumBackend::InstalledStages(
    const std::string& mode) const {
  SOUVENIR_ASSIGN_OR_RETURN(std::vector<PlannedStage> stages, ReadPlan(ModePath(mode)));
  SOUVENIR_RETURN_IF_ERROR(CheckPrograms(mode, stages));
  SOUVENIR_RETURN_IF_ERROR(CheckFiles(mode, stages));
  return stages;
}

std::vector<std::string> ApertiumBackend::ModeNames() const {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(options_.modes_directory, error), end;
       !error && entry != end; entry.increment(error)) {
    if (entry->path().extension() == kModeSuffix) names.push_back(entry->path().stem());
  }
  if (error) {
    log.Info(directory_limit, "no modes are offered",
             {{"directory", options_.modes_directory}, {"reason", error.message()}});
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace souvenir::compute
