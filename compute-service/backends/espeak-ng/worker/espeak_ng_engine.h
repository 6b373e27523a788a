#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "compute-service/backends/espeak-ng/espeak_ng_backend.h"

namespace souvenir::compute {

// The worker program's part of the backend, which links the engine. Loading initialises the engine
// and tries the data in a process of its own. Instances share the engine, which has its own copy in
// each process; only the first answer of a process is always the same.
class EspeakNgEngine final : public EspeakNgBackend {
 public:
  EspeakNgEngine() : EspeakNgBackend(Options{}) {}

  // REQUIRES: the description has been completed; the process has one thread.
  absl::StatusOr<std::unique_ptr<Model>> Load(const ModelDescription& description,
                                              const Cancellation* cancellation) override;
};

}  // namespace souvenir::compute
