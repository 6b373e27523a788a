#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "cache/epochs.h"
#include "cache/fingerprint.h"
#include "cache/memory/eviction/eviction_policy.h"
#include "common/ref_ptr.h"

namespace souvenir::cache {

// Whose answer an entry is. One object is shared by the entries of a model and tenant that are made
// while another one lives (cache/origin_pool.h). Immutable, but for who holds it in the memory
// tier.
class Origin {
 public:
  struct Fields {
    std::string tenant;
    std::string model;
    std::string version;  // the one that answered
    std::string digest;   // hex

    bool operator==(const Fields&) const = default;
  };

  static RefPtr<const Origin> Create(Fields fields);

  const std::string& tenant() const { return fields_.tenant; }
  const std::string& model() const { return fields_.model; }
  const std::string& version() const { return fields_.version; }
  const std::string& digest() const { return fields_.digest; }
  const Fields& fields() const { return fields_; }
  EpochSlot tenant_slot() const { return tenant_slot_; }
  EpochSlot model_slot() const { return model_slot_; }

  // Bytes of memory, as malloc counts them, with its place in a table.
  size_t charge() const { return charge_; }

  // For the memory tier, of which there is one: counts entries in it. True for the first one that
  // comes, and for the last one that goes: the tier is charged from the one to the other.
  bool Hold() const { return holders_.fetch_add(1, std::memory_order_relaxed) == 0; }
  bool LetGo() const { return holders_.fetch_sub(1, std::memory_order_relaxed) == 1; }

  void AddRef() const { references_.fetch_add(1, std::memory_order_relaxed); }
  void Release() const;
  // Whether nobody else has a reference.
  bool is_unique() const { return references_.load(std::memory_order_acquire) == 1; }

 private:
  explicit Origin(Fields fields);

  mutable std::atomic<uint32_t> references_{1};
  mutable std::atomic<uint32_t> holders_{0};
  const Fields fields_;
  const size_t charge_;
  const EpochSlot tenant_slot_;
  const EpochSlot model_slot_;
};

using OriginPtr = RefPtr<const Origin>;

class Entry;
using EntryPtr = RefPtr<const Entry>;

// One remembered answer, or the error that a question deserves. Immutable, but for its place in the
// memory tier; a hit of any size copies nothing, and the entry lives until the last one who reads
// it lets go, whatever the tiers do meanwhile. It knows when it was made and not how long it is
// good: that is for the policy of whoever reads it.
//
// One block of memory, the value and the tags behind the rest: 72 bytes beyond key and value.
class Entry final : public EvictionNode {
 public:
  struct Fields {
    Fingerprint key;
    OriginPtr origin;
    std::string_view value;  // outputs, as common/tensor/tensor_codec.h writes; less than 4 GiB
    // An error is remembered with its message as the value.
    absl::StatusCode code = absl::StatusCode::kOk;
    absl::Time created_at;          // when it was computed, by the clock of then
    absl::Duration cost;            // what computing it took; kept to 24 bits, at most a century
    std::vector<std::string> tags;  // TagBytes() at most kMostTagBytes
    // Of the epochs before it was computed: those of all, of the tenant, the model, the key and the
    // tags. Their sum says as much as they do: none ever decreases.
    uint64_t epoch_sum = 0;
    // The value was held to what was asked. Not kept on disk: a process trusts only what it has
    // looked into itself.
    bool checked = false;
  };

  static constexpr size_t kMostTagBytes = UINT16_MAX;
  // What the tags take in an entry.
  static size_t TagBytes(absl::Span<const std::string> tags);

  static EntryPtr Create(const Fields& fields);

  std::string_view value() const { return {Tail(), value_size_}; }
  const Origin& origin() const { return *origin_; }
  const OriginPtr& origin_ptr() const { return origin_; }
  absl::Time created_at() const { return absl::FromUnixNanos(created_ns_); }
  absl::Duration cost() const { return absl::Nanoseconds(static_cast<int64_t>(cost_ns_)); }
  std::vector<std::string> tags() const;

  // OK for an answer; the error that is remembered else.
  absl::StatusCode code() const { return static_cast<absl::StatusCode>(code_); }
  bool is_error() const { return code_ != 0; }
  absl::Status status() const;

  // Whether nothing that it falls under was invalidated since it was computed.
  bool IsCurrent(const EpochTable& epochs) const;

  uint64_t epoch_sum() const { return epoch_sum_; }

  // Tells, and notes, that the value was held to what was asked. Thread-safe.
  bool is_checked() const { return checked_.load(std::memory_order_relaxed); }
  void MarkChecked() const { checked_.store(true, std::memory_order_relaxed); }

  void AddRef() const { references_.fetch_add(1, std::memory_order_relaxed); }
  void Release() const {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) Destroy();
  }

  // Its place in a memory tier, which alone may use it.
  EvictionNode* node() const { return const_cast<Entry*>(this); }
  static const Entry* Of(const EvictionNode* node) { return static_cast<const Entry*>(node); }
  // True for the first one who asks: an entry can be in one tier, once.
  bool Claim() const { return !claimed_.exchange(true, std::memory_order_relaxed); }

 private:
  Entry(const Fields& fields, uint32_t tags_size, size_t usable);
  ~Entry() = default;
  void Destroy() const;

  // The value, and then for each tag its place in the table of epochs, u32, its length, u16, and
  // its text.
  const char* Tail() const { return reinterpret_cast<const char*>(this + 1); }
  template <typename Visit>
  void ForEachTag(Visit visit) const;

  mutable std::atomic<uint32_t> references_{1};
  const uint32_t value_size_;
  const float cost_ns_;
  const uint16_t tags_size_;  // bytes
  const uint8_t code_;
  mutable std::atomic<bool> claimed_{false};
  mutable std::atomic<bool> checked_;
  const int64_t created_ns_;  // since 1970
  const uint64_t epoch_sum_;
  const OriginPtr origin_;
};

}  // namespace souvenir::cache
