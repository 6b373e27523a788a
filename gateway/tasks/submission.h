#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "gateway/catalog/catalog.h"
#include "gateway/tasks/job_graph.h"
#include "gateway/tasks/step_spec.h"
#include "gateway/tasks/task_store.h"

namespace souvenir::gateway {

// Checks the name of a queue: 1 to 64 of a-z, 0-9, '-', '_' and '.', beginning with a letter or
// digit. INVALID_ARGUMENT names `field`.
absl::Status CheckQueueName(std::string_view field, std::string_view name);

// The way of one job into the store: checked step by step, and as a whole before it is accepted.
//
//   Submission submission(limits, parts);
//   SOUVENIR_RETURN_IF_ERROR(submission.Begin(options));
//   if (submission.already_submitted()) return submission.begun();
//   SOUVENIR_RETURN_IF_ERROR(submission.Add(steps));       // any number of times
//   SOUVENIR_ASSIGN_OR_RETURN(TaskStore::Sealed sealed, submission.Seal());
//
// A submission that is destroyed before it was sealed leaves no job. Its memory is that of the
// graph: payloads go to the store as they come. All functions but the destructor may wait for the
// store. Not thread-safe. Errors are INVALID_ARGUMENT with the path of the fault,
// RESOURCE_EXHAUSTED above a limit, and those of the store.
class Submission {
 public:
  // Not checked here: CheckGatewayConfig() has checked the values that users set.
  struct Limits {
    JobGraph::Limits graph;
    uint64_t max_job_bytes = uint64_t{1} << 30;        // of the steps, their literals and needs
    size_t max_open = 256;                             // submissions at the same time
    absl::Duration max_delay = absl::Hours(24 * 366);  // how far ahead a step may start
    absl::Duration result_ttl = absl::Hours(24);       // of a job that names none
    absl::Duration max_result_ttl = absl::Hours(24 * 30);
  };

  // All must outlive the submission.
  struct Parts {
    const Clock* clock;
    TaskStore* store;
    const Catalog* catalog;
    std::atomic<size_t>* open;  // counts submissions from their Begin() to their end
  };

  Submission(const Limits& limits, const Parts& parts);
  ~Submission();
  Submission(const Submission&) = delete;
  Submission& operator=(const Submission&) = delete;

  // Called first, once. A negative `options.result_ttl` means the default.
  absl::Status Begin(JobOptions options);
  // The job; if already_submitted(), the one that has the idempotency key, and nothing must be
  // added.
  JobNumber job() const { return begun_.job; }
  bool already_submitted() const { return begun_.already_submitted; }

  absl::Status Add(std::vector<StepRequest> steps);
  // Accepts the job. Called once, last.
  absl::StatusOr<TaskStore::Sealed> Seal();

 private:
  // A step that needs an output of another, whose model is not known yet.
  struct Expectation {
    uint32_t step;
    std::string input;
    std::string needed;  // id
    std::string output;  // "": the only one
  };

  absl::Status CheckOptions(const JobOptions& options) const;
  absl::Status CheckStep(const std::string& path, const StepRequest& step) const;
  absl::Status CheckInputs(const std::string& path, const StepRequest& step);
  // Checks that an output of a step fits an input, or notes to do it later.
  absl::Status CheckOutput(const std::string& path, const StepInput& input, const StepRequest& step,
                           uint32_t need, const std::string& output);
  absl::Status Check(const Expectation& expectation) const;
  absl::StatusOr<TaskStore::SpecialSteps> FindSpecialSteps() const;

  const Limits limits_;
  const Parts parts_;
  const std::shared_ptr<const CatalogSnapshot> models_;
  JobOptions options_;
  TaskStore::Begun begun_;
  bool is_counted_ = false;
  bool is_open_ = false;  // begun, and neither sealed nor abandoned
  JobGraph graph_;
  uint64_t bytes_ = 0;
  // The models of the steps, by number. Few models have many steps.
  std::vector<const CatalogModel*> model_of_;
  std::vector<Expectation> expectations_;
};

}  // namespace souvenir::gateway
