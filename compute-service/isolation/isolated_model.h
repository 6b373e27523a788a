#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "compute-service/backends/backend.h"
#include "compute-service/workers/worker_host.h"

namespace souvenir::compute {

// A model of any engine, in a worker program of its own: a host process loads it once, and each
// instance is a process that is forked from that and shares its memory. What an instance does to
// its process, a crash or a call of exit() included, is lost with that request and no other's; one
// that hangs is killed.
//
// Owned by the repository; outlives its instances. Thread-safe.
class IsolatedModel final : public Model {
 public:
  // The program runs RunModelWorker() (model_worker.h); `options.arguments` are filled in. Blocks
  // while it loads `description`. WorkerHost::Start's errors, FAILED_PRECONDITION where there is no
  // such program.
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
