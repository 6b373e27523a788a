#include "gateway/catalog/catalog_poller.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "common/cancellation.h"
#include "common/logging/logging.h"
#include "common/status_detail.h"

namespace souvenir::gateway {
namespace {

constinit Logger log{"catalog"};
// All endpoints that may be configured can tell of themselves at once.
constinit LogLimit answers_limit{64};
constinit LogLimit silent_limit{64};

// An endpoint that does not answer is polled again after this part of the interval (a tenth), and
// then after pauses that double up to the interval.
constexpr int kSoonest = 10;

}  // namespace

struct CatalogPoller::Refreshed {
  Refreshed(CatalogPoller* poller, std::function<void()> done)
      : poller(poller), done(std::move(done)) {}
  ~Refreshed() {
    {
      MutexLock lock(&poller->mutex_);
      poller->refreshed_.push_back(std::move(done));
    }
    poller->thread_.Poke();
  }

  CatalogPoller* const poller;
  std::function<void()> done;
};

struct CatalogPoller::Watched {
  explicit Watched(const Endpoint& endpoint) : endpoint(endpoint) {}

  const Endpoint& endpoint;
  Cancellation cancellation;  // cancels polls once the endpoint is removed
  int looks = 0;              // polls so far; used only by the thread
  int failures = 0;           // failed polls in a row; used only by the thread
  // The models that the set has for the endpoint, and the description they were made from; used
  // only by the thread.
  std::shared_ptr<const EndpointModels> ready;
  KnownModelsPtr ready_of;
  Mutex mutex;
  CatalogMerger::Described described ABSL_GUARDED_BY(mutex);
  std::vector<RefreshedPtr> waiting ABSL_GUARDED_BY(mutex);  // for the next poll

  std::unique_ptr<PeriodicThread> thread;
};

CatalogPoller::CatalogPoller(const Options& options, EndpointSet* endpoints, Catalog* catalog)
    : options_(options),
      endpoints_(endpoints),
      catalog_(catalog),
      thread_({.name = "catalog", .clock = options.clock}, [this] {
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
      PeriodicThread::Options{
          .name = "poll", .least_pause = options_.interval / kSoonest, .clock = options_.clock},
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
  removed->cancellation.Cancel();
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
  for (const auto& one : watched) {
    one->cancellation.Cancel();
    one->thread->RequestStop();
  }
  for (const auto& one : watched) one->thread->Stop();
  thread_.Stop();
  watched.clear();  // this also releases refreshes that still wait for a poll
  std::vector<std::function<void()>> refreshed;
  {
    MutexLock lock(&mutex_);
    refreshed.swap(refreshed_);
  }
  for (const auto& done : refreshed) done();
}

void CatalogPoller::Refresh(std::function<void()> done) {
  RefreshedPtr refreshed;
  {
    MutexLock lock(&mutex_);
    if (!stopped_ && !watched_.empty()) {
      refreshed = std::make_shared<Refreshed>(this, std::move(done));
      for (const auto& watched : watched_) {
        {
          MutexLock watched_lock(&watched->mutex);
          watched->waiting.push_back(refreshed);
        }
        watched->thread->Poke();
      }
    }
  }
  if (refreshed == nullptr) done();
}

void CatalogPoller::Poke() {
  MutexLock lock(&mutex_);
  for (const auto& watched : watched_) watched->thread->Poke();
}

absl::Duration CatalogPoller::Look(Watched* watched) {
  const Endpoint& endpoint = watched->endpoint;
  std::vector<RefreshedPtr> refreshed;  // released last, after the poll is evaluated
  {
    MutexLock lock(&watched->mutex);
    refreshed.swap(watched->waiting);
  }
  const absl::StatusOr<KnownModelsPtr> models =
      endpoint.upstream->Describe({.names = options_.names,
                                   .timeout = options_.timeout,
                                   .cancellation = &watched->cancellation,
                                   .thorough = !refreshed.empty()});
  if (watched->cancellation.cancelled()) return options_.interval;
  if (!models.ok()) {
    endpoints_->SetDescribed(endpoint, models.status());
  } else {
    if (watched->ready == nullptr || *models != watched->ready_of) {
      watched->ready = std::make_shared<const EndpointModels>(**models);
      watched->ready_of = *models;
    }
    endpoints_->SetDescribed(endpoint, watched->ready);
  }
  const bool first = watched->looks++ == 0;
  const int failures = models.ok() ? 0 : watched->failures + 1;
  if (first || (failures == 0) != (watched->failures == 0)) {
    if (models.ok()) {
      log.Info(answers_limit, "compute answers",
               {{"address", endpoint.at.address}, {"name", endpoint.at.name}});
    } else {
      log.Warning(silent_limit, "compute does not answer",
                  {{"address", endpoint.at.address},
                   {"name", endpoint.at.name},
                   {"reason", Explanation(models.status())}});
    }
  }
  watched->failures = failures;
  bool changed;
  {
    MutexLock lock(&watched->mutex);
    CatalogMerger::Described& described = watched->described;
    changed =
        first || described.answers != models.ok() || (models.ok() && described.models != *models);
    described.answers = models.ok();
    if (models.ok()) {
      described.from_start |= described.models == nullptr && endpoint.at.from_start;
      described.models = *models;
    }
  }
  if (changed) thread_.Poke();
  const absl::Duration soonest = options_.interval / kSoonest;
  if (failures == 0) return options_.interval;
  return std::min(options_.interval, soonest * (1 << std::min(failures - 1, 10)));
}

void CatalogPoller::Merge() {
  std::vector<std::shared_ptr<Watched>> watched;
  std::vector<std::function<void()>> refreshed;
  {
    MutexLock lock(&mutex_);
    watched = watched_;
    refreshed.swap(refreshed_);
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
  for (const auto& done : refreshed) done();
}

}  // namespace souvenir::gateway
