#include "compute-service/backends/apertium/worker/translator.h"

#include <stdexcept>

#include "common/status_macros.h"
#include "compute-service/backends/apertium/worker/plain_text.h"

namespace souvenir::compute {

absl::StatusOr<std::unique_ptr<Translator>> Translator::Create(
    const std::vector<PlannedStage>& plan, const std::string& programs) {
  std::vector<std::unique_ptr<Stage>> stages;
  for (const PlannedStage& planned : plan) {
    SOUVENIR_ASSIGN_OR_RETURN(std::unique_ptr<Stage> stage, CreateStage(planned, programs));
    stages.push_back(std::move(stage));
  }
  return std::unique_ptr<Translator>(new Translator(std::move(stages)));
}

absl::StatusOr<std::string> Translator::Translate(std::string_view text) {
  const std::string clean = CleanText(text);
  std::string translation;
  for (const TextPart& part : SplitLongWords(clean)) {
    if (part.translate) {
      SOUVENIR_ASSIGN_OR_RETURN(const std::string stream, RunStages(Deformat(part.text)));
      translation.append(Reformat(stream));
    } else {
      translation.append(part.text);
    }
  }
  return translation;
}

absl::StatusOr<std::string> Translator::RunStages(std::string stream) {
  // Every stage reads up to the NUL and flushes there. If the file ended without a NUL, some stages
  // would keep the last words for the next text.
  for (const std::unique_ptr<Stage>& stage : stages_) {
    stream.push_back('\0');
    SOUVENIR_RETURN_IF_ERROR(stage->Run(stream, output_.file()));
    const std::string_view written = output_.Take();
    // Bytes after the first NUL come from the end of the file, which stages read as another text.
    const size_t end = written.find('\0');
    if (end == std::string_view::npos) throw std::runtime_error("a stage did not end its output");
    stream.assign(written.substr(0, end));
  }
  return stream;
}

}  // namespace souvenir::compute
