#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "cache/entry.h"

namespace souvenir::cache {

// A hash table of entries that is read without a lock. It uses open addressing. Each place is a
// word with a pointer and 16 bits of the key, so that a lookup seldom reads another key's entry.
//
// Does not own the entries. Writers must hold a common lock; readers must hold that lock or be in a
// ReadSection. The owner of the table frees removed entries and outgrown arrays once the read
// sections that may see them have ended.
class EntryTable {
 public:
  using Word = std::atomic<uint64_t>;

  EntryTable();
  ~EntryTable();
  EntryTable(const EntryTable&) = delete;
  EntryTable& operator=(const EntryTable&) = delete;

  // Returns the entry for `key`, or null.
  const Entry* Find(const Fingerprint& key) const { return Locate(key).entry; }

  // Adds `entry`. Returns the entry of the same key that it replaces, or null.
  const Entry* Put(const Entry* entry);

  // Removes `entry`. Returns false if the table does not have it.
  bool Erase(const Entry* entry);

  // Calls `visit` for each entry. REQUIRES: the caller holds the writers' lock.
  template <typename Visit>
  void ForEach(Visit visit) const {
    ForEachIn(0, places(), visit);
  }

  // Calls `visit` for each entry in the places from `begin` up to `end`; places beyond the table
  // are ignored. REQUIRES: the caller holds the writers' lock.
  template <typename Visit>
  void ForEachIn(size_t begin, size_t end, Visit visit) const {
    // Entries are scattered in memory, so each is prefetched well before its turn.
    constexpr size_t kAhead = 16;
    const Array& array = *array_.load(std::memory_order_relaxed);
    end = std::min(end, array.mask + 1);
    for (size_t i = begin; i < end; ++i) {
      const uint64_t ahead = array.words[(i + kAhead) & array.mask].load(std::memory_order_relaxed);
      if (ahead > kGone) __builtin_prefetch(&EntryOf(ahead)->key);
      const uint64_t word = array.words[i].load(std::memory_order_relaxed);
      if (word > kGone) visit(EntryOf(word));
    }
  }

  size_t size() const { return size_; }
  size_t places() const { return array_.load(std::memory_order_relaxed)->mask + 1; }
  size_t bytes() const { return places() * sizeof(Word); }

  // The places of the table.
  struct Array {
    explicit Array(size_t places) : mask(places - 1), words(std::make_unique<Word[]>(places)) {}
    const size_t mask;
    const std::unique_ptr<Word[]> words;
  };
  // Returns the array that the last Put() outgrew, or null. Readers may still use it, so the caller
  // frees it after their read sections.
  std::unique_ptr<Array> TakeOldArray() { return std::move(old_array_); }

 private:
  static constexpr uint64_t kFree = 0;
  static constexpr uint64_t kGone = 1;  // erased: a search must go on past this place

  // A user-space address has at most 48 bits (x86-64 and AArch64).
  static constexpr int kTagShift = 48;
  static constexpr uint64_t kAddress = (uint64_t{1} << kTagShift) - 1;
  static uint64_t TagOf(const Fingerprint& key) { return key.word(3) >> kTagShift << kTagShift; }
  static uint64_t WordFor(const Entry* entry) {
    return reinterpret_cast<uint64_t>(entry) | TagOf(entry->key);
  }
  static const Entry* EntryOf(uint64_t word) {
    return reinterpret_cast<const Entry*>(word & kAddress);  // NOLINT(performance-no-int-to-ptr)
  }
  static size_t StartOf(const Fingerprint& key) { return key.word(0); }

  struct Found {
    Word* place = nullptr;
    const Entry* entry = nullptr;  // entry at `place` when it was read
  };
  Found Locate(const Fingerprint& key) const;
  void Resize();

  std::atomic<Array*> array_;  // owned
  std::unique_ptr<Array> old_array_;
  size_t size_ = 0;
  size_t used_ = 0;  // places that are not kFree
};

}  // namespace souvenir::cache
