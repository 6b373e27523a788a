// souvenir-worker-pytorch runs TorchScript models in processes of their own. souvenir-compute
// starts it.

#include <optional>

#include "common/version/about_program.h"
#include "compute-service/backends/pytorch/pytorch_engine.h"
#include "compute-service/isolation/model_worker.h"

int main(int argc, char** argv) {
  const std::optional<int> exit_code = souvenir::AnswerAboutProgram(
      argc, argv, "souvenir-worker-pytorch",
      "Runs TorchScript models in processes of their own. souvenir-compute starts it.");
  if (exit_code) return *exit_code;
  souvenir::compute::PytorchEngine backend;
  return souvenir::compute::RunModelWorker(argc, argv, &backend);
}
