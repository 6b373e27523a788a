#include "cache/memory/entry_table.h"

#include <algorithm>

namespace souvenir::cache {
namespace {

constexpr size_t kFirstPlaces = 64;

}  // namespace

EntryTable::EntryTable() : array_(new Array(kFirstPlaces)) {}

EntryTable::~EntryTable() { delete array_.load(std::memory_order_relaxed); }

EntryTable::Found EntryTable::Locate(const Fingerprint& key) const {
  const Array& array = *array_.load();
  const uint64_t tag = TagOf(key);
  // The loop ends because at least a quarter of the places is free.
  for (size_t i = StartOf(key);; ++i) {
    Word& place = array.words[i & array.mask];
    const uint64_t word = place.load();
    if (word == kFree) return {};
    if (word == kGone || (word & ~kAddress) != tag) continue;
    const Entry* const entry = EntryOf(word);
    if (entry->key == key) return {&place, entry};
  }
}

const Entry* EntryTable::Put(const Entry* entry) {
  if (const Found found = Locate(entry->key); found.place != nullptr) {
    found.place->store(WordFor(entry));
    return found.entry;
  }
  if ((used_ + 1) * 4 > places() * 3) Resize();
  const Array& array = *array_.load(std::memory_order_relaxed);
  size_t i = StartOf(entry->key);
  while (array.words[i & array.mask].load(std::memory_order_relaxed) > kGone) ++i;
  Word& place = array.words[i & array.mask];
  if (place.load(std::memory_order_relaxed) == kFree) ++used_;
  place.store(WordFor(entry));
  ++size_;
  return nullptr;
}

bool EntryTable::Erase(const Entry* entry) {
  const Found found = Locate(entry->key);
  if (found.entry != entry) return false;
  found.place->store(kGone);
  --size_;
  return true;
}

void EntryTable::Resize() {
  // A table full of entries is doubled. A table full of erased places is rebuilt at the same size.
  auto next = std::make_unique<Array>(size_ * 2 > places() ? places() * 2 : places());
  ForEach([&](const Entry* entry) {
    size_t i = StartOf(entry->key);
    while (next->words[i & next->mask].load(std::memory_order_relaxed) != kFree) ++i;
    next->words[i & next->mask].store(WordFor(entry), std::memory_order_relaxed);
  });
  used_ = size_;
  old_array_.reset(array_.exchange(next.release()));
}

}  // namespace souvenir::cache
