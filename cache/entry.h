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

// The tenant, model, version and digest that an answer belongs to. Entries of the same origin share
// one object if it is alive when they are made (cache/origin_pool.h). Immutable, except for the
// count of entries in the memory tier. Thread-safe.
class Origin {
 public:
  struct Fields {
    std::string tenant;
    std::string model;
    std::string version;  // version of the model that answered
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

  // Returns the memory of the origin in bytes, as malloc counts it, with its place in an origin
  // pool.
  size_t charge() const { return charge_; }

  // Count the entries of this origin in the memory tier. Hold() returns true for the first entry
  // that comes, LetGo() for the last that goes; the tier is charged for the origin in between. Only
  // one memory tier may call them.
  bool Hold() const { return holders_.fetch_add(1, std::memory_order_relaxed) == 0; }
  bool LetGo() const { return holders_.fetch_sub(1, std::memory_order_relaxed) == 1; }
  // Returns true if the memory tier has entries of this origin.
  bool is_held() const { return holders_.load(std::memory_order_relaxed) > 0; }

  void AddRef() const { references_.fetch_add(1, std::memory_order_relaxed); }
  void Release() const;
  // Returns true if the caller has the only reference.
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

// A remembered answer, or the remembered error of a question. Immutable, except for its place in
// the memory tier and for is_checked(). A hit of any size copies nothing: the entry lives until its
// last reader releases it, even if the tiers drop it before. An entry knows when it was made, but
// not how long it is fresh; the reader's policy decides that.
//
// An entry is one block of memory: 72 bytes, the key, the value and the tags.
class Entry final : public EvictionNode {
 public:
  struct Fields {
    Fingerprint key;
    OriginPtr origin;
    std::string_view value;  // outputs as in common/tensor/tensor_codec.h; less than 4 GiB
    // Error code; kOk for an answer. The value of an error is its message.
    absl::StatusCode code = absl::StatusCode::kOk;
    absl::Time created_at;          // time of the computation, by the clock at that time
    absl::Duration cost;            // time it took, at most a century; kept to 24 bits
    std::vector<std::string> tags;  // TagBytes() at most kMostTagBytes
    // The sum of the epochs before the computation: those of all, of the tenant, the model, the key
    // and the tags. A sum is enough to notice an invalidation, because epochs never decrease.
    uint64_t epoch_sum = 0;
    // True if the value was checked against the request. Not kept on disk, because a process trusts
    // only its own checks.
    bool checked = false;
  };

  static constexpr size_t kMostTagBytes = UINT16_MAX;
  // Returns the bytes that tags take in an entry.
  static size_t TagBytes(absl::Span<const std::string> tags);

  static EntryPtr Create(const Fields& fields);

  std::string_view value() const { return {Tail(), value_size_}; }
  const Origin& origin() const { return *origin_; }
  const OriginPtr& origin_ptr() const { return origin_; }
  absl::Time created_at() const { return absl::FromUnixNanos(created_ns_); }
  absl::Duration cost() const { return absl::Nanoseconds(static_cast<int64_t>(cost_ns_)); }
  std::vector<std::string> tags() const;

  // Return OK for an answer, or the remembered error.
  absl::StatusCode code() const { return static_cast<absl::StatusCode>(code_); }
  bool is_error() const { return code_ != 0; }
  absl::Status status() const;

  // Returns true if no epoch of the entry has been advanced since it was computed.
  bool IsCurrent(const EpochTable& epochs) const;

  uint64_t epoch_sum() const { return epoch_sum_; }

  // Return and set whether the value was checked against the request. Thread-safe.
  bool is_checked() const { return checked_.load(std::memory_order_relaxed); }
  void MarkChecked() const { checked_.store(true, std::memory_order_relaxed); }

  void AddRef() const { references_.fetch_add(1, std::memory_order_relaxed); }
  void Release() const {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) Destroy();
  }

  // The entry as a node of the eviction policy. For the memory tier only.
  EvictionNode* node() const { return const_cast<Entry*>(this); }
  static const Entry* Of(const EvictionNode* node) { return static_cast<const Entry*>(node); }
  // Returns true for the first call only. An entry can be in only one tier, and only once.
  bool Claim() const { return !claimed_.exchange(true, std::memory_order_relaxed); }

 private:
  Entry(const Fields& fields, uint32_t tags_size, size_t usable);
  ~Entry() = default;
  void Destroy() const;

  // Returns the value, followed by a record per tag: its slot in the epoch table (u32), its length
  // (u16) and its text.
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
