#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/mutex.h"
#include "common/published.h"
#include "gateway/catalog/model_counters.h"
#include "gateway/upstream/model_digest.h"
#include "souvenir/config/v1/gateway.pb.h"
#include "souvenir/state/v1/catalog.pb.h"

namespace souvenir::gateway {

// How long answers of a model are good, by the configuration of now: entries do not carry it.
struct FreshnessPolicy {
  absl::Duration ttl = absl::InfiniteDuration();  // fresh for so long
  // And then served so much longer, while they are computed again, or where computing fails.
  absl::Duration stale_while_revalidate = absl::ZeroDuration();
  absl::Duration stale_if_error = absl::ZeroDuration();
  // How long the error is remembered that an input deserved (INVALID_ARGUMENT); zero: it is not.
  absl::Duration error_ttl = absl::ZeroDuration();
};

// One version of a model, as compute described it and the gateway's configuration changed it.
// Immutable.
struct CatalogModel {
  souvenir::state::v1::KnownModel known;
  std::string digest;                // hex; of what its answers depend on
  std::vector<std::string> outputs;  // all their names, sorted
  bool cached = false;
  bool row_exact = false;
  int64_t max_batch = 0;  // rows; 0: no batch dimension
  FreshnessPolicy freshness;
  ModelCounters* counters = nullptr;  // of all versions; the catalog's

  const std::string& name() const { return known.name(); }
  const std::string& version() const { return known.version(); }
  bool ready() const { return IsReady(known); }

  // A parameter of its configuration; "" where it has none of that name.
  const std::string& parameter(const std::string& name) const;
};
using CatalogModelPtr = std::shared_ptr<const CatalogModel>;

// All models at one moment. Immutable.
class CatalogSnapshot {
 public:
  explicit CatalogSnapshot(std::vector<CatalogModelPtr> models);

  // The version asked for, or the newest one that is ready where none is. NOT_FOUND lists the
  // models or the versions there are.
  absl::StatusOr<CatalogModelPtr> Find(std::string_view name, std::string_view version) const;

  // By name, then version.
  const std::vector<CatalogModelPtr>& models() const { return models_; }

 private:
  std::vector<CatalogModelPtr> models_;
  std::map<std::string, std::vector<CatalogModelPtr>, std::less<>> by_name_;
};

// What the gateway knows of the models upstream. Kept in a file, so that answers on disk can be
// served after a restart while compute is away.
//
// Owned by the gateway. Thread-safe. Counters of a model live as long as the catalog.
class Catalog {
 public:
  using Policies = std::map<std::string, souvenir::config::v1::ModelPolicy>;
  using Listener = std::function<void(const CatalogSnapshot&)>;

  struct Options {
    Policies policies;            // by model name
    std::string file;             // "" keeps nothing
    std::string compute_address;  // for messages
  };

  // Starts with what the file holds; a file that cannot be read is logged and replaced in time.
  explicit Catalog(const Options& options);

  std::shared_ptr<const CatalogSnapshot> snapshot() const { return snapshot_.Get(); }

  // Whether compute has been heard of at all, now or before the restart.
  bool known() const { return known_.load(std::memory_order_acquire); }

  // UNAVAILABLE, in words for a caller, where it has not.
  absl::Status CheckKnown() const;

  // What holds for answers of a model, also of one that compute has no longer.
  FreshnessPolicy FreshnessOf(std::string_view model, std::string_view version) const;

  // Calls `listener` with the present snapshot, and then with each new one, on the thread that
  // brings it. For composition, before threads start.
  void Listen(Listener listener);

  // Puts what compute says now in the place of what was known. Writes the file where something
  // changed: blocks.
  void Update(souvenir::state::v1::KnownModels models);

  // Of each model that was ever known, by name.
  std::vector<std::pair<std::string, const ModelCounters*>> counters() const;

  // An answer came with another digest than the catalog has: calls what OnStale() was given.
  void NoteStale(const CatalogModel& model, std::string_view digest);
  void OnStale(std::function<void()> callback) { on_stale_ = std::move(callback); }

 private:
  void Publish(const souvenir::state::v1::KnownModels& models);
  CatalogModelPtr Make(const souvenir::state::v1::KnownModel& known);

  const Options options_;
  std::function<void()> on_stale_;

  Published<CatalogSnapshot> snapshot_;
  std::atomic<bool> known_{false};

  mutable Mutex mutex_;
  std::string serialized_ ABSL_GUARDED_BY(mutex_);  // of what is published
  std::map<std::string, std::unique_ptr<ModelCounters>> counters_ ABSL_GUARDED_BY(mutex_);
  std::vector<Listener> listeners_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace souvenir::gateway
