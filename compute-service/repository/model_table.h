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

// Returns the number of versions that can be asked.
size_t CountAsked(const ModelsByVersion& versions);

// The models that are offered, by name and version, and the rules by which versions replace each
// other.
//
// Owned by the ModelRepository. Thread-safe. It starts and stops no model: models that leave the
// table are returned, and its owner stops them.
class ModelTable {
 public:
  // The versions that were read from a model's folder.
  struct Reading {
    uint64_t number = 0;  // from BeginReading()
    ModelsByVersion fresh;
    std::set<int64_t> usable;  // the versions of `fresh` that have loaded, or will load on demand
    std::set<int64_t> older;   // versions older than those of the model's policy
    bool readable = true;      // false if `fresh` is a broken model that has the reason
    // Makes the reading useless once it is true. Null for never.
    const std::atomic<bool>* cancelled = nullptr;
  };

  using Models = std::vector<std::shared_ptr<ServedModel>>;

  // See ModelRepository for these.
  absl::StatusOr<std::shared_ptr<ServedModel>> Find(std::string_view name,
                                                    std::string_view version) const;
  Models All() const;
  // Returns the models that are in memory, or about to be. Cheap, even if there are many others.
  Models Loaded() const;
  Models Versions(std::string_view name) const;
  // Returns NOT_FOUND with the other models that there are. The name may still be in the table, if
  // its folder has gone.
  absl::Status NotFound(std::string_view name) const;

  // To be called before a folder is read. Of two readings, the one that began later wins.
  uint64_t BeginReading() { return ++readings_; }

  // Offers the versions that were read. Returns the models that leave: replaced versions, and
  // versions of `reading` that do not get their place. An unusable version replaces only a version
  // that cannot be asked either. As many older versions stay as versions of `reading` cannot be
  // asked.
  Models TakeOver(const std::string& name, const Reading& reading);

  // Offers one more version if fewer than `wanted` can be asked. Returns false, and changes
  // nothing, if enough can be asked, if the version is there already, or if the name has no models.
  bool Offer(const std::string& name, int64_t version, std::shared_ptr<ServedModel> model,
             size_t wanted);

  // Returns true if the name is there, and fewer than `wanted` of its versions can be asked.
  bool Lacks(const std::string& name, size_t wanted) const;
  bool Has(const std::string& name, int64_t version) const;

  // Removes the model, and returns its versions.
  Models Remove(const std::string& name);

 private:
  struct Entry {
    ModelsByVersion versions;
    uint64_t reading = 0;  // number of the reading that took over last
  };

  std::atomic<uint64_t> readings_{0};

  mutable Mutex mutex_;
  std::map<std::string, Entry, std::less<>> models_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace souvenir::compute
