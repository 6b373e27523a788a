// Fuzzes jobs as callers submit them: the steps of a message, their graph, and the form in which
// they are kept.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "gateway/rpc/task_messages.h"
#include "gateway/tasks/job_graph.h"
#include "gateway/tasks/step_codec.h"
#include "tests/fuzz/messages.h"
#include "tests/fuzz/require.h"

namespace souvenir::gateway {
namespace {

void CheckGraph(const JobGraph& graph) {
  size_t fed = 0;
  for (uint32_t step = 0; step < graph.size(); ++step) {
    for (const uint32_t need : graph.needs(step)) {
      Require(need < graph.size() && need != step, "a step needs another one");
    }
    fed += graph.feeds(step).size();
    Require(graph.Find(graph.id(step)) == step, "a step is found by its id");
  }
  Require(fed == graph.edges(), "each edge is known at both ends");
}

// Checks that what is kept of a step does not change when it is read and written again.
void CheckKept(StepSpec spec) {
  std::vector<Blob> blobs;
  const std::string kept = EncodeStep(std::move(spec), &blobs);
  absl::StatusOr<StepSpec> read = DecodeStep(kept);
  Require(read.ok(), "a step that was kept can be read");
  std::vector<Blob> none;
  Require(EncodeStep(*std::move(read), &none) == kept, "a step stays as it is");
  Require(none.empty(), "a blob is made once");
}

void Try(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  (void)DecodeStep(bytes);  // of a record that is damaged
  v1::SubmitJobRequest request;
  if (!request.ParseFromArray(data, static_cast<int>(size))) return;
  const auto options = ReadJobOptions(request.options(), "");
  Require(options.ok() || absl::IsInvalidArgument(options.status()), "an error of the options");
  JobGraph graph({.max_steps = 100, .max_edges = 1000});
  for (int i = 0; i < request.steps_size(); ++i) {
    absl::StatusOr<StepRequest> step = ReadStep(static_cast<size_t>(i), request.steps(i));
    if (!step.ok()) {
      Require(absl::IsInvalidArgument(step.status()), "an error of a step");
      return;
    }
    const absl::Status added = graph.Add(step->id, step->needs);
    if (!added.ok()) {
      Require(absl::IsInvalidArgument(added) || absl::IsResourceExhausted(added),
              "an error of a graph");
      return;
    }
    CheckKept(std::move(step->spec));
  }
  const absl::Status sealed = graph.Seal();
  if (sealed.ok()) return CheckGraph(graph);
  Require(absl::IsInvalidArgument(sealed), "an error of a graph");
}

}  // namespace
}  // namespace souvenir::gateway

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  souvenir::SilenceProtobuf();
  souvenir::gateway::Try(data, size);
  return 0;
}
