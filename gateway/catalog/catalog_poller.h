#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/mutex.h"
#include "common/periodic_thread.h"
#include "gateway/catalog/catalog.h"
#include "gateway/catalog/catalog_merger.h"
#include "gateway/upstream/endpoint_set.h"

namespace souvenir::gateway {

// Keeps the catalog, and what the set knows of its endpoints, true to what the endpoints say. Each
// is asked on a thread of its own, "poll", so that one that is away keeps nobody waiting; what they
// say becomes one catalog on the thread "catalog".
//
// Owned by the gateway; the set and the catalog must outlive it, and the set tells it of endpoints
// until it is stopped. Thread-safe.
class CatalogPoller {
 public:
  struct Options {
    absl::Duration interval = absl::Seconds(2);  // between looks
    absl::Duration timeout = absl::Seconds(5);   // of one look
    std::vector<std::string> names;              // of models, for servers without an index
  };

  CatalogPoller(const Options& options, EndpointSet* endpoints, Catalog* catalog);

  // As Stop().
  ~CatalogPoller();

  // For the set to call. An endpoint that is removed is not looked at any more when this returns.
  void OnAdded(const Endpoint& endpoint);
  void OnRemoved(const Endpoint& endpoint);

  // Looks no more; waits for looks that are under way. Idempotent.
  void Stop();

  // Looks at all endpoints now, if it has not just done so; does nothing once it has stopped.
  void Poke();

 private:
  // What is known of one endpoint, by the thread that asks it.
  struct Watched;

  absl::Duration Look(Watched* watched);
  void Merge();

  const Options options_;
  EndpointSet* const endpoints_;
  Catalog* const catalog_;
  CatalogMerger merger_;  // the thread catalog's

  Mutex mutex_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::shared_ptr<Watched>> watched_ ABSL_GUARDED_BY(mutex_);

  PeriodicThread thread_;
};

}  // namespace souvenir::gateway
