// souvenir-worker-builtin runs built-in functions in processes of their own. souvenir-compute
// starts it.

#include <optional>

#include "common/version/about_program.h"
#include "compute-service/backends/builtin/builtin_backend.h"
#include "compute-service/isolation/model_worker.h"

int main(int argc, char** argv) {
  const std::optional<int> exit_code = souvenir::AnswerAboutProgram(
      argc, argv, "souvenir-worker-builtin",
      "Runs built-in functions in processes of their own. souvenir-compute starts it.");
  if (exit_code) return *exit_code;
  souvenir::compute::BuiltinBackend backend;
  return souvenir::compute::RunModelWorker(argc, argv, &backend);
}
