#include "gateway/catalog/catalog.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "common/config/text_proto.h"
#include "common/logging/logging.h"
#include "common/name_list.h"
#include "common/status_detail.h"

namespace souvenir::gateway {
namespace {

using souvenir::state::v1::KnownModel;
using souvenir::state::v1::KnownModels;

constinit Logger log{"catalog"};
constinit LogLimit learned_limit;
constinit LogLimit file_limit;
// Servers that disagree on a digest cause this line with every call.
constinit LogLimit replaced_limit;

// Keeps the old description of each model that compute could not describe this time, because it is
// loading or broken. Its earlier answers can then still be found in the cache.
void KeepDescriptions(const CatalogSnapshot& before, KnownModels* models) {
  for (KnownModel& model : *models->mutable_models()) {
    if (model.has_metadata()) continue;
    const auto known = before.Find(model.name(), model.version());
    if (!known.ok()) continue;
    *model.mutable_metadata() = (*known)->known.metadata();
    *model.mutable_config() = (*known)->known.config();
  }
}

// Orders versions by number. Versions that are not numbers come first, in alphabetical order.
bool IsOlder(const CatalogModelPtr& a, const CatalogModelPtr& b) {
  const auto number = [](const std::string& version) {
    int64_t value = -1;
    std::from_chars(version.data(), version.data() + version.size(), value);
    return value;
  };
  return std::pair(number(a->version()), a->version()) <
         std::pair(number(b->version()), b->version());
}

// Returns a duration; numbers from 2^32 - 1 on (136 years) mean infinity. absl::Seconds() would
// take a number above 2^63 for a negative one.
absl::Duration Seconds(uint64_t seconds) {
  return seconds < UINT32_MAX ? absl::Seconds(seconds) : absl::InfiniteDuration();
}

void SetFreshness(const souvenir::config::v1::ModelPolicy& policy, FreshnessPolicy* freshness) {
  if (policy.ttl_seconds() > 0) freshness->ttl = Seconds(policy.ttl_seconds());
  if (policy.has_error_ttl_seconds()) freshness->error_ttl = Seconds(policy.error_ttl_seconds());
  freshness->stale_while_revalidate = Seconds(policy.stale_while_revalidate_seconds());
  freshness->stale_if_error = Seconds(policy.stale_if_error_seconds());
}

}  // namespace

const std::string& CatalogModel::parameter(const std::string& name) const {
  static const std::string none;
  const auto found = known.config().parameters().find(name);
  return found == known.config().parameters().end() ? none : found->second.string_value();
}

CatalogSnapshot::CatalogSnapshot(std::vector<CatalogModelPtr> models) : models_(std::move(models)) {
  std::sort(models_.begin(), models_.end(), [](const auto& a, const auto& b) {
    return a->name() != b->name() ? a->name() < b->name() : IsOlder(a, b);
  });
  for (const CatalogModelPtr& model : models_) by_name_[model->name()].push_back(model);
}

absl::StatusOr<CatalogModelPtr> CatalogSnapshot::Find(std::string_view name,
                                                      std::string_view version) const {
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) {
    NameList names(name);
    for (const auto& [known, versions] : by_name_) names.Add(known);
    if (names.empty()) {
      return absl::NotFoundError(fmt::format("no model '{}'; compute has none", names.word()));
    }
    return absl::NotFoundError(
        fmt::format("no model '{}'; there are: {}", names.word(), names.Text()));
  }
  const std::vector<CatalogModelPtr>& versions = found->second;
  if (version.empty()) {
    const auto newest = std::find_if(versions.rbegin(), versions.rend(),
                                     [](const CatalogModelPtr& model) { return model->ready(); });
    return newest != versions.rend() ? *newest : versions.back();
  }
  NameList known(version);
  for (const CatalogModelPtr& model : versions) {
    if (model->version() == version) return model;
    known.Add(model->version());
  }
  return absl::NotFoundError(fmt::format("no version '{}' of model '{}'; there are: {}",
                                         known.word(), name, known.Text()));
}

Catalog::Catalog(const Options& options)
    : options_(options),
      snapshot_(std::make_shared<CatalogSnapshot>(std::vector<CatalogModelPtr>())) {
  if (options_.file.empty()) return;
  KnownModels kept;
  const absl::Status read = ReadTextProto(options_.file, &kept);
  if (read.ok()) {
    log.Info("the catalog was read from its file", {{"models", kept.models_size()}});
    Publish(kept);
  } else if (!absl::IsNotFound(read)) {
    log.Warning("the catalog's file cannot be read: starting without it",
                {{"reason", read.ToString()}});
  }
}

absl::Status Catalog::CheckKnown() const {
  if (known()) return absl::OkStatus();
  return WithDetail(absl::UnavailableError(
                        "no model is known yet, because compute has never answered this gateway"),
                    fmt::format("compute at {} has never answered", options_.compute_address));
}

FreshnessPolicy Catalog::FreshnessOf(std::string_view model, std::string_view version) const {
  const std::shared_ptr<const CatalogSnapshot> models = snapshot();
  auto found = models->Find(model, version);
  if (!found.ok()) found = models->Find(model, "");
  if (found.ok()) return (*found)->freshness;
  FreshnessPolicy freshness;
  const auto policy = options_.policies.find(std::string(model));
  if (policy != options_.policies.end()) SetFreshness(policy->second, &freshness);
  return freshness;
}

void Catalog::Listen(Listener listener) {
  listener(*snapshot());
  MutexLock lock(&mutex_);
  listeners_.push_back(std::move(listener));
}

void Catalog::Update(KnownModels models) {
  KeepDescriptions(*snapshot(), &models);
  std::sort(models.mutable_models()->begin(), models.mutable_models()->end(),
            [](const KnownModel& a, const KnownModel& b) {
              return std::tie(a.name(), a.version()) < std::tie(b.name(), b.version());
            });
  {
    // Text is compared, because maps have no fixed order in the binary form.
    MutexLock lock(&mutex_);
    if (known_ && serialized_ == models.DebugString()) return;
  }
  log.Info(learned_limit, "models learned", {{"models", models.models_size()}});
  Publish(models);
  if (options_.file.empty()) return;
  const absl::Status written = WriteTextProto(options_.file, models);
  if (!written.ok()) {
    log.Error(file_limit, "the catalog's file cannot be written", {{"reason", written.ToString()}});
  }
}

std::vector<std::pair<std::string, std::shared_ptr<const ModelCounters>>> Catalog::counters()
    const {
  MutexLock lock(&mutex_);
  return {counters_.begin(), counters_.end()};
}

bool Catalog::was_known(std::string_view name) const {
  MutexLock lock(&mutex_);
  return names_.contains(name);
}

uint64_t Catalog::forgotten() const {
  MutexLock lock(&mutex_);
  return forgotten_;
}

void Catalog::NoteStale(const CatalogModel& model, std::string_view digest) {
  log.Info(replaced_limit, "a model was replaced", {{"model", model.name()}, {"digest", digest}});
  if (on_stale_) on_stale_();
}

void Catalog::Publish(const KnownModels& models) {
  std::vector<CatalogModelPtr> made;
  for (const KnownModel& known : models.models()) made.push_back(Make(known));
  auto snapshot = std::make_shared<const CatalogSnapshot>(std::move(made));
  snapshot_.Set(snapshot);
  ForgetNames(*snapshot);
  std::vector<Listener> listeners;
  {
    MutexLock lock(&mutex_);
    serialized_ = models.DebugString();
    known_ = true;
    listeners = listeners_;
  }
  for (const Listener& listener : listeners) listener(*snapshot);
  DropUnusedCounters();
}

void Catalog::ForgetNames(const CatalogSnapshot& present) {
  MutexLock lock(&mutex_);
  for (auto& [name, gone] : names_) {
    if (present.Has(name)) {
      gone_.erase(std::exchange(gone, 0));
    } else if (gone == 0) {
      gone = ++last_gone_;
      gone_.emplace(gone, name);
    }
  }
  while (gone_.size() > kMostGone) {
    names_.erase(gone_.begin()->second);
    gone_.erase(gone_.begin());
    ++forgotten_;
  }
}

void Catalog::DropUnusedCounters() {
  std::vector<std::shared_ptr<ModelCounters>> dropped;  // destroyed outside the lock
  MutexLock lock(&mutex_);
  for (auto at = counters_.begin(); at != counters_.end();) {
    // Models get their counters from here, under the lock. So if nobody else has these now, nobody
    // can count in them any more. A model that has gone but is still in use keeps its counters
    // until a later change of the catalog.
    if (at->second.use_count() == 1 && (!at->second->asked() || !names_.contains(at->first))) {
      dropped.push_back(std::move(at->second));
      at = counters_.erase(at);
    } else {
      ++at;
    }
  }
}

CatalogModelPtr Catalog::Make(const KnownModel& known) {
  auto model = std::make_shared<CatalogModel>();
  model->known = known;
  model->digest = DigestOf(known);
  model->unloaded = IsUnloaded(known);
  for (const auto& output : known.metadata().outputs()) model->outputs.push_back(output.name());
  std::sort(model->outputs.begin(), model->outputs.end());
  model->declared = DeclaredOutputs(known);
  model->cached = known.config().response_cache().enable();
  model->row_exact = model->parameter("row_exact") == "true";
  model->max_batch = known.config().max_batch_size();
  // The model refuses the same input each time, so a refusal can be cached like an answer.
  if (model->parameter("deterministic_errors") == "true") {
    model->freshness.error_ttl = absl::InfiniteDuration();
  }
  const auto policy = options_.policies.find(known.name());
  if (policy != options_.policies.end()) {
    if (policy->second.has_cache()) model->cached = policy->second.cache();
    if (policy->second.has_row_exact()) model->row_exact = policy->second.row_exact();
    SetFreshness(policy->second, &model->freshness);
  }
  MutexLock lock(&mutex_);
  names_.try_emplace(known.name(), 0);
  std::shared_ptr<ModelCounters>& counters = counters_[known.name()];
  if (counters == nullptr) counters = std::make_shared<ModelCounters>();
  model->counters = counters;
  return model;
}

}  // namespace souvenir::gateway
