#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "compute-service/backends/backend.h"
#include "compute-service/pool/job.h"

namespace souvenir::compute {

// Joins jobs into one request: the rows of the first job, then those of the next, and so on.
//
// Refers to the jobs, which must outlive it. Not thread-safe.
class JoinedJobs {
 public:
  // REQUIRES: at least two jobs that differ only in their rows (see JobQueue::Take()).
  explicit JoinedJobs(std::vector<const Job*> jobs);

  int64_t rows() const { return rows_; }
  absl::Span<const TensorView> inputs() const { return views_; }
  const std::vector<std::string>& outputs() const { return jobs_.front()->outputs; }

  // Splits the result of the joined request into the results of the jobs, in their order. The
  // compute time is divided in proportion to the rows. INTERNAL if the first dimension of an output
  // is not rows().
  absl::StatusOr<std::vector<InferenceResult>> Split(const InferenceResult& result) const;

 private:
  const std::vector<const Job*> jobs_;
  int64_t rows_ = 0;
  std::vector<Tensor> inputs_;
  std::vector<TensorView> views_;
};

}  // namespace souvenir::compute
