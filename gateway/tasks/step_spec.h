#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "common/sha256.h"
#include "common/tensor/tensor.h"
#include "gateway/tasks/task_types.h"
#include "gateway/upstream/parameter.h"

// A step as it is submitted and run: a model call, and where its inputs come from. Values.

namespace souvenir::gateway {

// A tensor that came with the job.
struct LiteralInput {
  DataType datatype = DataType::kInvalid;
  std::vector<int64_t> shape;
  std::string data;  // empty if `blob` has it
  std::optional<Sha256Digest> blob;
};

// The output of a step, or one row of it. Steps that a step needs are numbered in the order in
// which it names them first: see NeedList.
struct OutputInput {
  uint32_t need = 0;
  std::string output;  // "": the only one
  std::optional<int64_t> row;
};

// The outputs of many steps, joined along the first dimension.
struct GatheredInput {
  std::vector<uint32_t> needs;
  std::string output;  // "": the only one of each step
};

// The failures of the job, as JSON in one BYTES element.
struct FailuresInput {};

struct StepInput {
  std::string name;
  std::variant<LiteralInput, OutputInput, GatheredInput, FailuresInput> source;
  std::vector<int64_t> reshape;  // empty: the shape stays; one dimension may be -1
};

// When a failed attempt is made again.
struct RetryPolicy {
  static constexpr uint32_t kMostAttempts = 100;
  static constexpr uint32_t kMostUnavailable = 1000;

  uint32_t max_attempts = 3;      // that fail with an error that may pass; 1 to kMostAttempts
  uint32_t max_unavailable = 20;  // that fail because compute is away or full
  absl::Duration initial_backoff = absl::Seconds(1);  // doubles with each failure
  absl::Duration max_backoff = absl::Minutes(1);
  double jitter = 0.5;  // share of a pause that is random, 0 to 1
};

struct StepSpec {
  std::string model;
  std::string version;  // "": the newest
  std::vector<StepInput> inputs;
  std::vector<Parameter> parameters;
  RetryPolicy retry;
  absl::Duration time_limit = absl::InfiniteDuration();  // of one attempt
};

// A step on its way into a job.
struct StepRequest {
  std::string id;
  StepSpec spec;
  std::vector<std::string> needs;  // ids, each once
  std::string queue;
  int priority = 0;
  absl::Time not_before = absl::InfinitePast();
  absl::Duration countdown;  // since the job was accepted
};

// Numbers the steps that a step needs.
class NeedList {
 public:
  // Returns the number of a step, which is new if its id comes for the first time.
  uint32_t NumberOf(std::string_view id) {
    const auto [known, is_new] =
        numbers_.try_emplace(std::string(id), static_cast<uint32_t>(ids_.size()));
    if (is_new) ids_.emplace_back(id);
    return known->second;
  }
  std::vector<std::string> Take() && { return std::move(ids_); }

 private:
  absl::flat_hash_map<std::string, uint32_t> numbers_;
  std::vector<std::string> ids_;
};

}  // namespace souvenir::gateway
