// Stages that lt-proc runs: finite-state transducers over letters and tags.

#include <fmt/format.h>
#include <lttoolbox/fst_processor.h>

#include <cstdio>

#include "compute-service/backends/apertium/worker/memory_files.h"
#include "compute-service/backends/apertium/worker/stage.h"

namespace souvenir::compute {
namespace {

class DictionaryStage final : public Stage {
 public:
  explicit DictionaryStage(const PlannedStage& plan) : kind_(plan.kind), marks_(plan.Has('g')) {
    processor_.setDictionaryCaseMode(plan.Has('w'));
    processor_.setCaseSensitiveMode(plan.Has('c'));
    FILE* file = fopen(plan.files[0].c_str(), "rbe");
    processor_.load(file);
    (void)fclose(file);
    Initialize();
  }

  bool valid() const { return processor_.valid(); }

  void Run(const std::string& text, UFILE* output) override {
    MemoryInput input(text);
    // Each run switches it off at its end.
    processor_.setNullFlush(true);
    switch (kind_) {
      case StageKind::kBilingual:
        return processor_.bilingual(input.file(), output);
      case StageKind::kGeneration:
        return processor_.generation(input.file(), output, marks_ ? gm_unknown : gm_clean);
      case StageKind::kPostgeneration:
        return processor_.postgeneration(input.file(), output);
      case StageKind::kTransliteration:
        return processor_.transliteration(input.file(), output);
      default:
        return processor_.analysis(input.file(), output);
    }
  }

 private:
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
      default:
        return processor_.initAnalysis();
    }
  }

  const StageKind kind_;
  const bool marks_;  // unknown words with a *
  FSTProcessor processor_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Stage>> CreateDictionaryStage(const PlannedStage& plan) {
  auto stage = std::make_unique<DictionaryStage>(plan);
  if (!stage->valid()) {
    return absl::InternalError(fmt::format("{} is no usable dictionary", plan.files[0]));
  }
  return stage;
}

}  // namespace souvenir::compute
