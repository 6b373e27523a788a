#include "compute-service/backends/apertium/worker/stage.h"

#include "common/read_file.h"
#include "common/status_macros.h"

namespace souvenir::compute {

absl::StatusOr<std::unique_ptr<Stage>> CreateStage(const PlannedStage& plan,
                                                   const std::string& programs) {
  // The libraries call exit() if a file is missing, and block on a FIFO.
  for (const std::string& file : plan.files) {
    SOUVENIR_RETURN_IF_ERROR(OpenRegularFile(file).status());
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
    case StageKind::kAnalysis:
    case StageKind::kDecomposition:
    case StageKind::kBilingual:
    case StageKind::kGeneration:
    case StageKind::kPostgeneration:
    case StageKind::kTransliteration:
      return CreateDictionaryStage(plan);
  }
  return absl::InternalError("an unknown kind of stage");
}

}  // namespace souvenir::compute
