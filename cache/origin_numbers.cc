#include "cache/origin_numbers.h"

#include <fmt/format.h>

#include "cache/entry_codec.h"
#include "common/status_macros.h"

namespace souvenir::cache {
namespace {

// With lengths, so that names do not run together.
std::string NameOf(const Origin::Fields& origin) {
  return fmt::format("{} {} {} {}{}{}{}", origin.tenant.size(), origin.model.size(),
                     origin.version.size(), origin.tenant, origin.model, origin.version,
                     origin.digest);
}

}  // namespace

absl::Status OriginNumbers::Restore(uint32_t number, std::string_view bytes) {
  if (number >= kMost) return absl::DataLossError("an origin that nobody numbered");
  SOUVENIR_ASSIGN_OR_RETURN(Origin::Fields fields, DecodeOrigin(number, bytes));
  MutexLock lock(&mutex_);
  if (origins_.size() <= number) origins_.resize(number + 1);
  numbers_.insert_or_assign(NameOf(fields), number);
  origins_[number] = Origin::Create(std::move(fields));
  return absl::OkStatus();
}

std::optional<uint32_t> OriginNumbers::NumberOf(const Origin& origin) {
  std::string name = NameOf(origin.fields());
  MutexLock lock(&mutex_);
  const auto found = numbers_.find(name);
  if (found != numbers_.end()) return found->second;
  if (origins_.size() >= kMost) return std::nullopt;
  const auto number = static_cast<uint32_t>(origins_.size());
  origins_.push_back(Origin::Create(origin.fields()));
  numbers_.emplace(std::move(name), number);
  unsaved_.push_back(number);
  return number;
}

std::vector<std::pair<uint32_t, std::string>> OriginNumbers::Unsaved() const {
  std::vector<std::pair<uint32_t, std::string>> unsaved;
  MutexLock lock(&mutex_);
  for (const uint32_t number : unsaved_) {
    unsaved.emplace_back(number, EncodeOrigin(number, origins_[number]->fields()));
  }
  return unsaved;
}

void OriginNumbers::Saved() {
  MutexLock lock(&mutex_);
  unsaved_.clear();
}

OriginPtr OriginNumbers::Get(uint32_t number) const {
  MutexLock lock(&mutex_);
  return number < origins_.size() ? origins_[number] : nullptr;
}

}  // namespace souvenir::cache
