#include "cache/origin_numbers.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "cache/entry_codec.h"
#include "common/status_macros.h"

namespace souvenir::cache {
namespace {

// Returns a key for an origin. It contains the lengths, so that names cannot run together.
std::string NameOf(const Origin::Fields& origin) {
  return fmt::format("{} {} {} {}{}{}{}", origin.tenant.size(), origin.model.size(),
                     origin.version.size(), origin.tenant, origin.model, origin.version,
                     origin.digest);
}

// Counts the origin, a copy of its names, and its places in two tables that are half full.
uint64_t BytesOf(const Origin& origin) {
  const Origin::Fields& fields = origin.fields();
  return origin.charge() + 256 + fields.tenant.size() + fields.model.size() +
         fields.version.size() + fields.digest.size();
}

}  // namespace

void OriginNumbers::Add(uint32_t number, Numbered numbered) {
  numbers_.insert_or_assign(NameOf(numbered.origin->fields()), number);
  bytes_ += BytesOf(*numbered.origin);
  next_ = std::max<uint64_t>(next_, uint64_t{number} + 1);
  origins_.insert_or_assign(number, std::move(numbered));
}

absl::Status OriginNumbers::Restore(uint32_t number, std::string_view bytes, uint64_t segment,
                                    EpochsOf epochs) {
  SOUVENIR_ASSIGN_OR_RETURN(Origin::Fields fields, DecodeOrigin(number, bytes));
  MutexLock lock(&mutex_);
  if (origins_.size() >= kMost) return absl::DataLossError("too many origins");
  if (origins_.contains(number)) return absl::DataLossError("two origins with the same number");
  OriginPtr origin = Origin::Create(std::move(fields));
  const Use use = {.segment = segment, .epochs = epochs(*origin)};
  Add(number, {std::move(origin), use});
  return absl::OkStatus();
}

std::optional<uint32_t> OriginNumbers::NumberOf(const Origin& origin, Use use) {
  std::string name = NameOf(origin.fields());
  MutexLock lock(&mutex_);
  const auto found = numbers_.find(name);
  if (found != numbers_.end()) {
    Use& known = origins_.at(found->second).use;
    known = {std::max(known.segment, use.segment), std::max(known.epochs, use.epochs)};
    return found->second;
  }
  if (origins_.size() >= kMost || next_ > std::numeric_limits<uint32_t>::max() ||
      bytes_ + BytesOf(origin) > most_bytes_) {
    return std::nullopt;
  }
  const auto number = static_cast<uint32_t>(next_);
  Add(number, {Origin::Create(origin.fields()), use});
  unsaved_.push_back(number);
  return number;
}

std::vector<std::pair<uint32_t, std::string>> OriginNumbers::Unsaved() const {
  std::vector<std::pair<uint32_t, std::string>> unsaved;
  MutexLock lock(&mutex_);
  for (const uint32_t number : unsaved_) {
    unsaved.emplace_back(number, EncodeOrigin(number, origins_.at(number).origin->fields()));
  }
  return unsaved;
}

void OriginNumbers::Saved() {
  MutexLock lock(&mutex_);
  unsaved_.clear();
}

std::vector<uint32_t> OriginNumbers::DropUnused(uint64_t oldest_segment, EpochsOf epochs) {
  std::vector<uint32_t> dropped;
  MutexLock lock(&mutex_);
  for (const auto& [number, numbered] : origins_) {
    const Use& use = numbered.use;
    if (use.segment < oldest_segment || epochs(*numbered.origin) != use.epochs) {
      dropped.push_back(number);
    }
  }
  for (const uint32_t number : dropped) {
    const auto at = origins_.find(number);
    bytes_ -= BytesOf(*at->second.origin);
    const auto name = numbers_.find(NameOf(at->second.origin->fields()));
    if (name != numbers_.end() && name->second == number) numbers_.erase(name);
    std::erase(unsaved_, number);
    origins_.erase(at);
  }
  if (origins_.capacity() > 4 * (origins_.size() + 256)) {
    origins_.rehash(0);
    numbers_.rehash(0);
  }
  if (kept_ && *kept_ + uint64_t{1} < next_) dropped.push_back(*std::exchange(kept_, std::nullopt));
  const auto highest =
      std::find_if(dropped.begin(), dropped.end(),
                   [next = next_](uint32_t number) { return number + uint64_t{1} == next; });
  if (highest != dropped.end()) {
    kept_ = *highest;
    dropped.erase(highest);
  }
  return dropped;
}

bool OriginNumbers::HasLive(absl::FunctionRef<bool(const Origin&)> matches, EpochsOf epochs) const {
  MutexLock lock(&mutex_);
  return std::any_of(origins_.begin(), origins_.end(), [&](const auto& numbered) {
    const auto& [origin, use] = numbered.second;
    return matches(*origin) && epochs(*origin) == use.epochs;
  });
}

OriginPtr OriginNumbers::Get(uint32_t number) const {
  MutexLock lock(&mutex_);
  const auto found = origins_.find(number);
  return found != origins_.end() ? found->second.origin : nullptr;
}

size_t OriginNumbers::size() const {
  MutexLock lock(&mutex_);
  return origins_.size();
}

uint64_t OriginNumbers::bytes() const { return bytes_.load(std::memory_order_relaxed); }

}  // namespace souvenir::cache
