#include "gateway/rpc/statistics_sum.h"

#include <algorithm>

namespace souvenir::gateway {
namespace {

using inference::InferBatchStatistics;
using inference::InferResponseStatistics;
using inference::InferStatistics;
using inference::MemoryUsage;
using inference::ModelStatistics;
using inference::StatisticDuration;

void Add(const StatisticDuration& more, StatisticDuration* sum) {
  sum->set_count(sum->count() + more.count());
  sum->set_ns(sum->ns() + more.ns());
}

void Add(const InferStatistics& more, InferStatistics* sum) {
  Add(more.success(), sum->mutable_success());
  Add(more.fail(), sum->mutable_fail());
  Add(more.queue(), sum->mutable_queue());
  Add(more.compute_input(), sum->mutable_compute_input());
  Add(more.compute_infer(), sum->mutable_compute_infer());
  Add(more.compute_output(), sum->mutable_compute_output());
  Add(more.cache_hit(), sum->mutable_cache_hit());
  Add(more.cache_miss(), sum->mutable_cache_miss());
}

void Add(const InferBatchStatistics& more, InferBatchStatistics* sum) {
  Add(more.compute_input(), sum->mutable_compute_input());
  Add(more.compute_infer(), sum->mutable_compute_infer());
  Add(more.compute_output(), sum->mutable_compute_output());
}

void Add(const InferResponseStatistics& more, InferResponseStatistics* sum) {
  Add(more.compute_infer(), sum->mutable_compute_infer());
  Add(more.compute_output(), sum->mutable_compute_output());
  Add(more.success(), sum->mutable_success());
  Add(more.fail(), sum->mutable_fail());
  Add(more.empty_response(), sum->mutable_empty_response());
  Add(more.cancel(), sum->mutable_cancel());
}

// Returns the first element of `list` for which `is` holds. Adds one if there is none.
template <typename List, typename Is>
auto* FindOrAdd(List* list, const Is& is) {
  const auto found = std::find_if(list->begin(), list->end(), is);
  return found != list->end() ? &*found : list->Add();
}

void Add(const ModelStatistics& more, ModelStatistics* sum) {
  sum->set_last_inference(std::max(sum->last_inference(), more.last_inference()));
  sum->set_inference_count(sum->inference_count() + more.inference_count());
  sum->set_execution_count(sum->execution_count() + more.execution_count());
  Add(more.inference_stats(), sum->mutable_inference_stats());
  for (const InferBatchStatistics& batch : more.batch_stats()) {
    auto* const same = FindOrAdd(sum->mutable_batch_stats(), [&](const auto& known) {
      return known.batch_size() == batch.batch_size();
    });
    same->set_batch_size(batch.batch_size());
    Add(batch, same);
  }
  for (const MemoryUsage& usage : more.memory_usage()) {
    auto* const same = FindOrAdd(sum->mutable_memory_usage(), [&](const auto& known) {
      return known.type() == usage.type() && known.id() == usage.id();
    });
    same->set_type(usage.type());
    same->set_id(usage.id());
    same->set_byte_size(same->byte_size() + usage.byte_size());
  }
  for (const auto& [key, response] : more.response_stats()) {
    Add(response, &(*sum->mutable_response_stats())[key]);
  }
}

}  // namespace

void AddStatistics(const inference::ModelStatisticsResponse& more,
                   inference::ModelStatisticsResponse* sum) {
  for (const ModelStatistics& model : more.model_stats()) {
    auto* const same = FindOrAdd(sum->mutable_model_stats(), [&](const auto& known) {
      return known.name() == model.name() && known.version() == model.version();
    });
    same->set_name(model.name());
    same->set_version(model.version());
    Add(model, same);
  }
}

}  // namespace souvenir::gateway
