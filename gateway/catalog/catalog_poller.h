#pragma once

#include <string>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "common/mutex.h"
#include "gateway/catalog/catalog.h"
#include "gateway/upstream/upstream.h"

namespace souvenir::gateway {

// Keeps the catalog true to what compute says, on a thread of its own named "catalog".
//
// Owned by the gateway; catalog and upstream must outlive it. Thread-safe.
class CatalogPoller {
 public:
  struct Options {
    absl::Duration interval =
        absl::Seconds(2);  // between looks; a tenth of it until the first succeeds
    absl::Duration timeout = absl::Seconds(5);  // of one look
    std::vector<std::string> names;             // for servers without an index
  };

  CatalogPoller(const Options& options, Upstream* upstream, Catalog* catalog);

  // As Stop().
  ~CatalogPoller();

  // Looks no more; waits for a look that is under way. Idempotent.
  void Stop();

  // Looks at once; does nothing once it has stopped.
  void Poke();

  // The last look's outcome; UNAVAILABLE before the first.
  absl::Status status() const;

 private:
  void Run();

  const Options options_;
  Upstream* const upstream_;
  Catalog* const catalog_;

  mutable Mutex mutex_;
  CondVar changed_;
  bool poked_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status status_ ABSL_GUARDED_BY(mutex_) = absl::UnavailableError("not asked yet");

  std::thread thread_;
};

}  // namespace souvenir::gateway
