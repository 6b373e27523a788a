#include "cache/entry.h"

namespace souvenir::cache {
namespace {

// What malloc adds to an allocation and rounds up to, on average.
constexpr size_t kAllocationOverhead = 16;

size_t StringCharge(const std::string& text) {
  constexpr size_t kInPlace = 15;  // libstdc++ keeps as much inside the object
  return text.capacity() > kInPlace ? text.capacity() + kAllocationOverhead : 0;
}

}  // namespace

size_t Entry::charge() const {
  // 16: the reference counts that std::make_shared puts beside the entry.
  size_t charge = sizeof(Entry) + 16 + kAllocationOverhead + StringCharge(value);
  for (const std::string& tag : tags) charge += sizeof(std::string) + StringCharge(tag);
  return charge;
}

}  // namespace souvenir::cache
