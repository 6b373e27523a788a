#pragma once

#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "compute-service/backends/backend.h"
#include "compute-service/workers/worker_host.h"

namespace souvenir::compute {

// A loaded mode. A host process has loaded it, and its forked workers are the instances.
//
// Owned by its pool; outlives its instances. Thread-safe.
class ApertiumModel final : public Model {
 public:
  // Starts the host. Blocks while it loads. See WorkerHost::Start() for errors.
  static absl::StatusOr<std::unique_ptr<Model>> Load(WorkerHost::Options options);

  absl::StatusOr<std::unique_ptr<Instance>> CreateInstance() override;
  uint64_t lost_workers() const override { return host_->lost(); }
  uint64_t MemoryBytes() override { return host_->MemoryBytes(); }

 private:
  ApertiumModel(std::unique_ptr<WorkerHost> host, FilesCheck check)
      : host_(std::move(host)), check_(std::move(check)) {}

  const std::unique_ptr<WorkerHost> host_;
  const FilesCheck check_;  // may be empty
};

}  // namespace souvenir::compute
