#include "cache/memory/read_section.h"

#include <algorithm>
#include <array>
#include <limits>

namespace souvenir::cache {
namespace {

// The era of a reading thread. Aligned so that threads do not share a cache line.
struct alignas(64) Place {
  std::atomic<uint64_t> era{0};
  std::atomic<bool> taken{false};
};

constexpr size_t kPlaces = 256;
constinit std::array<Place, kPlaces> places;
constinit std::atomic<size_t> places_used{0};  // no place from this index on was ever taken
constinit std::atomic<uint64_t> current_era{1};

// Holds a place until the thread ends.
class ThreadPlace {
 public:
  ThreadPlace() {
    for (size_t i = 0; i < kPlaces; ++i) {
      if (places[i].taken.exchange(true)) continue;
      place_ = &places[i];
      size_t used = places_used.load();
      while (used < i + 1 && !places_used.compare_exchange_weak(used, i + 1)) {
      }
      return;
    }
  }
  ~ThreadPlace() {
    if (place_ != nullptr) place_->taken.store(false);
  }
  std::atomic<uint64_t>* era() { return place_ != nullptr ? &place_->era : nullptr; }

 private:
  Place* place_ = nullptr;
};

}  // namespace

ReadSection::ReadSection() {
  thread_local ThreadPlace place;
  era_ = place.era();
  // This store comes before any pointer is followed, and a writer that looks for open sections sees
  // it.
  if (era_ != nullptr) era_->store(current_era.load());
}

uint64_t ReadSection::EndEra() { return current_era.fetch_add(1); }

uint64_t ReadSection::OldestEra() {
  uint64_t oldest = std::numeric_limits<uint64_t>::max();
  const size_t used = places_used.load();
  for (size_t i = 0; i < used; ++i) {
    const uint64_t era = places[i].era.load();
    if (era != 0) oldest = std::min(oldest, era);
  }
  return oldest;
}

}  // namespace souvenir::cache
