#include "compute-service/compute_metrics.h"

#include <algorithm>
#include <map>
#include <string>

#include "compute-service/pool/pool_stats.h"

namespace souvenir::compute {
namespace {

std::string_view StateLabel(ModelState state) {
  switch (state) {
    case ModelState::kUnavailable:
      return "unavailable";
    case ModelState::kOnDemand:
      return "on_demand";
    case ModelState::kLoading:
      return "loading";
    case ModelState::kReady:
      return "ready";
    case ModelState::kUnloading:
      return "unloading";
  }
  return "unknown";
}

// Returns the histogram of batch sizes, with powers of two as bounds.
HistogramSnapshot BatchRows(const PoolStats& stats) {
  constexpr size_t kBounds = 11;
  HistogramSnapshot rows{.bounds = PowersOfTwo(kBounds), .buckets = {}};
  rows.buckets.assign(kBounds + 1, 0);
  for (const auto& [size, runs] : stats.run_by_rows) {
    const auto bound = std::lower_bound(rows.bounds.begin(), rows.bounds.end(), size);
    rows.buckets[static_cast<size_t>(bound - rows.bounds.begin())] += runs.count;
    rows.sum += static_cast<double>(size) * static_cast<double>(runs.count);
  }
  return rows;
}

void CollectModel(const ServedModel& model, const PoolStats& stats, MetricWriter& writer) {
  const MetricLabels labels = {{"model", model.name()}, {"version", model.version()}};
  const auto with = [&labels](const char* label, std::string_view value) {
    MetricLabels more = labels;
    more.emplace_back(label, value);
    return more;
  };
  writer.Gauge("souvenir_compute_queue_depth", "Requests waiting for an instance.", labels,
               static_cast<double>(stats.depth));
  writer.Histogram("souvenir_compute_queue_seconds",
                   "Time that requests waited for an instance before they ran.", labels,
                   stats.queue_seconds);
  writer.Histogram("souvenir_compute_run_seconds", "Time that each call of an instance took.",
                   labels, stats.run_seconds);
  writer.Histogram("souvenir_compute_batch_rows", "Rows of one call of an instance.", labels,
                   BatchRows(stats));
  writer.Counter("souvenir_compute_rows_total", "Rows computed.", labels,
                 static_cast<double>(stats.rows));

  const auto outcome = [&](std::string_view name, uint64_t count) {
    writer.Counter("souvenir_compute_jobs_total",
                   "Requests that reached a model's queue, by how they ended.",
                   with("outcome", name), static_cast<double>(count));
  };
  outcome("ok", stats.success.count);
  outcome("failed", stats.failure.count);
  outcome("refused", stats.refused);
  outcome("expired", stats.expired);
  outcome("cancelled", stats.cancelled);

  const auto instances = [&](std::string_view state, size_t count) {
    writer.Gauge("souvenir_compute_instances", "Instances of a model, by state.",
                 with("state", state), static_cast<double>(count));
  };
  instances("busy", stats.running);
  instances("hanging", stats.instances_hanging);
  writer.Counter("souvenir_compute_workers_lost_total",
                 "Worker processes that died or had to be killed.", labels,
                 static_cast<double>(stats.lost_workers));
  writer.Gauge("souvenir_compute_model_memory_bytes",
               "Memory of a model's worker processes, when it was last measured.", labels,
               static_cast<double>(stats.memory_bytes));
  // An instance that runs its first request is still being made, and not ready yet.
  instances("idle", stats.instances_ready - std::min(stats.instances_ready, stats.running));
  instances("failed", stats.instances_failed);
}

}  // namespace

void CollectComputeMetrics(const ModelRepository& repository, const QueueBytes& queue_bytes,
                           uint64_t memory_budget_bytes, MetricWriter& writer) {
  writer.Gauge("souvenir_compute_queue_bytes",
               "Bytes of the requests of all models that wait or run.", {},
               static_cast<double>(queue_bytes.held()));
  writer.Gauge("souvenir_compute_memory_budget_bytes",
               "Limit of the memory of all models' worker processes; 0: no limit.", {},
               static_cast<double>(memory_budget_bytes));
  const LoadCounters& loads = repository.loads();
  writer.Counter("souvenir_compute_model_loads_total", "Models loaded, by result.",
                 {{"result", "ok"}}, static_cast<double>(loads.succeeded.Sum()));
  writer.Counter("souvenir_compute_model_loads_total", "Models loaded, by result.",
                 {{"result", "failed"}}, static_cast<double>(loads.failed.Sum()));

  std::map<ModelState, size_t> by_state;
  size_t files_changed = 0;
  for (const auto& model : repository.All()) {
    const ServedModel::Status status = model->status();
    ++by_state[status.state];
    if (status.files_changed) ++files_changed;
    const PoolStats stats = model->Stats();
    const bool asked = stats.depth > 0 || stats.running > 0 || stats.queue.count > 0 ||
                       stats.refused > 0 || stats.expired > 0 || stats.cancelled > 0;
    if (asked) CollectModel(*model, stats, writer);
  }
  for (const ModelState state :
       {ModelState::kUnavailable, ModelState::kOnDemand, ModelState::kLoading, ModelState::kReady,
        ModelState::kUnloading}) {
    writer.Gauge("souvenir_compute_models", "Models, by state.",
                 {{"state", std::string(StateLabel(state))}}, static_cast<double>(by_state[state]));
  }
  writer.Gauge(
      "souvenir_compute_models_files_changed",
      "Loaded models that start no further process, because their files have changed since "
      "they were read.",
      {}, static_cast<double>(files_changed));
}

}  // namespace souvenir::compute
