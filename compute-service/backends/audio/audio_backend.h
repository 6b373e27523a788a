#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "compute-service/backends/backend.h"

namespace souvenir::compute {

// Recordings to segments of speech, and samples to files. docs/backends/audio.md describes the two
// kinds of model.
//
// This class is the service's part, which links no library that reads files of strangers. They are
// read in the worker program (audio_engine.h), each instance in a process of its own.
//
// Owned by the service; outlives its models. Thread-safe: it has no state but its options.
class AudioBackend : public Backend {
 public:
  struct Options {
    std::string worker_program;  // path of souvenir-worker-audio
    // Size of one message of the service. The outputs of a request must fit into it.
    uint64_t max_message_bytes = 16u << 20;
  };

  explicit AudioBackend(Options options) : options_(std::move(options)) {}

  std::string_view name() const override { return "audio"; }
  bool isolates_itself() const override { return true; }

  absl::Status Complete(ModelDescription* description) override;

  // Covers the versions of the libraries. All else that answers depend on is in the configuration.
  absl::StatusOr<std::string> Digest(const ModelDescription& description) override;

  // Returns none, even if the model has a folder.
  absl::StatusOr<std::vector<std::string>> DigestedFiles(
      const ModelDescription& description) override;

  // REQUIRES: the description has been completed.
  absl::StatusOr<std::unique_ptr<Model>> Load(const ModelDescription& description,
                                              const Cancellation* cancellation) override;

 private:
  const Options options_;
};

}  // namespace souvenir::compute
