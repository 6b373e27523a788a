#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"

namespace souvenir::gateway {

// A bounded queue that is fair among tenants and knows priorities.
//
// Tenants of one priority share by rows (start-time fair queueing): each item has a virtual start
// time, which is the end of its tenant's last item, or the queue's virtual time if the tenant had
// nothing in the queue. The least start time leaves first, at a cost of O(log tenants). Deficit
// round robin shares alike, but has to visit a tenant once for each row of a large item.
//
// An item of a lower priority is ordered as if it had arrived `aging` later for each level, so that
// nothing starves.
//
// The room is shared too: a tenant has room while it has fewer items than are still free. One
// tenant alone can fill half of the queue, and others find room.
//
//   FairQueue<RowPtr> queue({});
//   if (!queue.HasRoom("a")) return <an error>;
//   queue.Push({.tenant = "a", .group = "m/1", .value = row}, clock->Monotonic());
//   std::vector<RowPtr> together = queue.Pop({.rows = 64, .mixed_rows = 64, .bytes = 1 << 20});
//
// Not thread-safe.
template <typename T>
class FairQueue {
 public:
  using Id = uint64_t;  // never 0

  static constexpr int kLevels = 9;        // number of priorities; 1 is the most urgent
  static constexpr int kDefaultLevel = 5;  // priority of an item that names none

  // Not checked here: CheckGatewayConfig() has checked the values that users set.
  struct Options {
    size_t limit = 16'384;                    // most items
    absl::Duration aging = absl::Seconds(1);  // see above
  };

  struct Item {
    std::string tenant;
    int64_t priority = 0;  // 0 means the default; numbers above kLevels mean kLevels
    std::string group;     // items of a group may leave together; "" leaves alone
    uint64_t rows = 1;     // cost to its tenant; at least 1
    uint64_t bytes = 0;
    const void* source = nullptr;  // the request that it is of
    T value;
  };

  // Limits of the items that leave together. The first item always leaves.
  struct Most {
    uint64_t rows = 1;
    uint64_t mixed_rows = 1;  // limit once items of several sources are among them
    uint64_t bytes = 0;
  };

  explicit FairQueue(Options options) : options_(options) {}

  // Returns true if there is room for an item of the tenant.
  bool HasRoom(const std::string& tenant) const {
    return size() < options_.limit && CountOf(tenant) < options_.limit - size();
  }

  // Adds an item, even without room: a request that has found room comes in whole, and an item that
  // has left may come back.
  Id Push(Item item, absl::Duration now) {
    const int number = LevelOf(item.priority);
    Level& level = levels_[number];
    Tenant& tenant = level.tenants[item.tenant];
    if (tenant.waiting.empty()) {
      if (tenant.number == 0) tenant.number = ++last_tenant_;
      level.ended.erase({tenant.start, item.tenant});
      tenant.start = std::max(tenant.start, level.now);
      level.order.insert({{tenant.start, tenant.number}, &tenant});
    }
    ++waiting_of_tenant_[item.tenant];
    const Id id = ++last_id_;
    tenant.waiting.push_back({id, now, std::move(item)});
    places_[id] = {number, &tenant, std::prev(tenant.waiting.end())};
    return id;
  }

  // Removes an item. Returns its value, or nullopt if it has left.
  std::optional<T> Remove(Id id) {
    const auto found = places_.find(id);
    if (found == places_.end()) return std::nullopt;
    return Take(found->second, /*served=*/false);
  }

  // Returns the item whose turn it is, without removing it, or null if the queue is empty.
  const Item* Next() const {
    const Level* const level = NextLevel();
    return level != nullptr ? &level->order.begin()->second->waiting.front().item : nullptr;
  }

  // Removes the item whose turn it is, together with items of its group as their turn comes.
  // Returns none if the queue is empty.
  std::vector<T> Pop(const Most& most) {
    std::vector<T> together;
    const Item* const first = Next();
    if (first == nullptr) return together;
    const std::string group = first->group;
    const void* const source = first->source;
    bool is_mixed = false;
    uint64_t rows = first->rows;
    uint64_t bytes = first->bytes;
    together.push_back(TakeFirst(NextLevel()->order.begin()->second));
    while (!group.empty() && rows < most.rows) {
      Tenant* const tenant = NextOfGroup(group);
      if (tenant == nullptr) break;
      const Item& item = tenant->waiting.front().item;
      is_mixed |= item.source != source;
      rows += item.rows;
      bytes += item.bytes;
      if (rows > (is_mixed ? most.mixed_rows : most.rows) || bytes > most.bytes) break;
      together.push_back(TakeFirst(tenant));
    }
    DropEmptyLevels();
    return together;
  }

  size_t size() const { return places_.size(); }
  bool empty() const { return places_.empty(); }

 private:
  // A batch looks past at most this many tenants whose next item is of another group.
  static constexpr int kMaxPassed = 64;

  struct Waiting {
    Id id;
    absl::Duration arrived;
    Item item;
  };
  struct Tenant {
    uint64_t number = 0;  // orders equals by arrival
    uint64_t start = 0;   // virtual start time of its next item
    std::list<Waiting> waiting;
  };
  struct Level {
    uint64_t now = 0;  // virtual time: the start time of the item that left last
    std::map<std::string, Tenant> tenants;
    std::map<std::pair<uint64_t, uint64_t>, Tenant*> order;  // tenants that wait, by start
    // Tenants that do not wait, until the virtual time has reached the end of their last item.
    std::set<std::pair<uint64_t, std::string>> ended;
  };
  struct Place {
    int level = 0;
    Tenant* tenant = nullptr;
    typename std::list<Waiting>::iterator at;
  };

  static int LevelOf(int64_t priority) {
    if (priority <= 0) return kDefaultLevel;
    return static_cast<int>(std::min<int64_t>(priority, kLevels));
  }

  size_t CountOf(const std::string& tenant) const {
    const auto found = waiting_of_tenant_.find(tenant);
    return found != waiting_of_tenant_.end() ? found->second : 0;
  }

  // Returns the level's turn: the time at which its next item came, plus `aging` for each level.
  absl::Duration RankOf(int number, const Level& level) const {
    return level.order.begin()->second->waiting.front().arrived + (number - 1) * options_.aging;
  }

  const Level* NextLevel() const {
    const Level* next = nullptr;
    absl::Duration earliest = absl::InfiniteDuration();
    for (const auto& [number, level] : levels_) {
      if (level.order.empty()) continue;
      const absl::Duration rank = RankOf(number, level);
      if (next != nullptr && rank >= earliest) continue;
      next = &level;
      earliest = rank;
    }
    return next;
  }

  // Returns the tenant whose next item is of the group and comes first among such items.
  Tenant* NextOfGroup(const std::string& group) const {
    Tenant* next = nullptr;
    absl::Duration earliest = absl::InfiniteDuration();
    for (const auto& [number, level] : levels_) {
      if (level.order.empty() || (next != nullptr && RankOf(number, level) >= earliest)) continue;
      Tenant* const tenant = FindGroup(level, group);
      if (tenant == nullptr) continue;
      next = tenant;
      earliest = RankOf(number, level);
    }
    return next;
  }

  static Tenant* FindGroup(const Level& level, const std::string& group) {
    int passed = 0;
    for (const auto& [start, tenant] : level.order) {
      if (tenant->waiting.front().item.group == group) return tenant;
      if (++passed == kMaxPassed) break;
    }
    return nullptr;
  }

  T TakeFirst(Tenant* tenant) {
    return Take(places_.at(tenant->waiting.front().id), /*served=*/true);
  }

  // Takes an item out. `served`: its rows are charged to the tenant, and virtual time moves on.
  T Take(const Place place, bool served) {
    Level& level = levels_.at(place.level);
    Tenant& tenant = *place.tenant;
    Item item = std::move(place.at->item);
    level.order.erase({tenant.start, tenant.number});
    places_.erase(place.at->id);
    tenant.waiting.erase(place.at);
    if (served) {
      level.now = std::max(level.now, tenant.start);
      tenant.start += std::max<uint64_t>(item.rows, 1);
    }
    if (--waiting_of_tenant_[item.tenant] == 0) waiting_of_tenant_.erase(item.tenant);
    if (!tenant.waiting.empty()) {
      level.order.insert({{tenant.start, tenant.number}, &tenant});
    } else {
      level.ended.insert({tenant.start, item.tenant});
    }
    while (!level.ended.empty() &&
           (level.ended.begin()->first <= level.now || level.ended.size() > options_.limit)) {
      level.tenants.erase(level.ended.begin()->second);
      level.ended.erase(level.ended.begin());
    }
    return std::move(item.value);
  }

  void DropEmptyLevels() {
    std::erase_if(levels_, [](const auto& level) { return level.second.order.empty(); });
  }

  const Options options_;
  std::map<int, Level> levels_;
  absl::flat_hash_map<Id, Place> places_;
  absl::flat_hash_map<std::string, size_t> waiting_of_tenant_;
  Id last_id_ = 0;
  uint64_t last_tenant_ = 0;
};

}  // namespace souvenir::gateway
