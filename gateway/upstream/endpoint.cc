#include "gateway/upstream/endpoint.h"

#include <algorithm>

#include "gateway/upstream/model_digest.h"

namespace souvenir::gateway {

ReadyModels::ReadyModels(const souvenir::state::v1::KnownModels& described) {
  for (const souvenir::state::v1::KnownModel& model : described.models()) {
    if (IsReady(model)) by_model_[model.name()].push_back({model.version(), DigestOf(model)});
  }
}

ReadyModels::Match ReadyModels::Find(const Wanted& wanted) const {
  const auto found = by_model_.find(wanted.model);
  if (found == by_model_.end()) return Match::kNo;
  Match best = wanted.any_version ? Match::kOtherDigest : Match::kNo;
  for (const Version& version : found->second) {
    if (version.version != wanted.version) continue;
    best = std::max(best, version.digest == wanted.digest ? Match::kSame : Match::kOtherDigest);
  }
  return best;
}

}  // namespace souvenir::gateway
