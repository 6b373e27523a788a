#include "compute-service/pool/joined_jobs.h"

#include <fmt/format.h>

#include <utility>

#include "common/status_macros.h"

namespace souvenir::compute {

JoinedJobs::JoinedJobs(std::vector<const Job*> jobs) : jobs_(std::move(jobs)) {
  for (const Job* job : jobs_) rows_ += job->rows;
  for (const TensorView& first : jobs_.front()->inputs) {
    Tensor& joined = inputs_.emplace_back();
    joined.name = std::string(first.name);
    joined.datatype = first.datatype;
    joined.shape.assign(first.shape.begin(), first.shape.end());
    joined.shape[0] = rows_;
  }
  for (size_t input = 0; input < inputs_.size(); ++input) {
    std::string& data = inputs_[input].data;
    size_t bytes = 0;
    for (const Job* job : jobs_) bytes += job->inputs[input].data.size();
    data.reserve(bytes);
    for (const Job* job : jobs_) data += job->inputs[input].data;
  }
  for (const Tensor& input : inputs_) views_.push_back(input.view());
}

absl::StatusOr<std::vector<InferenceResult>> JoinedJobs::Split(
    const InferenceResult& result) const {
  std::vector<InferenceResult> parts(jobs_.size());
  for (const Tensor& output : result.outputs) {
    if (output.shape.empty() || output.shape[0] != rows_) {
      return absl::InternalError(
          fmt::format("output '{}' has the shape {}, but the batch has {} rows", output.name,
                      ShapeString(output.shape), rows_));
    }
    SOUVENIR_RETURN_IF_ERROR(ValidateTensor(output.view()));
    std::vector<int64_t> row_shape = output.shape;
    row_shape[0] = 1;
    const std::vector<TensorView> rows = SplitRows(output.view(), row_shape);
    auto row = rows.begin();
    for (size_t job = 0; job < jobs_.size(); ++job) {
      Tensor& part = parts[job].outputs.emplace_back();
      part.name = output.name;
      part.datatype = output.datatype;
      part.shape = output.shape;
      part.shape[0] = jobs_[job]->rows;
      for (int64_t i = 0; i < jobs_[job]->rows; ++i) part.data += (row++)->data;
    }
  }
  for (size_t job = 0; job < jobs_.size(); ++job) {
    parts[job].compute_time = result.compute_time * jobs_[job]->rows / rows_;
  }
  return parts;
}

}  // namespace souvenir::compute
