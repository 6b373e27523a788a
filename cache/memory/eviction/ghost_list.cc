#include "cache/memory/eviction/ghost_list.h"

#include <algorithm>
#include <utility>

namespace souvenir::cache {
namespace {

constexpr size_t kFirstPlaces = 256;

// Places swept for each added key. With at least as many places as keys in the window, a round of
// the sweep takes a quarter of the window.
constexpr size_t kSweepPlaces = 4;

// The table grows if, within a round of the sweep, more than one key per kDisplacedShare places was
// forgotten for lack of room, that is one in eight of the added keys. The count starts anew with
// each round. A few keys are always forgotten, and the table must not grow for ever.
constexpr size_t kDisplacedShare = 32;

}  // namespace

GhostList::GhostList(uint64_t window_bytes)
    : unit_((window_bytes >> 24) + 1),
      window_(static_cast<uint32_t>(window_bytes / unit_)),
      places_(kFirstPlaces) {}

void GhostList::Add(const Fingerprint& key, From from, uint32_t charge) {
  evicted_[static_cast<size_t>(from)] += charge;
  Sweep();
  const uint32_t name = NameOf(key);
  Place* const bucket = BucketOf(name);
  Place* place = nullptr;
  for (size_t i = 0; i < kBucket; ++i) {
    if (bucket[i].name != 0 && ((bucket[i].name ^ name) >> 1 == 0 || IsOut(bucket[i]))) {
      Forget(bucket[i]);
    }
    if (bucket[i].name == 0 && place == nullptr) place = &bucket[i];
  }
  if (place == nullptr) {
    place = std::max_element(bucket, bucket + kBucket, [this](const Place& a, const Place& b) {
      return AgeOf(a) < AgeOf(b);
    });
    Forget(*place);
    ++displaced_;
  }
  *place = {name | static_cast<uint32_t>(from), Now(from)};
  ++counts_[static_cast<size_t>(from)];
  if (displaced_ > places_.size() / kDisplacedShare) Grow();
}

std::optional<GhostList::From> GhostList::Take(const Fingerprint& key) {
  const uint32_t name = NameOf(key);
  Place* const bucket = BucketOf(name);
  for (size_t i = 0; i < kBucket; ++i) {
    if (bucket[i].name == 0 || (bucket[i].name ^ name) >> 1 != 0) continue;
    const From from = FromOf(bucket[i]);
    const bool out = IsOut(bucket[i]);
    Forget(bucket[i]);
    if (!out) return from;
  }
  return std::nullopt;
}

void GhostList::Forget(Place& place) {
  --counts_[place.name & 1];
  place = {};
}

void GhostList::Sweep() {
  for (size_t i = 0; i < kSweepPlaces; ++i) {
    Place& place = places_[hand_];
    if (place.name != 0 && IsOut(place)) Forget(place);
    hand_ = (hand_ + 1) % places_.size();
  }
  if (hand_ == 0) displaced_ = 0;
}

void GhostList::Grow() {
  std::vector<Place> old(places_.size() * 2);
  old.swap(places_);
  counts_ = {};
  hand_ = 0;
  displaced_ = 0;
  // Each bucket is split into two, so there is room for every key.
  for (const Place& place : old) {
    if (place.name == 0) continue;
    Place* const bucket = BucketOf(place.name & ~1u);
    *std::find_if(bucket, bucket + kBucket, [](const Place& p) { return p.name == 0; }) = place;
    ++counts_[place.name & 1];
  }
}

}  // namespace souvenir::cache
