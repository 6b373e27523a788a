#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "cache/entry.h"

namespace souvenir::cache {

// A hash table of entries that is read without a lock: open addressing, a word for each place that
// holds a pointer and 16 bits of the key, so that another entry is seldom looked at.
//
// Owns nothing. One writer at a time; readers only within a ReadSection. What is taken out of it,
// an entry or an array that has become too small, is freed by whoever owns the table when the
// sections have ended.
class EntryTable {
 public:
  using Word = std::atomic<uint64_t>;

  EntryTable();
  ~EntryTable();
  EntryTable(const EntryTable&) = delete;
  EntryTable& operator=(const EntryTable&) = delete;

  // Null where there is none.
  const Entry* Find(const Fingerprint& key) const { return Locate(key).entry; }

  // Puts `entry` in, in place of one with its key, which is returned; else null.
  const Entry* Put(const Entry* entry);

  // Takes out the entry, if it is there.
  bool Erase(const Entry* entry);

  // Calls `visit` for each entry.
  template <typename Visit>
  void ForEach(Visit visit) const {
    ForEachIn(0, places(), visit);
  }

  // The same in a part of the places, as far as there are so many.
  template <typename Visit>
  void ForEachIn(size_t begin, size_t end, Visit visit) const {
    // Entries lie all over memory: they are asked for well before their turn comes.
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

  // An array that readers may still be in; null where there is none. It is the caller's to free.
  struct Array {
    explicit Array(size_t places) : mask(places - 1), words(std::make_unique<Word[]>(places)) {}
    const size_t mask;
    const std::unique_ptr<Word[]> words;
  };
  std::unique_ptr<Array> TakeOldArray() { return std::move(old_array_); }

 private:
  static constexpr uint64_t kFree = 0;
  static constexpr uint64_t kGone = 1;  // an entry was here: those behind it are found past it

  // A user-space address has 48 bits at most (x86-64 and AArch64).
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
    const Entry* entry = nullptr;  // as it was there when it was looked at
  };
  Found Locate(const Fingerprint& key) const;
  void Resize();

  std::atomic<Array*> array_;  // owned
  std::unique_ptr<Array> old_array_;
  size_t size_ = 0;
  size_t used_ = 0;  // places that are not free
};

}  // namespace souvenir::cache
