#include "cache/entry.h"

#include <malloc.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace souvenir::cache {
namespace {

// The bytes of malloc's header in front of a block.
constexpr size_t kBlockHeader = 8;

constexpr absl::Duration kMostCost = absl::Hours(100 * 365 * 24);

constexpr size_t kTagHeader = sizeof(EpochSlot) + sizeof(uint16_t);

// The place of an origin in a pool: a pointer, a control byte, and as much for a free place.
constexpr size_t kPlaceInPool = 2 * (sizeof(void*) + 1);

size_t ChargeOf(const Origin::Fields& fields) {
  size_t bytes = sizeof(Origin) + kBlockHeader + kPlaceInPool;
  for (const std::string* text : {&fields.tenant, &fields.model, &fields.version, &fields.digest}) {
    // A short string has no block of its own.
    if (text->capacity() > std::string().capacity()) bytes += text->capacity() + 1 + kBlockHeader;
  }
  return bytes;
}

}  // namespace

OriginPtr Origin::Create(Fields fields) { return OriginPtr::Adopt(new Origin(std::move(fields))); }

Origin::Origin(Fields fields)
    : fields_(std::move(fields)),
      charge_(ChargeOf(fields_)),
      tenant_slot_(EpochTable::Tenant(fields_.tenant)),
      model_slot_(EpochTable::Model(fields_.model)) {}

void Origin::Release() const {
  if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

size_t Entry::TagBytes(absl::Span<const std::string> tags) {
  size_t bytes = 0;
  for (const std::string& tag : tags) bytes += kTagHeader + tag.size();
  return bytes;
}

EntryPtr Entry::Create(const Fields& fields) {
  static_assert(sizeof(Entry) == 72 + sizeof(Fingerprint));
  const size_t tags_size = TagBytes(fields.tags);
  const size_t size = sizeof(Entry) + fields.value.size() + tags_size;
  void* const block = ::operator new(size);
  // The charge includes the bytes by which malloc rounds the size up.
  const size_t usable = std::max(malloc_usable_size(block), size);
  return EntryPtr::Adopt(new (block) Entry(fields, static_cast<uint32_t>(tags_size), usable));
}

Entry::Entry(const Fields& fields, uint32_t tags_size, size_t usable)
    : value_size_(static_cast<uint32_t>(fields.value.size())),
      cost_ns_(static_cast<float>(absl::ToInt64Nanoseconds(std::min(fields.cost, kMostCost)))),
      tags_size_(static_cast<uint16_t>(tags_size)),
      code_(static_cast<uint8_t>(fields.code)),
      checked_(fields.checked),
      created_ns_(absl::ToUnixNanos(fields.created_at)),
      epoch_sum_(fields.epoch_sum),
      origin_(fields.origin) {
  key = fields.key;
  charge = static_cast<uint32_t>(std::min<size_t>(usable + kBlockHeader, UINT32_MAX));
  cost_bucket = CostBucket(fields.cost);
  char* out = const_cast<char*>(Tail());
  const auto append = [&out](const void* bytes, size_t size) {
    if (size > 0) std::memcpy(out, bytes, size);
    out += size;
  };
  append(fields.value.data(), fields.value.size());
  for (const std::string& tag : fields.tags) {
    const EpochSlot slot = EpochTable::Tag(tag);
    const auto length = static_cast<uint16_t>(tag.size());
    append(&slot, sizeof(slot));
    append(&length, sizeof(length));
    append(tag.data(), tag.size());
  }
}

void Entry::Destroy() const {
  this->~Entry();
  ::operator delete(const_cast<Entry*>(this));
}

template <typename Visit>
void Entry::ForEachTag(Visit visit) const {
  const char* at = Tail() + value_size_;
  const char* const end = at + tags_size_;
  while (at < end) {
    EpochSlot slot;
    uint16_t length;
    std::memcpy(&slot, at, sizeof(slot));
    std::memcpy(&length, at + sizeof(slot), sizeof(length));
    visit(slot, std::string_view(at + kTagHeader, length));
    at += kTagHeader + length;
  }
}

std::vector<std::string> Entry::tags() const {
  std::vector<std::string> tags;
  ForEachTag([&](EpochSlot, std::string_view tag) { tags.emplace_back(tag); });
  return tags;
}

absl::Status Entry::status() const {
  return absl::Status(code(), absl::string_view(value().data(), value().size()));
}

bool Entry::IsCurrent(const EpochTable& epochs) const {
  uint64_t sum = epochs.Get(EpochTable::All()) + epochs.Get(origin_->tenant_slot()) +
                 epochs.Get(origin_->model_slot()) + epochs.Get(EpochTable::Key(key));
  if (tags_size_ > 0) {
    ForEachTag([&](EpochSlot slot, std::string_view) { sum += epochs.Get(slot); });
  }
  return sum == epoch_sum_;
}

}  // namespace souvenir::cache
