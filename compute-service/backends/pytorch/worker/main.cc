// souvenir-worker-pytorch runs TorchScript models in processes of their own. souvenir-compute
// starts it.

#include "compute-service/backends/pytorch/pytorch_engine.h"
#include "compute-service/isolation/model_worker.h"

int main(int argc, char** argv) {
  souvenir::compute::PytorchEngine backend;
  return souvenir::compute::RunModelWorker(argc, argv, &backend);
}
