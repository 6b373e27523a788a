#include "compute-service/repository/model_keeper.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "common/logging/logging.h"

namespace souvenir::compute {
namespace {

constinit Logger log{"keeper"};
constinit LogLimit budget_limit;

// The period of Linux's first load average.
constexpr double kLoadSeconds = 60;

}  // namespace

ModelKeeper::ModelKeeper(Options options, ModelRepository* repository, Clock* clock, Mode mode)
    : options_(std::move(options)),
      repository_(repository),
      clock_(clock),
      looked_at_(clock->Monotonic()),
      measured_at_(looked_at_),
      polled_at_(looked_at_) {
  if (mode == Mode::kManual) return;
  thread_ = std::make_unique<PeriodicThread>(
      PeriodicThread::Options{.name = "keeper", .clock = clock}, [this] {
        Tick();
        return options_.interval;
      });
}

ModelKeeper::~ModelKeeper() { Stop(); }

void ModelKeeper::Stop() {
  if (thread_ != nullptr) thread_->Stop();
}

void ModelKeeper::Tick() {
  const absl::Duration now = clock_->Monotonic();
  Fit(now);
  if (options_.memory_budget_bytes > 0 && now - measured_at_ >= options_.measure_interval) {
    measured_at_ = now;
    KeepBudget();
  }
  if (options_.poll_interval > absl::ZeroDuration() && now - polled_at_ >= options_.poll_interval) {
    polled_at_ = now;
    repository_->Poll();
  }
}

void ModelKeeper::Fit(absl::Duration now) {
  std::vector<std::pair<std::shared_ptr<ServedModel>, PoolActivity>> models;
  double running = 0;
  for (auto& model : repository_->Loaded()) {
    const PoolActivity activity = model->Activity();
    running += static_cast<double>(activity.running);
    models.emplace_back(std::move(model), activity);
  }
  // This service's part of the load average, by the kernel's formula.
  const double weight = std::exp(-absl::ToDoubleSeconds(now - looked_at_) / kLoadSeconds);
  own_load_ = own_load_ * weight + running * (1 - weight);
  looked_at_ = now;
  const Machine machine = options_.read_machine();
  const ModelLoad load{.foreign_load = std::max(0.0, machine.load - own_load_),
                       .processors = machine.processors};
  for (const auto& [model, activity] : models) model->Fit(activity, load);
}

void ModelKeeper::KeepBudget() {
  struct Loaded {
    std::shared_ptr<ServedModel> model;
    absl::Time last_run;
    uint64_t bytes;
  };
  std::vector<Loaded> loaded;
  uint64_t bytes = 0;
  for (const auto& model : repository_->Loaded()) {
    if (model->status().state != ModelState::kReady) continue;
    const uint64_t taken = model->MeasureMemory();
    if (taken == 0) continue;
    bytes += taken;
    loaded.push_back({model, model->Activity().last_run, taken});
  }
  if (bytes <= options_.memory_budget_bytes) return;
  std::sort(loaded.begin(), loaded.end(),
            [](const Loaded& a, const Loaded& b) { return a.last_run < b.last_run; });
  // The model used last stays: a budget smaller than one model would serve no request.
  for (size_t i = 0; i + 1 < loaded.size() && bytes > options_.memory_budget_bytes; ++i) {
    if (loaded[i].model->Release()) bytes -= loaded[i].bytes;
  }
  if (bytes > options_.memory_budget_bytes) {
    log.Warning(budget_limit, "models take more memory than the budget, and none of them is idle",
                {{"bytes", bytes}, {"budget", options_.memory_budget_bytes}});
  }
}

}  // namespace souvenir::compute
