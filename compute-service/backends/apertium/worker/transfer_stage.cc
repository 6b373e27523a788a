// The stages of apertium-pretransfer, -transfer, -interchunk and -postchunk: rules that reorder and
// change words and groups of words.

#include <apertium/interchunk.h>
#include <apertium/postchunk.h>
#include <apertium/pretransfer.h>
#include <apertium/transfer.h>

#include "compute-service/backends/apertium/worker/memory_files.h"
#include "compute-service/backends/apertium/worker/stage.h"

namespace souvenir::compute {
namespace {

class PretransferStage final : public Stage {
 public:
  absl::Status Run(const std::string& text, UFILE* output) override {
    MemoryInput input(text);
    processStream(input.file(), output, /*null_flush=*/true, /*surface_forms=*/false,
                  /*compound_sep=*/false);
    return absl::OkStatus();
  }
};

// Rules whose variables can be reset, so that their values do not carry over to the next text.
template <typename Rules>
class ResettableRules final : public Rules {
 public:
  void Reset() {
    this->variables = this->variable_defaults;
    this->setNullFlush(true);
  }
};

class TransferStage final : public Stage {
 public:
  explicit TransferStage(const PlannedStage& plan) {
    if (plan.Has('b')) rules_.setPreBilingual(true);
    if (plan.Has('b') || plan.Has('n')) rules_.setUseBilingual(false);
    if (plan.Has('c')) rules_.setCaseSensitiveness(true);
    rules_.read(plan.files[0], plan.files[1], plan.files.size() > 2 ? plan.files[2] : "");
  }

  absl::Status Run(const std::string& text, UFILE* output) override {
    MemoryInput input(text);
    rules_.Reset();
    rules_.transfer(input.file(), output);
    return absl::OkStatus();
  }

 private:
  ResettableRules<Transfer> rules_;
};

class InterchunkStage final : public Stage {
 public:
  explicit InterchunkStage(const PlannedStage& plan) {
    rules_.read(plan.files[0].c_str(), plan.files[1].c_str());
  }

  absl::Status Run(const std::string& text, UFILE* output) override {
    MemoryInput input(text);
    rules_.Reset();
    rules_.interchunk(input.file(), output);
    return absl::OkStatus();
  }

 private:
  ResettableRules<Interchunk> rules_;
};

class PostchunkStage final : public Stage {
 public:
  explicit PostchunkStage(const PlannedStage& plan) {
    rules_.read(plan.files[0].c_str(), plan.files[1].c_str());
  }

  absl::Status Run(const std::string& text, UFILE* output) override {
    MemoryInput input(text);
    rules_.Reset();
    rules_.postchunk(input.file(), output);
    return absl::OkStatus();
  }

 private:
  ResettableRules<Postchunk> rules_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Stage>> CreateTransferStage(const PlannedStage& plan) {
  switch (plan.kind) {
    case StageKind::kTransfer:
      return std::make_unique<TransferStage>(plan);
    case StageKind::kInterchunk:
      return std::make_unique<InterchunkStage>(plan);
    case StageKind::kPostchunk:
      return std::make_unique<PostchunkStage>(plan);
    case StageKind::kPretransfer:
      return std::make_unique<PretransferStage>();
    case StageKind::kAnalysis:
    case StageKind::kDecomposition:
    case StageKind::kBilingual:
    case StageKind::kGeneration:
    case StageKind::kPostgeneration:
    case StageKind::kTransliteration:
    case StageKind::kTagger:
    case StageKind::kPerceptronTagger:
    case StageKind::kLexicalSelection:
    case StageKind::kProgram:
      break;
  }
  return absl::InternalError("a stage that is no transfer");
}

}  // namespace souvenir::compute
