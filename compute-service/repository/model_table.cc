#include "compute-service/repository/model_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <utility>

#include "common/name_list.h"

namespace souvenir::compute {
namespace {

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

absl::Status ModelTable::NotFound(std::string_view name) const {
  const Models all = All();  // the names are compared without the lock
  NameList names(name);
  bool serves = false;
  for (auto model = all.begin(); model != all.end(); ++model) {
    if ((*model)->name() == name) {
      serves = true;
    } else if (model == all.begin() || (*model)->name() != (*std::prev(model))->name()) {
      names.Add((*model)->name());
    }
  }
  // Until the next look at the repository, a model whose folder has gone is still in the table.
  return absl::NotFoundError(
      serves ? fmt::format("model '{}' has gone from the repository; there are: {}", names.word(),
                           names.Text())
             : fmt::format("there is no model '{}'; there are: {}", names.word(), names.Text()));
}

absl::StatusOr<std::shared_ptr<ServedModel>> ModelTable::Find(std::string_view name,
                                                              std::string_view version) const {
  const Models versions = Versions(name);
  if (versions.empty()) return NotFound(name);
  if (version.empty()) {
    const auto serving = std::find_if(versions.rbegin(), versions.rend(),
                                      [](const auto& model) { return model->can_be_asked(); });
    return serving != versions.rend() ? *serving : versions.back();
  }
  NameList there(version);
  for (const auto& model : versions) {
    if (version == model->version()) return model;
    there.Add(model->version());
  }
  return absl::NotFoundError(fmt::format("model '{}' has no version '{}'; there is version {}",
                                         name, there.word(), there.Text()));
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
