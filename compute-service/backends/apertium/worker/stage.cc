#include "compute-service/backends/apertium/worker/stage.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace souvenir::compute {

absl::StatusOr<std::unique_ptr<Stage>> CreateStage(const PlannedStage& plan,
                                                   const std::string& programs) {
  // The libraries answer a file that is missing with exit().
  for (const std::string& file : plan.files) {
    if (access(file.c_str(), R_OK) == 0) continue;
    const std::string message =
        fmt::format("cannot read {}: {}", file, std::generic_category().message(errno));
    return errno == ENOENT ? absl::NotFoundError(message) : absl::PermissionDeniedError(message);
  }
  switch (plan.kind) {
    case StageKind::kTagger:
    case StageKind::kPerceptronTagger:
      return CreateTaggerStage(plan);
    case StageKind::kLexicalSelection:
      return CreateLexicalSelectionStage(plan);
    case StageKind::kPretransfer:
    case StageKind::kTransfer:
    case StageKind::kInterchunk:
    case StageKind::kPostchunk:
      return CreateTransferStage(plan);
    case StageKind::kProgram:
      return CreateProgramStage(plan, programs);
    default:
      return CreateDictionaryStage(plan);
  }
}

}  // namespace souvenir::compute
