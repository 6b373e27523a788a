#pragma once

#include <atomic>
#include <cstdint>

namespace souvenir::cache {

// Lets a thread follow shared pointers without a lock. A writer that unlinks an object frees it
// only after every read section that may have seen it has ended (epoch-based reclamation: Fraser,
// "Practical lock freedom", 2004, section 5.2.3).
//
//   reader:  ReadSection section;                 writer:  unlink the object
//            if (section.entered()) { follow       uint64_t era = ReadSection::EndEra();
//            pointers, take references }           ... later, if era < ReadSection::OldestEra():
//            free
//
// REQUIRES: the pointers that readers follow and writers unlink are seq_cst atomics; sections are
// short and do not nest. Entering costs one exchange on a cache line of the thread's own.
class ReadSection {
 public:
  ReadSection();
  ~ReadSection() {
    if (era_ != nullptr) era_->store(kOutside, std::memory_order_release);
  }
  ReadSection(const ReadSection&) = delete;
  ReadSection& operator=(const ReadSection&) = delete;

  // Returns false if all places (256) are taken by other threads. The reader must then take the
  // writers' lock instead.
  bool entered() const { return era_ != nullptr; }

  // Ends the present era and returns it. Sections that begin later cannot see objects that were
  // unlinked before the call.
  static uint64_t EndEra();

  // Returns the oldest era of the open sections, or the greatest number if none is open. Objects
  // that were unlinked in an earlier era can be freed.
  static uint64_t OldestEra();

 private:
  static constexpr uint64_t kOutside = 0;

  std::atomic<uint64_t>* era_;  // era of this thread; null if there was no place for it
};

}  // namespace souvenir::cache
