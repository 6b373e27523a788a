#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/mutex.h"
#include "common/published.h"
#include "gateway/catalog/model_counters.h"
#include "gateway/catalog/output_declaration.h"
#include "gateway/upstream/model_digest.h"
#include "souvenir/config/v1/gateway.pb.h"
#include "souvenir/state/v1/catalog.pb.h"

namespace souvenir::gateway {

// Times for which answers of a model may be served, from the present configuration. Entries do not
// store them.
struct FreshnessPolicy {
  absl::Duration ttl = absl::InfiniteDuration();  // time for which an answer is fresh
  // Times after `ttl` for which an answer is still served while it is computed again, and if the
  // computation fails.
  absl::Duration stale_while_revalidate = absl::ZeroDuration();
  absl::Duration stale_if_error = absl::ZeroDuration();
  // Time for which INVALID_ARGUMENT for an input is cached; zero for not at all.
  absl::Duration error_ttl = absl::ZeroDuration();
};

// A version of a model, as compute described it, with the changes of the gateway's configuration.
// Immutable.
struct CatalogModel {
  souvenir::state::v1::KnownModel known;
  std::string digest;                       // hex; covers everything that its answers depend on
  std::vector<std::string> outputs;         // names of all outputs, sorted
  std::vector<OutputDeclaration> declared;  // declarations of the outputs, sorted by name
  bool unloaded = false;                    // true if somebody unloaded it; see IsUnloaded()
  bool cached = false;                      // true if its answers are cached
  bool row_exact = false;                   // true if they are cached row by row
  int64_t max_batch = 0;  // most rows per request; 0 if there is no batch dimension
  FreshnessPolicy freshness;
  std::shared_ptr<ModelCounters> counters;  // of all versions; the catalog has them too

  const std::string& name() const { return known.name(); }
  const std::string& version() const { return known.version(); }
  bool ready() const { return IsReady(known); }

  // Returns a parameter of the model's configuration; "" if it is absent.
  const std::string& parameter(const std::string& name) const;
};
using CatalogModelPtr = std::shared_ptr<const CatalogModel>;

// All models at one moment. Immutable, so that many threads may read it.
class CatalogSnapshot {
 public:
  explicit CatalogSnapshot(std::vector<CatalogModelPtr> models);

  // Returns a version of a model. An empty `version` means the newest version that is ready, or the
  // newest one if none is ready. NOT_FOUND lists models or versions that exist, the nearest
  // names first.
  absl::StatusOr<CatalogModelPtr> Find(std::string_view name, std::string_view version) const;

  // Returns true if there is a version of the model.
  bool Has(std::string_view name) const { return by_name_.contains(name); }

  // Returns all models, sorted by name, then version.
  const std::vector<CatalogModelPtr>& models() const { return models_; }

 private:
  std::vector<CatalogModelPtr> models_;
  std::map<std::string, std::vector<CatalogModelPtr>, std::less<>> by_name_;
};

// The models upstream, as the gateway knows them. The catalog is kept in a file, so that answers on
// disk can be served after a restart while compute is away.
//
// Owned by the gateway. Thread-safe. The name of a model that has gone is kept, and its counters if
// it was asked, so that it counts on when it comes back. Of the names that have gone, only the last
// kMostGone are kept: a server may come with ever new names.
class Catalog {
 public:
  using Policies = std::map<std::string, souvenir::config::v1::ModelPolicy>;
  using Listener = std::function<void(const CatalogSnapshot&)>;

  static constexpr size_t kMostGone = 1024;

  // Every value is valid.
  struct Options {
    Policies policies;            // policies by model name
    std::string file;             // path of the catalog's file; "" for none
    std::string compute_address;  // address of compute, for messages
  };

  // Reads the models from the file. A file that cannot be read is logged, and replaced by the next
  // change.
  explicit Catalog(const Options& options);

  std::shared_ptr<const CatalogSnapshot> snapshot() const { return snapshot_.Get(); }

  // Returns true if compute has ever answered, in this run or before a restart.
  bool known() const { return known_.load(std::memory_order_acquire); }

  // Returns UNAVAILABLE, with a message for callers, if compute has never answered.
  absl::Status CheckKnown() const;

  // Returns the present policy for answers of a model, even if compute does not have it any more.
  FreshnessPolicy FreshnessOf(std::string_view model, std::string_view version) const;

  // Calls `listener` with the present snapshot, and later with each new one, on the thread that
  // calls Update(). REQUIRES: no other thread uses the catalog yet.
  void Listen(Listener listener);

  // Replaces the models by those that compute has now. If something changed, calls the listeners
  // and writes the file, which blocks.
  void Update(souvenir::state::v1::KnownModels models);

  // Returns the counters of every model that is known or was asked, by name.
  std::vector<std::pair<std::string, std::shared_ptr<const ModelCounters>>> counters() const;

  // Returns true if the catalog has a model of that name, or one of the last kMostGone names that
  // have gone.
  bool was_known(std::string_view name) const;

  // Returns the number of names that have gone and are not kept any more.
  uint64_t forgotten() const;

  // Reports that an answer had another digest than the catalog's. Calls the callback of
  // WhenStale(), which must be set before other threads use the catalog.
  void NoteStale(const CatalogModel& model, std::string_view digest);
  void WhenStale(std::function<void()> callback) { on_stale_ = std::move(callback); }

 private:
  void Publish(const souvenir::state::v1::KnownModels& models);
  // Notes which names have gone and come back, and drops those that went first.
  void ForgetNames(const CatalogSnapshot& present);
  // Drops the counters that no model uses, if they have counted nothing or their name is forgotten.
  void DropUnusedCounters();
  CatalogModelPtr Make(const souvenir::state::v1::KnownModel& known);

  const Options options_;
  std::function<void()> on_stale_;

  Published<CatalogSnapshot> snapshot_;
  std::atomic<bool> known_{false};

  mutable Mutex mutex_;
  std::string serialized_ ABSL_GUARDED_BY(mutex_);  // published models as text
  // Names that are known, or were. The value is 0 as long as there is a model of the name, and else
  // its key in gone_.
  std::map<std::string, uint64_t, std::less<>> names_ ABSL_GUARDED_BY(mutex_);
  std::map<uint64_t, std::string> gone_ ABSL_GUARDED_BY(mutex_);  // in the order of their going
  uint64_t last_gone_ ABSL_GUARDED_BY(mutex_) = 0;                // the last key of gone_
  uint64_t forgotten_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<std::string, std::shared_ptr<ModelCounters>> counters_ ABSL_GUARDED_BY(mutex_);
  std::vector<Listener> listeners_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace souvenir::gateway
