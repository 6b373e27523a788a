#include "cache/tiered_cache.h"

#include <algorithm>
#include <utility>

#include "common/status_macros.h"

namespace souvenir::cache {
namespace {

// A sweep looks at every entry of the memory tier. It therefore has a low priority, and a pause
// between two sweeps however many invalidations there are.
constexpr int kSweeperNice = 10;
constexpr absl::Duration kLeastSweepPause = absl::Seconds(1);
constexpr absl::Duration kUntilPoked = absl::Hours(24);

// The disk tier's origins may take one part in kOriginShare of the memory of both tiers, or
// kLeastOriginBytes if that is more.
constexpr uint64_t kOriginShare = 8;
constexpr uint64_t kLeastOriginBytes = 1u << 20;

EpochSlot SlotOf(const Invalidation& what) {
  struct SlotOf {
    EpochSlot operator()(const InvalidateKey& key) { return EpochTable::Key(key.key); }
    EpochSlot operator()(const InvalidateTag& tag) { return EpochTable::Tag(tag.tag); }
    EpochSlot operator()(const InvalidateModel& model) { return EpochTable::Model(model.model); }
    EpochSlot operator()(const InvalidateTenant& tenant) {
      return EpochTable::Tenant(tenant.tenant);
    }
    EpochSlot operator()(const InvalidateAll&) { return EpochTable::All(); }
  };
  return std::visit(SlotOf{}, what);
}

}  // namespace

absl::StatusOr<std::unique_ptr<TieredCache>> TieredCache::Create(const Options& options) {
  MemoryTier::Options memory_options = options.memory;
  if (options.disk) {
    const uint64_t disk =
        std::min<uint64_t>(DiskTier::MemoryBytes(*options.disk), memory_options.limit_bytes / 4);
    memory_options.limit_bytes -= disk;
  }
  SOUVENIR_ASSIGN_OR_RETURN(std::unique_ptr<MemoryTier> memory, MemoryTier::Create(memory_options));
  auto epochs = std::make_unique<EpochTable>();
  std::unique_ptr<DiskTier> disk;
  if (options.disk) {
    DiskTier::Options disk_options = *options.disk;
    disk_options.clock = options.clock;
    disk_options.most_origin_bytes =
        std::max<uint64_t>(kLeastOriginBytes, options.memory.limit_bytes / kOriginShare);
    SOUVENIR_ASSIGN_OR_RETURN(disk, DiskTier::Open(disk_options, epochs.get()));
  }
  return std::unique_ptr<TieredCache>(
      new TieredCache(std::move(epochs), std::move(memory), std::move(disk), options.clock));
}

TieredCache::TieredCache(std::unique_ptr<EpochTable> epochs, std::unique_ptr<MemoryTier> memory,
                         std::unique_ptr<DiskTier> disk, Clock* clock)
    : epochs_(std::move(epochs)),
      memory_(std::move(memory)),
      disk_(std::move(disk)),
      sweeper_(
          {.name = "sweeper",
           .nice = kSweeperNice,
           .least_pause = kLeastSweepPause,
           .clock = clock},
          [this] {
            memory_->EraseIf([this](const Entry& entry) { return !entry.IsCurrent(*epochs_); });
            origins_.Sweep();
            if (disk_ != nullptr) disk_->SweepOrigins();
            return kUntilPoked;
          }) {}

EntryPtr TieredCache::LookupMemory(const Fingerprint& key) {
  EntryPtr entry = memory_->Lookup(key);
  return entry != nullptr && entry->IsCurrent(*epochs_) ? entry : nullptr;
}

EntryPtr TieredCache::Promote(EntryPtr entry) {
  if (entry == nullptr || !entry->IsCurrent(*epochs_)) return nullptr;
  memory_->Insert(entry);
  return entry;
}

SegmentStore::Presence TieredCache::ProbeDisk(const Fingerprint& key, EntryPtr* entry) {
  if (disk_ == nullptr) return SegmentStore::Presence::kAbsent;
  const SegmentStore::Presence presence = disk_->Probe(key, entry);
  if (presence != SegmentStore::Presence::kFound) return presence;
  *entry = Promote(std::move(*entry));
  return *entry != nullptr ? presence : SegmentStore::Presence::kAbsent;
}

EntryPtr TieredCache::ReadDisk(const Fingerprint& key) {
  return disk_ != nullptr ? Promote(disk_->Read(key)) : nullptr;
}

std::optional<DiskTier::Stats> TieredCache::disk_stats() const {
  if (disk_ == nullptr) return std::nullopt;
  return disk_->stats();
}

void TieredCache::Flush() {
  if (disk_ != nullptr) disk_->Flush();
}

void TieredCache::Insert(const EntryPtr& entry) {
  if (!entry->IsCurrent(*epochs_)) return;
  if (disk_ != nullptr) {
    disk_->Write(entry);
    memory_->Reserve(disk_->origin_bytes());
  }
  memory_->Insert(entry);
}

absl::Status TieredCache::Invalidate(const Invalidation& what) {
  const EpochSlot slot = SlotOf(what);
  MutexLock lock(&invalidate_mutex_);
  // The epoch is saved before it is used, see DiskTier::SaveEpoch().
  absl::Status saved;
  if (disk_ != nullptr) saved = disk_->SaveEpoch(slot, epochs_->Get(slot) + 1);
  epochs_->Advance(slot);
  // From here on no older entry is served or added. The rest only frees memory.
  if (const auto* key = std::get_if<InvalidateKey>(&what)) {
    memory_->Erase(key->key);
  } else {
    sweeper_.Poke();
  }
  return saved;
}

absl::Status TieredCache::Export(const std::function<bool(const Entry& entry)>& visit) {
  bool go_on = true;
  if (disk_ != nullptr) {
    disk_->Flush();
    SOUVENIR_RETURN_IF_ERROR(disk_->ForEach([&](const EntryPtr& entry) {
      if (entry->IsCurrent(*epochs_)) go_on = visit(*entry);
      return go_on;
    }));
  }
  memory_->ForEach([&](const Entry& entry) {
    if (!go_on || !entry.IsCurrent(*epochs_)) return;
    const EntryPtr on_disk = disk_ == nullptr ? nullptr : disk_->Read(entry.key);
    // The entries are the same if they have the same time. A comparison by newer and older would
    // fail after the clock was wrong.
    const bool has_come = on_disk != nullptr && on_disk->created_at() == entry.created_at();
    if (!has_come) go_on = visit(entry);
  });
  return absl::OkStatus();
}

bool TieredCache::Import(Entry::Fields fields, const EpochTable& epochs, absl::Time now) {
  EntryPtr known = LookupMemory(fields.key);
  if (known == nullptr && disk_ != nullptr) known = disk_->Read(fields.key);
  const auto date = [now](absl::Time created_at) {
    return created_at <= now ? created_at : absl::InfinitePast();
  };
  if (known != nullptr && date(known->created_at()) >= date(fields.created_at)) return false;

  EpochStamp stamp;
  epochs.Stamp({EpochTable::All(), fields.origin->tenant_slot(), fields.origin->model_slot(),
                EpochTable::Key(fields.key)},
               &stamp);
  for (const std::string& tag : fields.tags) epochs.Stamp({EpochTable::Tag(tag)}, &stamp);
  fields.epoch_sum = EpochSum(stamp);
  fields.origin = origins_.Find(fields.origin);
  const EntryPtr entry = Entry::Create(fields);
  if (!entry->IsCurrent(*epochs_)) return false;
  if (disk_ != nullptr) disk_->WriteWaiting(entry);
  memory_->Insert(entry);
  return true;
}

void TieredCache::Stop() {
  if (disk_ != nullptr) disk_->Stop();
}

}  // namespace souvenir::cache
