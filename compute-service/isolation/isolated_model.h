#pragma once

#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "compute-service/backends/backend.h"
#include "compute-service/workers/worker_host.h"

namespace souvenir::compute {

// A model of any engine in worker processes. A host process loads the model once. Each instance is
// a process forked from the host, which shares its memory. An instance that crashes, calls exit()
// or hangs (it is then killed) fails its own request and no other.
//
// A model that is asked by row, with `recycle_after` = 1, gives each row a process in the state
// that loading has left. Answers of an engine whose state carries over then depend on nothing but
// the row.
//
// Owned by its pool; outlives its instances. Thread-safe.
class IsolatedModel final : public Model {
 public:
  // The way in which an instance asks its process.
  enum class Asks {
    kTogether,  // all rows of a run in one request
    kByRow,     // each row in a request of its own, which has the row's time limit
  };

  // Starts the program of `options`, which must call RunModelWorker() (model_worker.h), and blocks
  // while it loads the model. Replaces `options.arguments` and `options.check_files`. See
  // WorkerHost::Start() for errors; INVALID_ARGUMENT if the configuration is too large for a
  // command line.
  static absl::StatusOr<std::unique_ptr<Model>> Load(WorkerHost::Options options,
                                                     const ModelDescription& description,
                                                     Asks asks = Asks::kTogether);

  absl::StatusOr<std::unique_ptr<Instance>> CreateInstance() override;
  uint64_t lost_workers() const override { return host_->lost(); }
  uint64_t MemoryBytes() override { return host_->MemoryBytes(); }

 private:
  IsolatedModel(std::unique_ptr<WorkerHost> host, bool by_row, FilesCheck check)
      : host_(std::move(host)), by_row_(by_row), check_(std::move(check)) {}

  const std::unique_ptr<WorkerHost> host_;
  const bool by_row_;
  const FilesCheck check_;  // may be empty
};

}  // namespace souvenir::compute
