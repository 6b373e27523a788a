// The stage of lrx-proc: rules that choose among the translations of a word.

#include <apertium-lex-tools/lrx_processor.h>

#include <cstdio>

#include "compute-service/backends/apertium/worker/memory_files.h"
#include "compute-service/backends/apertium/worker/stage.h"

namespace souvenir::compute {
namespace {

class LexicalSelectionStage final : public Stage {
 public:
  explicit LexicalSelectionStage(const std::string& rules) {
    FILE* file = fopen(rules.c_str(), "rbe");
    processor_.load(file);
    (void)fclose(file);
    processor_.init();
  }

  absl::Status Run(const std::string& text, UFILE* output) override {
    MemoryInput input(text);
    processor_.setNullFlush(true);
    processor_.process(input.file(), output);
    return absl::OkStatus();
  }

 private:
  LRXProcessor processor_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Stage>> CreateLexicalSelectionStage(const PlannedStage& plan) {
  return std::make_unique<LexicalSelectionStage>(plan.files[0]);
}

}  // namespace souvenir::compute
