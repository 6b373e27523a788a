// The stages without a library: cg-proc (constraint grammar), lsx-proc (separable words) and
// apertium-anaphora. Each worker keeps the programs themselves running. Their answer to a text did
// not depend on the texts before it; the tests and docs/translation-engine.md have the figures.

#include <fmt/format.h>

#include "common/status_macros.h"
#include "compute-service/backends/apertium/worker/stage.h"
#include "compute-service/backends/apertium/worker/warm_program.h"

namespace souvenir::compute {
namespace {

class ProgramStage final : public Stage {
 public:
  explicit ProgramStage(std::unique_ptr<WarmProgram> program) : program_(std::move(program)) {}

  absl::Status Run(const std::string& text, UFILE* output) override {
    SOUVENIR_ASSIGN_OR_RETURN(const std::string answer, program_->Exchange(text));
    // The answer is UTF-8 already, so it goes to the file behind the converting one.
    (void)fwrite(answer.data(), 1, answer.size(), u_fgetfile(output));
    return absl::OkStatus();
  }

 private:
  const std::unique_ptr<WarmProgram> program_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Stage>> CreateProgramStage(const PlannedStage& plan,
                                                          const std::string& programs) {
  WarmProgram::Options options;
  options.path = fmt::format("{}/{}", programs, plan.program);
  options.arguments = {"-z"};
  for (const char option : plan.options) options.arguments.push_back(fmt::format("-{}", option));
  options.files = plan.files;
  SOUVENIR_ASSIGN_OR_RETURN(std::unique_ptr<WarmProgram> program,
                            WarmProgram::Create(std::move(options)));
  // A first run while loading detects damaged files. Each forked worker then starts its own.
  constexpr std::string_view kNothing(".[]\0", 4);
  if (const auto answer = program->Exchange(kNothing); !answer.ok()) {
    return absl::InternalError(answer.status().message());
  }
  program->Stop();
  return std::make_unique<ProgramStage>(std::move(program));
}

}  // namespace souvenir::compute
