#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/mutex.h"
#include "compute-service/repository/served_model.h"

namespace souvenir::compute {

// Models by version.
using ModelsByVersion = std::map<int64_t, std::shared_ptr<ServedModel>>;

// Returns how many of the versions can be asked.
size_t CountAsked(const ModelsByVersion& versions);

// The models that are offered, by name and version, and the rules by which versions take over from
// each other.
//
// Owned by the ModelRepository. Thread-safe. It starts and stops no model: what leaves the table is
// returned, for its owner to stop.
class ModelTable {
 public:
  // The versions that were read from a model's folder.
  struct Reading {
    uint64_t number = 0;  // from BeginReading()
    ModelsByVersion fresh;
    std::set<int64_t> usable;  // of these, those that loaded, or have yet to be
    std::set<int64_t> older;   // versions behind those of the model's policy
    bool readable = true;      // false: `fresh` is a broken one that says why
    // Once it is true, the reading is of no use any more. Null: never.
    const std::atomic<bool>* cancelled = nullptr;
  };

  using Models = std::vector<std::shared_ptr<ServedModel>>;

  // See ModelRepository for these.
  absl::StatusOr<std::shared_ptr<ServedModel>> Find(std::string_view name,
                                                    std::string_view version) const;
  Models All() const;
  // Those that are in memory or about to be: of many models a look at these costs little.
  Models Loaded() const;
  Models Versions(std::string_view name) const;
  absl::Status NotFound(std::string_view name) const;

  // To be called before a folder is read: of two readings, the one that began later wins.
  uint64_t BeginReading() { return ++readings_; }

  // Offers what was read, and returns what leaves: versions that were replaced, and those of
  // `reading` that do not get their place. A version that cannot be used takes the place only of
  // one that cannot be asked either. As many versions behind stay as of `reading` cannot be asked.
  Models TakeOver(const std::string& name, const Reading& reading);

  // Offers one more version while fewer than `wanted` can be asked. False, and nothing changes,
  // where that is not so, or the version or the name's models are not expected.
  bool Offer(const std::string& name, int64_t version, std::shared_ptr<ServedModel> model,
             size_t wanted);

  // Returns true if Offer() wants one more version of the name.
  bool Lacks(const std::string& name, size_t wanted) const;
  bool Has(const std::string& name, int64_t version) const;

  // Forgets the model, and returns its versions.
  Models Remove(const std::string& name);

 private:
  struct Entry {
    ModelsByVersion versions;
    uint64_t reading = 0;  // the number of what took over last
  };

  absl::Status NotFoundError(std::string_view name) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  std::atomic<uint64_t> readings_{0};

  mutable Mutex mutex_;
  std::map<std::string, Entry, std::less<>> models_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace souvenir::compute
