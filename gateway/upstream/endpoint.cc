#include "gateway/upstream/endpoint.h"

#include <algorithm>

#include "gateway/upstream/model_digest.h"

namespace souvenir::gateway {

EndpointModels::EndpointModels(const souvenir::state::v1::KnownModels& described) {
  for (const souvenir::state::v1::KnownModel& model : described.models()) {
    const bool loading = model.state() == "LOADING";
    if (!loading && !IsReady(model)) continue;
    by_model_[model.name()].push_back({model.version(), DigestOf(model), loading});
  }
}

EndpointModels::Match EndpointModels::Find(const Wanted& wanted) const {
  const auto found = by_model_.find(wanted.model);
  if (found == by_model_.end()) return Match::kNo;
  Match best = Match::kNo;
  for (const Version& version : found->second) {
    const bool same = version.version == wanted.version;
    if (!same && !wanted.any_version) continue;
    const Match match = version.loading                           ? Match::kLoading
                        : same && version.digest == wanted.digest ? Match::kSame
                                                                  : Match::kOtherDigest;
    best = std::max(best, match);
  }
  return best;
}

}  // namespace souvenir::gateway
