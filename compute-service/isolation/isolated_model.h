#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "compute-service/backends/backend.h"
#include "compute-service/workers/worker_host.h"

namespace souvenir::compute {

// A model of any engine in worker processes. A host process loads the model once. Each instance is
// a process forked from the host, which shares its memory. An instance that crashes, calls exit()
// or hangs (it is then killed) fails its own request and no other.
//
// Owned by its pool; outlives its instances. Thread-safe.
class IsolatedModel final : public Model {
 public:
  // Starts the program of `options`, which must call RunModelWorker() (model_worker.h), and blocks
  // while it loads the model. Replaces `options.arguments` and `options.check_files`. See
  // WorkerHost::Start() for errors; INVALID_ARGUMENT if the configuration is too large for a
  // command line.
  static absl::StatusOr<std::unique_ptr<Model>> Load(WorkerHost::Options options,
                                                     const ModelDescription& description);

  absl::StatusOr<std::unique_ptr<Instance>> CreateInstance() override;
  uint64_t lost_workers() const override { return host_->lost(); }
  uint64_t MemoryBytes() override { return host_->MemoryBytes(); }

 private:
  explicit IsolatedModel(std::unique_ptr<WorkerHost> host) : host_(std::move(host)) {}

  const std::unique_ptr<WorkerHost> host_;
};

}  // namespace souvenir::compute
