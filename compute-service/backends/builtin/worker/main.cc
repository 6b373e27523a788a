// souvenir-worker-builtin runs built-in functions in processes of their own. souvenir-compute
// starts it.

#include "compute-service/backends/builtin/builtin_backend.h"
#include "compute-service/isolation/model_worker.h"

int main(int argc, char** argv) {
  souvenir::compute::BuiltinBackend backend;
  return souvenir::compute::RunModelWorker(argc, argv, &backend);
}
