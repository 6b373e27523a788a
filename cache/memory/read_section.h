#pragma once

#include <atomic>
#include <cstdint>

namespace souvenir::cache {

// While a thread is in a read section, what it reaches through shared pointers without a lock stays
// where it is: whoever takes something out frees it only when every section that might have seen it
// has ended (epoch-based reclamation: Fraser, "Practical lock freedom", 2004, section 5.2.3).
//
//   reader:  ReadSection section;                 writer:  unlink the object
//            if (section.entered()) { follow       uint64_t era = ReadSection::EndEra();
//            pointers, take references }           ... later, if era < ReadSection::OldestEra():
//            free
//
// The pointers that readers follow, and those that writers unlink, are seq_cst atomics. Sections
// are short and do not nest. Costs one exchange on a line of memory of the thread's own.
class ReadSection {
 public:
  ReadSection();
  ~ReadSection() {
    if (era_ != nullptr) era_->store(kOutside, std::memory_order_release);
  }
  ReadSection(const ReadSection&) = delete;
  ReadSection& operator=(const ReadSection&) = delete;

  // False where more threads than there are places for read at once: take the lock instead.
  bool entered() const { return era_ != nullptr; }

  // Ends the present era: sections that begin from now on cannot see what was unlinked before. It
  // is the era that is returned.
  static uint64_t EndEra();

  // Of the sections that are open: what was unlinked in an earlier era can be freed.
  static uint64_t OldestEra();

 private:
  static constexpr uint64_t kOutside = 0;

  std::atomic<uint64_t>* era_;  // this thread's
};

}  // namespace souvenir::cache
