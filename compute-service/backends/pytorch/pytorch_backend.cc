#include "compute-service/backends/pytorch/pytorch_backend.h"

#include <fmt/format.h>
#include <torch/csrc/api/include/torch/version.h>

#include <utility>

#include "common/machine.h"
#include "common/read_file.h"
#include "common/sha256.h"
#include "common/status_macros.h"
#include "compute-service/isolation/isolated_model.h"

namespace souvenir::compute {
namespace {

// Part of the digest. It must change whenever this backend gives another answer for the same
// request and model, so that older cached answers are no longer used.
constexpr std::string_view kBackendFormat = "1";

}  // namespace

absl::StatusOr<std::unique_ptr<PytorchBackend>> PytorchBackend::Create(Options options) {
  if (options.cores < 0) {
    return absl::InvalidArgumentError(
        fmt::format("pytorch: cores is {}; it must not be negative", options.cores));
  }
  return std::unique_ptr<PytorchBackend>(new PytorchBackend(std::move(options)));
}

PytorchBackend::PytorchBackend(Options options) : options_(std::move(options)) {}

absl::Status PytorchBackend::Complete(ModelDescription* description) {
  SOUVENIR_RETURN_IF_ERROR(ModelFile(*description).status());
  const int cores = options_.cores > 0 ? options_.cores : ReadMachine().processors;
  return CompleteTorchConfig(cores, &description->config);
}

absl::StatusOr<std::string> PytorchBackend::Digest(const ModelDescription& description) {
  SOUVENIR_ASSIGN_OR_RETURN(const std::string path, ModelFile(description));
  Sha256 hash;
  hash.Add("libtorch " TORCH_VERSION);
  hash.Add(kBackendFormat);
  if (const absl::Status hashed = HashFile(path, &hash); !hashed.ok()) {
    return CannotReadModel(description.config.name(), hashed);
  }
  return HexString(hash.Finish());
}

absl::StatusOr<std::vector<std::string>> PytorchBackend::DigestedFiles(
    const ModelDescription& description) {
  SOUVENIR_ASSIGN_OR_RETURN(std::string path, ModelFile(description));
  return std::vector<std::string>{std::move(path)};
}

absl::StatusOr<std::unique_ptr<Model>> PytorchBackend::Load(const ModelDescription& description,
                                                            const Cancellation* cancellation) {
  WorkerHost::Options worker;
  worker.name = description.config.name();
  worker.program = options_.worker_program;
  worker.nice = description.nice;
  worker.cancellation = cancellation;
  return IsolatedModel::Load(std::move(worker), description);
}

}  // namespace souvenir::compute
