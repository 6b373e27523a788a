// souvenir-worker-apertium <mode file> <directory of programs>
//
// Loads a mode and translates in processes forked from itself. souvenir-compute starts it.

#include <fmt/format.h>

#include <memory>
#include <optional>

#include "common/status_macros.h"
#include "common/tensor/bytes_elements.h"
#include "common/tensor/tensor_codec.h"
#include "common/version/about_program.h"
#include "compute-service/backends/apertium/worker/translator.h"
#include "compute-service/workers/worker_program.h"

namespace souvenir::compute {
namespace {

std::unique_ptr<Translator>& LoadedTranslator() {
  static std::unique_ptr<Translator> translator;
  return translator;
}

absl::Status Load(int argc, char** argv) {
  if (argc != 3) {
    return absl::InvalidArgumentError(fmt::format(
        "expected two arguments, the mode file and the directory of programs, got {}", argc - 1));
  }
  SOUVENIR_ASSIGN_OR_RETURN(const std::vector<PlannedStage> plan, ReadPlan(argv[1]));
  SOUVENIR_ASSIGN_OR_RETURN(LoadedTranslator(), Translator::Create(plan, argv[2]));
  return absl::OkStatus();
}

// A request is the tensor `text` of shape [1], an answer the tensor `translation` of shape [1].
absl::StatusOr<std::string> Serve(std::string_view request) {
  SOUVENIR_ASSIGN_OR_RETURN(const DecodedTensors inputs, DecodedTensors::Decode(request));
  const std::optional<TensorView> text = inputs.Find("text");
  const std::optional<std::string_view> element =
      text ? BytesElementReader(text->data).Next() : std::nullopt;
  if (!element) return absl::InvalidArgumentError("the request has no element of a tensor 'text'");
  SOUVENIR_ASSIGN_OR_RETURN(const std::string translated, LoadedTranslator()->Translate(*element));
  const Tensor translation{"translation", DataType::kBytes, {1}, FrameBytesElement(translated)};
  return EncodeTensors({translation.view()});
}

}  // namespace
}  // namespace souvenir::compute

int main(int argc, char** argv) {
  const std::optional<int> exit_code = souvenir::AnswerAboutProgram(
      argc, argv, "souvenir-worker-apertium",
      "souvenir-worker-apertium MODE_FILE PROGRAM_DIRECTORY\n\n"
      "Loads a mode of Apertium and translates in processes of its own. souvenir-compute starts "
      "it.");
  if (exit_code) return *exit_code;
  return souvenir::compute::RunWorkerHost(argc, argv, souvenir::compute::Load,
                                          souvenir::compute::Serve);
}
