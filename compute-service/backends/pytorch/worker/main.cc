// souvenir-worker-pytorch: runs TorchScript models in processes of their own. Started by
// souvenir-compute.

#include <fmt/format.h>

#include <cstdio>
#include <string>

#include "compute-service/backends/pytorch/pytorch_backend.h"
#include "compute-service/isolation/model_worker.h"

int main(int argc, char** argv) {
  const auto backend = souvenir::compute::PytorchBackend::Create({});
  if (!backend.ok()) {
    fmt::print(stderr, "{}\n", std::string(backend.status().message()));
    return 1;
  }
  return souvenir::compute::RunModelWorker(argc, argv, backend->get());
}
