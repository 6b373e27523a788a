#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "compute-service/backends/pocketsphinx/pocketsphinx_backend.h"

namespace souvenir::compute {

// The worker program's part of the backend, which links the engine. It loads a model in its own
// process, and starts no thread. An instance recognises one row as often as it is asked, but only
// its first answer is that of a fresh decoder.
class PocketsphinxEngine final : public PocketsphinxBackend {
 public:
  PocketsphinxEngine() : PocketsphinxBackend(Options{}) {}

  // REQUIRES: the description has been completed.
  absl::StatusOr<std::unique_ptr<Model>> Load(const ModelDescription& description,
                                              const Cancellation* cancellation) override;
};

}  // namespace souvenir::compute
