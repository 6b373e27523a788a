#include "cache/origin_table.h"

#include <fmt/format.h>

#include <utility>

namespace souvenir::cache {

OriginPtr OriginTable::Get(Origin::Fields fields) {
  // With lengths, so that names do not run together.
  std::string name = fmt::format("{} {} {} {}{}{}{}", fields.tenant.size(), fields.model.size(),
                                 fields.version.size(), fields.tenant, fields.model, fields.version,
                                 fields.digest);
  MutexLock lock(&mutex_);
  OriginPtr& origin = origins_[std::move(name)];
  if (origin != nullptr) return origin;
  origin = Origin::Create(std::move(fields));
  OriginPtr made = origin;
  if (origins_.size() > next_sweep_) {
    // Those that no entry has any more are forgotten, before they are too many.
    absl::erase_if(origins_, [](const auto& item) { return item.second->is_unique(); });
    next_sweep_ = 2 * origins_.size() + 64;
  }
  return made;
}

}  // namespace souvenir::cache
