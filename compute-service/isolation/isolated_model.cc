#include "compute-service/isolation/isolated_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "common/status_macros.h"
#include "common/tensor/tensor.h"
#include "compute-service/isolation/model_messages.h"

namespace souvenir::compute {
namespace {

// Returns requests that ask for each row of `request` alone. REQUIRES: every input has a first
// dimension, and it is request.rows.
std::vector<std::string> RequestsByRow(const InferenceRequest& request) {
  std::vector<std::vector<int64_t>> shapes;
  std::vector<std::vector<TensorView>> columns;  // by input, then by row
  for (const TensorView& input : request.inputs) {
    shapes.emplace_back(input.shape.begin(), input.shape.end());
    shapes.back().front() = 1;
  }
  for (size_t i = 0; i < shapes.size(); ++i) {
    columns.push_back(SplitRows(request.inputs[i], shapes[i]));
  }
  std::vector<std::string> requests;
  requests.reserve(static_cast<size_t>(request.rows));
  std::vector<TensorView> row(columns.size());
  for (size_t r = 0; r < static_cast<size_t>(request.rows); ++r) {
    for (size_t i = 0; i < columns.size(); ++i) row[i] = columns[i][r];
    requests.push_back(EncodeWorkerRequest({.inputs = row, .outputs = request.outputs}));
  }
  return requests;
}

// Appends the outputs of one row to those of the rows before. INTERNAL if a row has another form
// than these.
absl::Status AppendRow(std::vector<Tensor> row, std::vector<Tensor>* outputs) {
  for (size_t i = 0; i < row.size(); ++i) {
    const std::vector<int64_t>& shape = row[i].shape;
    if (shape.empty() || shape[0] != 1) {
      return absl::InternalError(
          fmt::format("the worker's answer to one row has output '{}' of shape {}", row[i].name,
                      ShapeString(shape)));
    }
    if (i == outputs->size()) {
      outputs->push_back(std::move(row[i]));
      continue;
    }
    Tensor& output = (*outputs)[i];
    if (row[i].datatype != output.datatype ||
        !std::equal(shape.begin() + 1, shape.end(), output.shape.begin() + 1, output.shape.end())) {
      return absl::InternalError(
          fmt::format("the worker's answers have output '{}' as {} of shape {} in one row, and as "
                      "{} in another, and cannot be one tensor",
                      output.name, DataTypeName(output.datatype), ShapeString(output.shape),
                      DataTypeName(row[i].datatype)));
    }
    ++output.shape[0];
    output.data += row[i].data;
  }
  return absl::OkStatus();
}

// Calls one worker process. Owned by its pool; not thread-safe.
class IsolatedInstance final : public Instance {
 public:
  IsolatedInstance(std::unique_ptr<Worker> worker, bool by_row, const FilesCheck* check)
      : worker_(std::move(worker)), by_row_(by_row), check_(*check) {}

  absl::StatusOr<InferenceResult> Run(const InferenceRequest& request) override {
    absl::StatusOr<InferenceResult> result =
        by_row_ && request.rows > 1 ? RunByRow(request) : RunTogether(request);
    // An engine that reads files at each request finds that they have changed. That is an error
    // which a load ends, and this one says so.
    if (absl::IsUnavailable(result.status()) && check_) SOUVENIR_RETURN_IF_ERROR(check_());
    return result;
  }

 private:
  absl::StatusOr<InferenceResult> RunTogether(const InferenceRequest& request) {
    SOUVENIR_ASSIGN_OR_RETURN(
        const Worker::Answer answer,
        worker_->Call(EncodeWorkerRequest(request), request.row_limit * request.rows));
    InferenceResult result;
    SOUVENIR_ASSIGN_OR_RETURN(result.outputs, DecodeWorkerOutputs(answer.payload, request.outputs));
    result.compute_time = answer.compute_time;
    return result;
  }

  absl::StatusOr<InferenceResult> RunByRow(const InferenceRequest& request) {
    InferenceResult result;
    absl::Status joined;
    SOUVENIR_RETURN_IF_ERROR(worker_->CallAll(
        RequestsByRow(request), request.row_limit, [&](const Worker::Answer& answer) {
          if (!joined.ok()) return;
          absl::StatusOr<std::vector<Tensor>> row =
              DecodeWorkerOutputs(answer.payload, request.outputs);
          joined = row.ok() ? AppendRow(*std::move(row), &result.outputs) : row.status();
          result.compute_time += answer.compute_time;
        }));
    SOUVENIR_RETURN_IF_ERROR(joined);
    return result;
  }

  const std::unique_ptr<Worker> worker_;
  const bool by_row_;
  const FilesCheck& check_;  // may be empty
};

}  // namespace

absl::StatusOr<std::unique_ptr<Model>> IsolatedModel::Load(WorkerHost::Options options,
                                                           const ModelDescription& description,
                                                           Asks asks) {
  SOUVENIR_ASSIGN_OR_RETURN(options.arguments, WorkerArguments(description));
  options.check_files = description.check_files;
  SOUVENIR_ASSIGN_OR_RETURN(std::unique_ptr<WorkerHost> host,
                            WorkerHost::Start(std::move(options)));
  return std::unique_ptr<Model>(
      new IsolatedModel(std::move(host), asks == Asks::kByRow, description.check_files));
}

absl::StatusOr<std::unique_ptr<Instance>> IsolatedModel::CreateInstance() {
  SOUVENIR_ASSIGN_OR_RETURN(std::unique_ptr<Worker> worker, host_->Fork());
  return std::make_unique<IsolatedInstance>(std::move(worker), by_row_, &check_);
}

}  // namespace souvenir::compute
