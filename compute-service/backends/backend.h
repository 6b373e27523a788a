#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/tensor/tensor.h"
#include "inference/model_config.pb.h"

namespace souvenir::compute {

// One request as an instance sees it. Everything in it belongs to the caller, for the length of
// Run().
struct InferenceRequest {
  // Valid tensors that match the model's configuration; of a batched model all with the same first
  // dimension.
  absl::Span<const TensorView> inputs;
  // Names of the outputs asked for, each one of the model's; never empty.
  absl::Span<const std::string> outputs;
  int64_t rows = 1;  // of the batch; 1 where the model has none
  // How long the run may take for one row before the instance gives it up.
  absl::Duration row_limit = absl::InfiniteDuration();
};

struct InferenceResult {
  std::vector<Tensor> outputs;  // those asked for, in that order
  absl::Duration compute_time;  // spent on the rows, without waiting for anything
  absl::Duration queue_time;    // before that, in the queue; its pool's to say
};

// One loaded copy of a model. Owned by its pool, which calls it from one thread at a time.
class Instance {
 public:
  virtual ~Instance() = default;

  // Computes; blocks until it is done. INVALID_ARGUMENT where the input is at fault and would be
  // again; DEADLINE_EXCEEDED where a row took longer than its limit; UNAVAILABLE where the instance
  // was lost and the same request may succeed on another one. After any error the instance must be
  // able to run the next request, with what it takes to recover done here or at the next Run().
  virtual absl::StatusOr<InferenceResult> Run(const InferenceRequest& request) = 0;
};

// A model that is loaded: what its instances share. Owned by the repository; outlives its
// instances. Thread-safe.
class Model {
 public:
  virtual ~Model() = default;

  // May block for as long as making a copy takes.
  virtual absl::StatusOr<std::unique_ptr<Instance>> CreateInstance() = 0;

  // Processes of its own that died or had to be killed, so far.
  virtual uint64_t lost_workers() const { return 0; }

  // What it takes, with its instances; 0 where that is not known. May read files of /proc.
  virtual uint64_t MemoryBytes() { return 0; }
};

// A version of a model that could be loaded.
struct ModelDescription {
  inference::ModelConfig config;
  int64_t version = 1;
  std::string directory;  // <model>/<version>; empty where there is no file
};

// An engine: what turns descriptions into models. Owned by the service; outlives its models.
// Thread-safe. To add one: a folder beside apertium/, and a line in compute-service/engines.cc.
class Backend {
 public:
  virtual ~Backend() = default;

  // As `backend` in a model's configuration names it.
  virtual std::string_view name() const = 0;

  // As `platform` names it in configurations that name no backend, which is the older way; empty
  // where there is no such name.
  virtual std::string_view platform() const { return ""; }

  // Whether its instances run in processes of their own without further ado; else the service can
  // put them into some (compute-service/isolation/).
  virtual bool isolates_itself() const { return false; }

  // Models that are there without a file in the repository; they load on first use. Called on
  // start.
  virtual std::vector<ModelDescription> Discover() { return {}; }

  // Fills in what the engine knows better than the file (inputs, outputs, languages,
  // response_cache) and refuses with INVALID_ARGUMENT, by name, what it does not support. Reads
  // files, loads nothing.
  virtual absl::Status Complete(ModelDescription* description) = 0;

  // The engine's part of the digest: version of the engine and the bytes of every file that an
  // answer depends on. Reads files, loads nothing.
  virtual absl::StatusOr<std::string> Digest(const ModelDescription& description) = 0;

  // Blocks while the model loads. FAILED_PRECONDITION says what is missing and what to install.
  virtual absl::StatusOr<std::unique_ptr<Model>> Load(const ModelDescription& description) = 0;
};

}  // namespace souvenir::compute
