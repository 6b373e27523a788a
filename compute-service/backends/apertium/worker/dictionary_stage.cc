// The stages of lt-proc: finite-state transducers over letters and tags.

#include <fmt/format.h>
#include <lttoolbox/fst_processor.h>

#include <cstdio>

#include "compute-service/backends/apertium/worker/memory_files.h"
#include "compute-service/backends/apertium/worker/stage.h"

namespace souvenir::compute {
namespace {

class DictionaryStage final : public Stage {
 public:
  explicit DictionaryStage(const PlannedStage& plan)
      : kind_(plan.kind), unknown_(plan.Has('n') ? gm_clean : gm_unknown) {
    processor_.setDictionaryCaseMode(plan.Has('w'));
    processor_.setCaseSensitiveMode(plan.Has('c'));
    FILE* file = fopen(plan.files[0].c_str(), "rbe");
    processor_.load(file);
    (void)fclose(file);
    Initialize();
  }

  bool valid() const { return processor_.valid(); }

  absl::Status Run(const std::string& text, UFILE* output) override {
    MemoryInput input(text);
    // The library switches this off at the end of each run.
    processor_.setNullFlush(true);
    Process(input.file(), output);
    return absl::OkStatus();
  }

 private:
  void Process(InputFile& input, UFILE* output) {
    switch (kind_) {
      case StageKind::kBilingual:
        return processor_.bilingual(input, output, unknown_);
      case StageKind::kGeneration:
        return processor_.generation(input, output, unknown_);
      case StageKind::kPostgeneration:
        return processor_.postgeneration(input, output);
      case StageKind::kTransliteration:
        return processor_.transliteration(input, output);
      case StageKind::kAnalysis:
      case StageKind::kDecomposition:
        return processor_.analysis(input, output);
      case StageKind::kTagger:
      case StageKind::kPerceptronTagger:
      case StageKind::kPretransfer:
      case StageKind::kTransfer:
      case StageKind::kInterchunk:
      case StageKind::kPostchunk:
      case StageKind::kLexicalSelection:
      case StageKind::kProgram:
        return;  // no dictionary's
    }
  }

  void Initialize() {
    switch (kind_) {
      case StageKind::kDecomposition:
        return processor_.initDecomposition();
      case StageKind::kBilingual:
        return processor_.initBiltrans();
      case StageKind::kGeneration:
        return processor_.initGeneration();
      case StageKind::kPostgeneration:
        return processor_.initPostgeneration();
      case StageKind::kTransliteration:
        return processor_.initTransliteration();
      case StageKind::kAnalysis:
        return processor_.initAnalysis();
      case StageKind::kTagger:
      case StageKind::kPerceptronTagger:
      case StageKind::kPretransfer:
      case StageKind::kTransfer:
      case StageKind::kInterchunk:
      case StageKind::kPostchunk:
      case StageKind::kLexicalSelection:
      case StageKind::kProgram:
        return;  // no dictionary's
    }
  }

  const StageKind kind_;
  const GenerationMode unknown_;  // marking of unknown words: with a * or without
  FSTProcessor processor_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Stage>> CreateDictionaryStage(const PlannedStage& plan) {
  auto stage = std::make_unique<DictionaryStage>(plan);
  if (!stage->valid()) {
    return absl::InternalError(fmt::format("{} is not a valid dictionary", plan.files[0]));
  }
  return stage;
}

}  // namespace souvenir::compute
