// souvenir-worker-espeak-ng speaks texts in processes of their own. souvenir-compute starts it.

#include <optional>

#include "common/version/about_program.h"
#include "compute-service/backends/espeak-ng/worker/espeak_ng_engine.h"
#include "compute-service/isolation/model_worker.h"

int main(int argc, char** argv) {
  const std::optional<int> exit_code = souvenir::AnswerAboutProgram(
      argc, argv, "souvenir-worker-espeak-ng",
      "Speaks texts with eSpeak NG in processes of its own. souvenir-compute starts it.");
  if (exit_code) return *exit_code;
  souvenir::compute::EspeakNgEngine backend;
  return souvenir::compute::RunModelWorker(argc, argv, &backend);
}
