#include "compute-service/backends/audio/audio_backend.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/sha256.h"
#include "compute-service/backends/audio/model_config.h"
#include "compute-service/isolation/isolated_model.h"

namespace souvenir::compute {
namespace {

// Part of the digest. It must change whenever this backend gives another answer for the same
// request and model, so that older cached answers are no longer used.
constexpr std::string_view kBackendFormat = "1";

// Bytes of a message that are not bytes of its outputs: names, shapes, parameters.
constexpr uint64_t kMessageRoom = 4'096;

}  // namespace

absl::Status AudioBackend::Complete(ModelDescription* description) {
  const uint64_t room =
      options_.max_message_bytes - std::min(options_.max_message_bytes, kMessageRoom);
  const auto most = static_cast<int64_t>(std::clamp<uint64_t>(room, 1'024, 256 << 20));
  return CompleteAudioConfig(most, &description->config);
}

absl::StatusOr<std::string> AudioBackend::Digest(const ModelDescription&) {
  Sha256 hash;
  hash.Add(SOUVENIR_AUDIO_LIBRARIES);
  hash.Add(kBackendFormat);
  return HexString(hash.Finish());
}

absl::StatusOr<std::vector<std::string>> AudioBackend::DigestedFiles(const ModelDescription&) {
  return std::vector<std::string>();
}

absl::StatusOr<std::unique_ptr<Model>> AudioBackend::Load(const ModelDescription& description,
                                                          const Cancellation* cancellation) {
  WorkerHost::Options worker;
  worker.name = description.config.name();
  worker.program = options_.worker_program;
  worker.nice = description.nice;
  worker.cancellation = cancellation;
  return IsolatedModel::Load(std::move(worker), description);
}

}  // namespace souvenir::compute
