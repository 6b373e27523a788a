#include "compute-service/rpc/model_messages.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/oip/message_tensors.h"
#include "common/oip/model_tensors.h"
#include "common/souvenir_names.h"
#include "common/tensor/datatype.h"
#include "compute-service/pool/pool_stats.h"

namespace souvenir::compute {
namespace {

template <typename ModelTensor>
void FillTensor(bool batched, const ModelTensor& tensor,
                inference::ModelMetadataResponse::TensorMetadata* metadata) {
  metadata->set_name(tensor.name());
  metadata->set_datatype(std::string(DataTypeName(DataTypeOf(tensor))));
  if (batched) metadata->add_shape(-1);
  metadata->mutable_shape()->MergeFrom(tensor.dims());
}

void FillDuration(const CountAndTime& from, inference::StatisticDuration* to) {
  to->set_count(from.count);
  to->set_ns(static_cast<uint64_t>(absl::ToInt64Nanoseconds(from.time)));
}

std::string_view StateName(ModelState state) {
  switch (state) {
    case ModelState::kOnDemand:
    case ModelState::kReady:
      return "READY";
    case ModelState::kLoading:
      return "LOADING";
    case ModelState::kUnloading:
      return "UNLOADING";
    case ModelState::kUnavailable:
      return "UNAVAILABLE";
  }
  return "UNKNOWN";
}

}  // namespace

void FillMetadata(const ServedModel& model, absl::Span<const std::shared_ptr<ServedModel>> versions,
                  inference::ModelMetadataResponse* response) {
  const inference::ModelConfig& config = model.config();
  const bool batched = config.max_batch_size() > 0;
  response->set_name(model.name());
  for (const auto& version : versions) response->add_versions(version->version());
  response->set_platform(config.platform().empty() ? config.backend() : config.platform());
  for (const auto& input : config.input()) FillTensor(batched, input, response->add_inputs());
  for (const auto& output : config.output()) FillTensor(batched, output, response->add_outputs());
  auto& properties = *response->mutable_properties();
  properties[kDigestName] = model.digest();
  // The names are std::strings, because GCC 12 wrongly warns of literals (bug 105651).
  properties[std::string(kRunLimitName)] =
      fmt::to_string(absl::ToInt64Milliseconds(model.settings().run_limit));
  if (const std::optional<absl::Duration> limit = model.hanging_row_limit()) {
    properties[std::string(kHangingRowLimitName)] =
        fmt::to_string(absl::ToInt64Milliseconds(*limit));
  }
}

void FillStatistics(const ServedModel& model, inference::ModelStatistics* statistics) {
  const PoolStats stats = model.Stats();
  statistics->set_name(model.name());
  statistics->set_version(model.version());
  if (stats.last_run != absl::InfinitePast()) {
    statistics->set_last_inference(static_cast<uint64_t>(absl::ToUnixMillis(stats.last_run)));
  }
  statistics->set_inference_count(stats.rows);
  uint64_t executions = 0;
  for (const auto& [rows, run] : stats.run_by_rows) executions += run.count;
  statistics->set_execution_count(executions);
  inference::InferStatistics* infer = statistics->mutable_inference_stats();
  FillDuration(stats.success, infer->mutable_success());
  FillDuration(stats.failure, infer->mutable_fail());
  FillDuration(stats.queue, infer->mutable_queue());
  FillDuration(stats.run, infer->mutable_compute_infer());
  for (const auto& [rows, run] : stats.run_by_rows) {
    inference::InferBatchStatistics* batch = statistics->add_batch_stats();
    batch->set_batch_size(static_cast<uint64_t>(rows));
    FillDuration(run, batch->mutable_compute_infer());
  }
}

void FillIndex(const ServedModel& model, inference::RepositoryIndexResponse::ModelIndex* index) {
  const ServedModel::Status status = model.status();
  index->set_name(model.name());
  index->set_version(model.version());
  index->set_state(std::string(StateName(status.state)));
  index->set_reason(status.reason);
}

void FillInferResponse(const ServedModel& model, const inference::ModelInferRequest& request,
                       InferenceResult result, inference::ModelInferResponse* response) {
  response->set_model_name(model.name());
  response->set_model_version(model.version());
  response->set_id(request.id());
  auto& parameters = *response->mutable_parameters();
  // The names are std::strings, because protobuf would make strings of literals and move them, and
  // GCC 12 wrongly warns of the copy in the move of a short string (-Warray-bounds).
  const std::string compute_time_name = kComputeTimeName;
  parameters[compute_time_name].set_int64_param(absl::ToInt64Nanoseconds(result.compute_time));
  const std::string queue_time_name = kQueueTimeName;
  parameters[queue_time_name].set_int64_param(absl::ToInt64Nanoseconds(result.queue_time));
  const std::string instances_name = kInstancesName;
  parameters[instances_name].set_int64_param(result.instances);
  parameters[kDigestName].set_string_param(model.digest());
  AppendOutputs(std::move(result.outputs), response);
}

}  // namespace souvenir::compute
