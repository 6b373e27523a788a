#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "compute-service/backends/backend.h"
#include "compute-service/pool/job.h"

namespace souvenir::compute {

// Jobs that run together as one request: the rows of the first, then those of the next.
//
// Views into the jobs, which must outlive it. Not thread-safe.
class JoinedJobs {
 public:
  // REQUIRES: at least two, which differ in nothing but their rows (JobQueue::Take).
  explicit JoinedJobs(std::vector<const Job*> jobs);

  int64_t rows() const { return rows_; }
  absl::Span<const TensorView> inputs() const { return views_; }
  const std::vector<std::string>& outputs() const { return jobs_.front()->outputs; }

  // Each job's part of what came of all; of the time, by its rows. INTERNAL where an output is no
  // batch of as many rows.
  absl::StatusOr<std::vector<InferenceResult>> Split(const InferenceResult& result) const;

 private:
  const std::vector<const Job*> jobs_;
  int64_t rows_ = 0;
  std::vector<Tensor> inputs_;
  std::vector<TensorView> views_;
};

}  // namespace souvenir::compute
