#include "gateway/catalog/catalog_merger.h"

#include <tuple>

#include "gateway/upstream/model_digest.h"

namespace souvenir::gateway {
namespace {

using souvenir::state::v1::KnownModel;
using souvenir::state::v1::KnownModels;

std::string PresentDigest(const CatalogSnapshot& present, const KnownModel& model) {
  const auto known = present.Find(model.name(), model.version());
  return known.ok() ? (*known)->digest : "";
}

}  // namespace

void CatalogMerger::Look(const std::vector<Described>& endpoints) {
  std::map<ModelVersion, Ranks> seen;
  for (const Described& endpoint : endpoints) {
    if (endpoint.models == nullptr) continue;
    for (const KnownModel& model : endpoint.models->models()) {
      if (!IsReady(model)) continue;
      const ModelVersion version(model.name(), model.version());
      const std::string digest = DigestOf(model);
      const Ranks& before = ranks_[version];
      const auto known = before.find(digest);
      const uint64_t rank = known != before.end() ? known->second
                            : endpoint.from_start ? 0
                                                  : ++last_rank_;
      seen[version].emplace(digest, rank);
    }
  }
  // A digest that no endpoint has any more is forgotten. If it is loaded again, it is the newest.
  ranks_ = std::move(seen);
}

std::optional<KnownModels> CatalogMerger::Merge(const std::vector<Described>& endpoints,
                                                const CatalogSnapshot& present) {
  bool any_answers = false;
  for (const Described& endpoint : endpoints) any_answers |= endpoint.answers;
  if (!any_answers) return std::nullopt;
  std::vector<std::pair<bool, KnownModelsPtr>> merging;
  for (const Described& endpoint : endpoints)
    merging.emplace_back(endpoint.answers, endpoint.models);
  if (merging == merged_) return std::nullopt;
  merged_ = std::move(merging);
  Look(endpoints);

  // The greatest worth wins. In order of weight: the endpoint answers, the model is ready, its
  // digest was loaded later, the catalog has its digest, the model is described.
  using Worth = std::tuple<bool, bool, uint64_t, bool, bool>;
  struct Best {
    Worth worth;
    const KnownModel* model;
  };
  std::map<ModelVersion, Best> best;
  for (const Described& endpoint : endpoints) {
    if (endpoint.models == nullptr) continue;
    for (const KnownModel& model : endpoint.models->models()) {
      const ModelVersion version(model.name(), model.version());
      const std::string digest = DigestOf(model);
      const bool ready = IsReady(model);
      const Worth worth(endpoint.answers, ready, ready ? ranks_[version][digest] : 0,
                        digest == PresentDigest(present, model), model.has_metadata());
      const auto [at, added] = best.try_emplace(version, Best{worth, &model});
      if (!added && worth > at->second.worth) at->second = {worth, &model};
    }
  }
  KnownModels merged;
  for (const auto& [version, chosen] : best) *merged.add_models() = *chosen.model;
  return merged;
}

}  // namespace souvenir::gateway
