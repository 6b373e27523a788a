#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/cancellation.h"
#include "common/tensor/tensor.h"
#include "inference/model_config.pb.h"

namespace souvenir::compute {

// A request as an instance sees it. The caller owns everything in it and keeps it alive during
// Run().
struct InferenceRequest {
  // Valid tensors that match the model's configuration. The inputs of a batched model all have the
  // same first dimension.
  absl::Span<const TensorView> inputs;
  // Names of the outputs asked for. Never empty; the model has each of them.
  absl::Span<const std::string> outputs;
  int64_t rows = 1;  // first dimension of the batch; 1 if the model does not batch
  // Longest time per row before the instance gives the run up.
  absl::Duration row_limit = absl::InfiniteDuration();
};

struct InferenceResult {
  std::vector<Tensor> outputs;  // the outputs asked for, in the order of the request
  absl::Duration compute_time;  // time spent on the rows, without waiting for anything
  absl::Duration queue_time;    // time in the queue before the run; set by the pool
  int64_t instances = 1;        // present instances of the model; set by the pool
};

// A loaded copy of a model. Owned by its pool, which calls it from one thread at a time.
class Instance {
 public:
  virtual ~Instance() = default;

  // Computes the outputs. Blocks until they are ready. Errors: INVALID_ARGUMENT if the input is at
  // fault and would be again; DEADLINE_EXCEEDED if a row took longer than its limit; UNAVAILABLE if
  // the instance was lost and the same request may succeed on another one. After any error the
  // instance must be able to run the next request. It recovers in this call or in the next one.
  virtual absl::StatusOr<InferenceResult> Run(const InferenceRequest& request) = 0;
};

// A loaded model: the state that its instances share. Owned by its pool; outlives its instances.
// Thread-safe.
class Model {
 public:
  virtual ~Model() = default;

  // Creates another copy of the model. Blocks until it is loaded.
  virtual absl::StatusOr<std::unique_ptr<Instance>> CreateInstance() = 0;

  // Returns the number of the model's processes that have died or had to be killed so far.
  virtual uint64_t lost_workers() const { return 0; }

  // Returns the memory of the model with its instances, in bytes; 0 if unknown. May read files of
  // /proc.
  virtual uint64_t MemoryBytes() { return 0; }
};

// Returns OK as long as the files that a model's digest covers are those that were hashed, and
// otherwise the error for requests. It may block on the disk and be called from any thread; it
// takes no lock of its callers. See MakeFilesCheck().
using FilesCheck = std::function<absl::Status()>;

// Returns the error of a FilesCheck: UNAVAILABLE, with a mark that stays in the service.
inline absl::Status FilesChangedError(std::string_view message) {
  absl::Status status = absl::UnavailableError(absl::string_view(message.data(), message.size()));
  status.SetPayload("souvenir/files-changed", absl::Cord());
  return status;
}

// Returns true for an error with that mark: a process was not started, because the files of its
// model have changed, and none will be until the model is loaded again.
inline bool IsFilesChanged(const absl::Status& status) {
  return status.GetPayload("souvenir/files-changed").has_value();
}

// A version of a model that could be loaded.
struct ModelDescription {
  inference::ModelConfig config;
  int64_t version = 1;
  std::string directory;   // <model>/<version> in the repository; empty if the model has no file
  FilesCheck check_files;  // empty means always OK
  int nice = 0;            // of its threads and processes, 0 to 19, added to the service's own

  absl::Status CheckFiles() const { return check_files ? check_files() : absl::OkStatus(); }
};

// An engine, which turns descriptions into models. Owned by the service; outlives its models.
// Thread-safe. A new engine needs a folder beside apertium/ and a line in
// compute-service/engines.cc.
class Backend {
 public:
  virtual ~Backend() = default;

  // Returns the engine's name, as `backend` in a model's configuration has it.
  virtual std::string_view name() const = 0;

  // Returns the engine's name in the field `platform`, by which older configurations choose an
  // engine; empty if it has none.
  virtual std::string_view platform() const { return ""; }

  // Returns true if the engine runs its instances in processes of their own. The service can put
  // the instances of other engines into processes (compute-service/isolation/).
  virtual bool isolates_itself() const { return false; }

  // Returns true if an instance gives a run up as soon as one row has taken longer than its limit,
  // and not only when all rows together have. Rows of different callers may then share a run.
  virtual bool limits_each_row() const { return false; }

  // Returns the models that need no file in the repository. They load on first use. Called once, on
  // start.
  virtual std::vector<ModelDescription> Discover() { return {}; }

  // Fills in the fields that the engine knows and the configuration leaves out (inputs, outputs,
  // languages, response_cache). INVALID_ARGUMENT names a setting that the engine does not support.
  // Reads files but loads nothing.
  virtual absl::Status Complete(ModelDescription* description) = 0;

  // Returns the engine's part of the digest, which covers the version of the engine and the bytes
  // of every file that an answer depends on. Reads files but loads nothing.
  virtual absl::StatusOr<std::string> Digest(const ModelDescription& description) = 0;

  // Returns the files that Digest() covers. A folder stands for all files below it. The list may
  // depend on the content of its own files. Loads nothing.
  virtual absl::StatusOr<std::vector<std::string>> DigestedFiles(
      const ModelDescription& description) {
    if (description.directory.empty()) return std::vector<std::string>();
    return std::vector<std::string>{description.directory};
  }

  // Returns the end of the sentence "`souvenir models load m` loads it again" in the error of a
  // FilesCheck, for engines whose models may change their files themselves; else "".
  virtual std::string_view files_advice() const { return ""; }

  // Loads a model. Blocks. FAILED_PRECONDITION says what is missing and what to install. Once
  // `cancellation` is cancelled, this load and all later starts of the model stop waiting for
  // processes and fail. Null for none. It outlives the model.
  //
  // A model that starts processes calls `description.check_files` whenever one is ready, and ends
  // the process unless the check is OK: answers must not get the digest of other files. The service
  // does the same for models in its own process.
  virtual absl::StatusOr<std::unique_ptr<Model>> Load(const ModelDescription& description,
                                                      const Cancellation* cancellation) = 0;
};

}  // namespace souvenir::compute
