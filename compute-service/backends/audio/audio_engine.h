#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "compute-service/backends/audio/audio_backend.h"

namespace souvenir::compute {

// The worker program's part of the backend, which links libsndfile and libsoxr. It runs models in
// its own process. Loading starts no thread. Thread-safe.
class AudioEngine final : public AudioBackend {
 public:
  explicit AudioEngine(Options options = {}) : AudioBackend(std::move(options)) {}

  // REQUIRES: the description has been completed.
  absl::StatusOr<std::unique_ptr<Model>> Load(const ModelDescription& description,
                                              const Cancellation* cancellation) override;
};

}  // namespace souvenir::compute
