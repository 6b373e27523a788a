#include <string>
#include <utility>

#include "gateway/gateway_metrics.h"

namespace souvenir::gateway {

void CollectTaskMetrics(const TaskEngine& tasks, MetricWriter& writer) {
  const TaskStore::Stats store = tasks.store().stats();
  const Scheduler::Stats scheduler = tasks.scheduler_stats();
  const auto gauge = [&](std::string_view name, std::string_view help, uint64_t value) {
    writer.Gauge(name, help, {}, static_cast<double>(value));
  };
  const auto counter = [&](std::string_view name, std::string_view help, uint64_t value) {
    writer.Counter(name, help, {}, static_cast<double>(value));
  };
  uint64_t ready = 0;
  for (const QueueInfo& queue : tasks.store().Queues()) ready += queue.ready;
  gauge("souvenir_gateway_tasks_jobs", "Jobs that are kept.", store.jobs);
  gauge("souvenir_gateway_tasks_open_submissions", "Jobs that are being submitted.",
        tasks.open_submissions());
  gauge("souvenir_gateway_tasks_steps", "Steps of these jobs.", store.steps);
  gauge("souvenir_gateway_tasks_ready_steps", "Steps that wait in their queues.", ready);
  gauge("souvenir_gateway_tasks_scheduled_steps", "Steps that wait for a time.", store.scheduled);
  gauge("souvenir_gateway_tasks_running_steps", "Steps that run.", scheduler.running);
  gauge("souvenir_gateway_tasks_running_limit",
        "Steps that may run at once; follows what compute takes.", scheduler.running_limit);
  gauge("souvenir_gateway_tasks_dead_letters", "Steps that will not be tried again by themselves.",
        store.dead_letters);
  gauge("souvenir_gateway_tasks_store_bytes", "Size of the task store.", store.bytes);
  gauge("souvenir_gateway_tasks_store_healthy", "1, or 0 while the task store fails.",
        store.healthy ? 1 : 0);
  for (const auto& [outcome, value] :
       {std::pair<const char*, uint64_t>{"succeeded", scheduler.succeeded},
        {"failed", scheduler.failed},
        {"retried", scheduler.retried},
        {"given_up", scheduler.given_up},
        {"lost", store.lost_attempts}}) {
    writer.Counter("souvenir_gateway_tasks_attempts_total", "Attempts of steps that have ended.",
                   {{"outcome", outcome}}, static_cast<double>(value));
  }
  counter("souvenir_gateway_tasks_started_total", "Attempts of steps that have begun.",
          scheduler.started);
  counter("souvenir_gateway_tasks_late_outcomes_total",
          "Ends of attempts that were ignored, because their steps had gone on.",
          store.late_outcomes);
  counter("souvenir_gateway_tasks_rows_total", "Rows that steps asked for.", scheduler.rows);
  counter("souvenir_gateway_tasks_remembered_rows_total",
          "Rows that steps asked for and that were not computed for them.",
          scheduler.remembered_rows);
  counter("souvenir_gateway_tasks_changes_total", "Changes of the task store.", store.committed);
  counter("souvenir_gateway_tasks_commits_total",
          "Writes of the task store; each has the changes "
          "that had gathered.",
          store.commits);
  writer.Histogram("souvenir_gateway_tasks_run_seconds", "Time that attempts of steps took.", {},
                   tasks.run_times().Snapshot());
}

}  // namespace souvenir::gateway
