#include "compute-service/repository/model_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>

namespace souvenir::compute {
namespace {

// Lists names for a message: as many as fit into a status that travels in a header.
template <typename Models>
std::string ListNames(const Models& models) {
  constexpr size_t kMostBytes = 1000;
  std::string list;
  size_t listed = 0;
  for (const auto& [name, model] : models) {
    if (list.size() + name.size() > kMostBytes) break;
    if (listed++ > 0) list += ", ";
    list += name;
  }
  if (listed < models.size()) list += fmt::format(" and {} more", models.size() - listed);
  return list.empty() ? "none" : list;
}

ModelTable::Models InOrder(const ModelsByVersion& versions) {
  ModelTable::Models models;
  for (const auto& [version, model] : versions) models.push_back(model);
  return models;
}

}  // namespace

size_t CountAsked(const ModelsByVersion& versions) {
  return static_cast<size_t>(std::count_if(versions.begin(), versions.end(), [](const auto& item) {
    return item.second != nullptr && item.second->can_be_asked();
  }));
}

absl::Status ModelTable::NotFoundError(std::string_view name) const {
  return absl::NotFoundError(fmt::format("there is no model '{}'; there are: {}",
                                         name.substr(0, 100), ListNames(models_)));
}

absl::Status ModelTable::NotFound(std::string_view name) const {
  MutexLock lock(&mutex_);
  return NotFoundError(name);
}

absl::StatusOr<std::shared_ptr<ServedModel>> ModelTable::Find(std::string_view name,
                                                              std::string_view version) const {
  MutexLock lock(&mutex_);
  const auto found = models_.find(name);
  if (found == models_.end() || found->second.versions.empty()) return NotFoundError(name);
  const ModelsByVersion& versions = found->second.versions;
  if (version.empty()) {
    const auto serving = std::find_if(versions.rbegin(), versions.rend(), [](const auto& model) {
      return model.second->can_be_asked();
    });
    return serving != versions.rend() ? serving->second : versions.rbegin()->second;
  }
  std::string there;
  for (const auto& [number, model] : versions) {
    if (version == model->version()) return model;
    there += (there.empty() ? "" : ", ") + model->version();
  }
  return absl::NotFoundError(fmt::format("model '{}' has no version '{}'; there is version {}",
                                         found->first, version.substr(0, 100), there));
}

ModelTable::Models ModelTable::All() const {
  Models all;
  MutexLock lock(&mutex_);
  for (const auto& [name, entry] : models_) {
    for (const auto& [version, model] : entry.versions) all.push_back(model);
  }
  return all;
}

ModelTable::Models ModelTable::Loaded() const {
  Models loaded;
  MutexLock lock(&mutex_);
  for (const auto& [name, entry] : models_) {
    for (const auto& [version, model] : entry.versions) {
      if (model->loaded()) loaded.push_back(model);
    }
  }
  return loaded;
}

ModelTable::Models ModelTable::Versions(std::string_view name) const {
  MutexLock lock(&mutex_);
  const auto found = models_.find(name);
  return found == models_.end() ? Models() : InOrder(found->second.versions);
}

ModelTable::Models ModelTable::TakeOver(const std::string& name, const Reading& reading) {
  Models leaving;
  MutexLock lock(&mutex_);
  const bool cancelled = reading.cancelled != nullptr && *reading.cancelled;
  if (const auto found = models_.find(name);
      cancelled || (found != models_.end() && found->second.reading > reading.number)) {
    for (const auto& [version, model] : reading.fresh) {
      const bool serves = found != models_.end() && found->second.versions.contains(version) &&
                          found->second.versions.at(version) == model;
      if (!serves) leaving.push_back(model);
    }
    return leaving;
  }
  Entry& entry = models_[name];
  entry.reading = reading.number;
  ModelsByVersion& served = entry.versions;
  const bool any_serves = CountAsked(served) > 0;
  for (const auto& [version, model] : reading.fresh) {
    std::shared_ptr<ServedModel>& present = served[version];
    if (present == model) continue;
    const bool keeps =
        !reading.usable.contains(version) &&
        ((present != nullptr && present->can_be_asked()) || (!reading.readable && any_serves));
    std::shared_ptr<ServedModel> leaves = keeps ? model : std::exchange(present, model);
    if (leaves != nullptr) leaving.push_back(std::move(leaves));
  }
  const auto asked = std::count_if(served.begin(), served.end(), [&](const auto& item) {
    return item.second != nullptr && reading.fresh.contains(item.first) &&
           item.second->can_be_asked();
  });
  // For each version of the reading that cannot be asked, an older version stays: the newest ones.
  auto lacking = static_cast<int64_t>(reading.fresh.size()) - asked;
  std::set<int64_t> staying;
  for (auto item = served.rbegin(); item != served.rend() && lacking > 0; ++item) {
    const auto& [version, model] = *item;
    if (!reading.older.contains(version) || model == nullptr || !model->can_be_asked()) continue;
    staying.insert(version);
    --lacking;
  }
  std::erase_if(served, [&](const auto& item) {
    const auto& [version, model] = item;
    const bool gone = model == nullptr || (reading.readable && !reading.fresh.contains(version) &&
                                           !staying.contains(version));
    if (gone && model != nullptr) leaving.push_back(model);
    return gone;
  });
  return leaving;
}

bool ModelTable::Lacks(const std::string& name, size_t wanted) const {
  MutexLock lock(&mutex_);
  const auto found = models_.find(name);
  return found != models_.end() && CountAsked(found->second.versions) < wanted;
}

bool ModelTable::Has(const std::string& name, int64_t version) const {
  MutexLock lock(&mutex_);
  const auto found = models_.find(name);
  return found != models_.end() && found->second.versions.contains(version);
}

bool ModelTable::Offer(const std::string& name, int64_t version, std::shared_ptr<ServedModel> model,
                       size_t wanted) {
  MutexLock lock(&mutex_);
  const auto found = models_.find(name);
  if (found == models_.end() || CountAsked(found->second.versions) >= wanted) return false;
  return found->second.versions.emplace(version, std::move(model)).second;
}

ModelTable::Models ModelTable::Remove(const std::string& name) {
  MutexLock lock(&mutex_);
  const auto found = models_.find(name);
  if (found == models_.end()) return {};
  Models models = InOrder(found->second.versions);
  models_.erase(found);
  return models;
}

}  // namespace souvenir::compute
