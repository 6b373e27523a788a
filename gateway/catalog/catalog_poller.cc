#include "gateway/catalog/catalog_poller.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "common/logging/logging.h"

namespace souvenir::gateway {
namespace {

constinit Logger log{"catalog"};

// An endpoint that does not answer is polled again after this part of the interval (a tenth), and
// then after pauses that double up to the interval.
constexpr int kSoonest = 10;

}  // namespace

struct CatalogPoller::Watched {
  explicit Watched(const Endpoint& endpoint) : endpoint(endpoint) {}

  const Endpoint& endpoint;
  int looks = 0;     // polls so far; used only by the thread
  int failures = 0;  // failed polls in a row; used only by the thread
  Mutex mutex;
  CatalogMerger::Described described ABSL_GUARDED_BY(mutex);

  std::unique_ptr<PeriodicThread> thread;
};

CatalogPoller::CatalogPoller(const Options& options, EndpointSet* endpoints, Catalog* catalog)
    : options_(options),
      endpoints_(endpoints),
      catalog_(catalog),
      thread_({.name = "catalog"}, [this] {
        Merge();
        return absl::Hours(1);  // a poke ends the pause when there is something to merge
      }) {}

CatalogPoller::~CatalogPoller() { Stop(); }

void CatalogPoller::OnAdded(const Endpoint& endpoint) {
  auto watched = std::make_shared<Watched>(endpoint);
  MutexLock lock(&mutex_);
  if (stopped_) return;
  watched_.push_back(watched);
  watched->thread = std::make_unique<PeriodicThread>(
      PeriodicThread::Options{.name = "poll", .least_pause = options_.interval / kSoonest},
      [this, watched = watched.get()] { return Look(watched); });
}

void CatalogPoller::OnRemoved(const Endpoint& endpoint) {
  std::shared_ptr<Watched> removed;
  {
    MutexLock lock(&mutex_);
    const auto found = std::find_if(watched_.begin(), watched_.end(), [&](const auto& watched) {
      return &watched->endpoint == &endpoint;
    });
    if (found == watched_.end()) return;
    removed = std::move(*found);
    watched_.erase(found);
  }
  removed->thread->Stop();
  thread_.Poke();  // models that only this endpoint had are gone
}

void CatalogPoller::Stop() {
  std::vector<std::shared_ptr<Watched>> watched;
  {
    MutexLock lock(&mutex_);
    stopped_ = true;
    watched.swap(watched_);
  }
  for (const auto& one : watched) one->thread->RequestStop();
  for (const auto& one : watched) one->thread->Stop();
  thread_.Stop();
}

void CatalogPoller::Poke() {
  MutexLock lock(&mutex_);
  for (const auto& watched : watched_) watched->thread->Poke();
}

absl::Duration CatalogPoller::Look(Watched* watched) {
  const Endpoint& endpoint = watched->endpoint;
  auto models = endpoint.upstream->Describe(options_.names, options_.timeout);
  endpoints_->SetDescribed(endpoint, models);
  const bool first = watched->looks++ == 0;
  const int failures = models.ok() ? 0 : watched->failures + 1;
  if (first || (failures == 0) != (watched->failures == 0)) {
    if (models.ok()) {
      log.Info("compute answers", {{"address", endpoint.at.address}, {"name", endpoint.at.name}});
    } else {
      log.Warning("compute does not answer", {{"address", endpoint.at.address},
                                              {"name", endpoint.at.name},
                                              {"reason", models.status().ToString()}});
    }
  }
  watched->failures = failures;
  {
    MutexLock lock(&watched->mutex);
    CatalogMerger::Described& described = watched->described;
    described.answers = models.ok();
    if (models.ok()) {
      described.from_start |= described.models == nullptr && endpoint.at.from_start;
      described.models =
          std::make_shared<const souvenir::state::v1::KnownModels>(*std::move(models));
    }
  }
  thread_.Poke();
  const absl::Duration soonest = options_.interval / kSoonest;
  if (failures == 0) return options_.interval;
  return std::min(options_.interval, soonest * (1 << std::min(failures - 1, 10)));
}

void CatalogPoller::Merge() {
  std::vector<std::shared_ptr<Watched>> watched;
  {
    MutexLock lock(&mutex_);
    watched = watched_;
  }
  std::vector<CatalogMerger::Described> described;
  for (const auto& one : watched) {
    MutexLock lock(&one->mutex);
    described.push_back(one->described);
    one->described.from_start = false;
  }
  std::optional<souvenir::state::v1::KnownModels> merged =
      merger_.Merge(described, *catalog_->snapshot());
  if (merged) catalog_->Update(*std::move(merged));
}

}  // namespace souvenir::gateway
