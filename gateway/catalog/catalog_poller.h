#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/clock.h"
#include "common/mutex.h"
#include "common/periodic_thread.h"
#include "gateway/catalog/catalog.h"
#include "gateway/catalog/catalog_merger.h"
#include "gateway/upstream/endpoint_set.h"

namespace souvenir::gateway {

// Polls the endpoints for their models, and keeps the catalog and the endpoint set up to date. Each
// endpoint is polled on a thread of its own, "poll", so that an absent one delays no other. The
// thread "catalog" merges their models into the catalog.
//
// Owned by the gateway. Thread-safe. The set and the catalog must outlive it. The set reports added
// and removed endpoints until the poller is stopped.
class CatalogPoller {
 public:
  // Not checked here: CheckGatewayConfig() has checked the values that users set.
  struct Options {
    absl::Duration interval = absl::Seconds(2);  // pause between polls of an endpoint
    absl::Duration timeout = absl::Seconds(5);   // limit of one call of a poll
    std::vector<std::string> names;              // names of models, for servers without an index
    Clock* clock = Clock::System();              // times the pauses; outlives the poller
  };

  CatalogPoller(const Options& options, EndpointSet* endpoints, Catalog* catalog);

  // Calls Stop().
  ~CatalogPoller();

  // Called by the set. OnRemoved() blocks until the endpoint is not used any more.
  void OnAdded(const Endpoint& endpoint);
  void OnRemoved(const Endpoint& endpoint);

  // Ends polling, and waits for polls that are under way. Idempotent.
  void Stop();

  // Polls all endpoints now, except those polled within the last tenth of the interval, which are
  // polled after it. Does nothing once the poller is stopped.
  void Poke();

  // Calls `done` when the catalog has what each endpoint answers from now on. An endpoint that does
  // not answer within the timeout is not waited for. `done` runs on the thread "catalog", on this
  // thread if there is nothing to wait for, or at the latest in Stop(); it must not block.
  void Refresh(std::function<void()> done);

 private:
  // The state of an endpoint and its thread.
  struct Watched;

  // A call of Refresh(), shared by the polls that it waits for. Its destructor has the catalog
  // merged once more.
  struct Refreshed;
  using RefreshedPtr = std::shared_ptr<Refreshed>;

  // Polls an endpoint. Returns the pause before the next poll.
  absl::Duration Look(Watched* watched);
  void Merge();

  const Options options_;
  EndpointSet* const endpoints_;
  Catalog* const catalog_;
  CatalogMerger merger_;  // used only by the thread "catalog"

  Mutex mutex_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::shared_ptr<Watched>> watched_ ABSL_GUARDED_BY(mutex_);
  // Callbacks of refreshes whose polls are done, called after the next merge.
  std::vector<std::function<void()>> refreshed_ ABSL_GUARDED_BY(mutex_);

  PeriodicThread thread_;
};

}  // namespace souvenir::gateway
