#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gateway/catalog/catalog.h"
#include "gateway/upstream/upstream.h"
#include "souvenir/state/v1/catalog.pb.h"

namespace souvenir::gateway {

// Merges the models of several endpoints into one catalog. A model is ready if an endpoint that
// answers has it ready. A model that only absent endpoints have keeps the description that they
// gave last, so that its answers are still found in the cache.
//
// Endpoints may differ for a while, for example during a rolling update. The catalog then has the
// digest that was loaded last: of those that are ready somewhere, the one that appeared last.
// Digests that endpoints had when they were first polled count as equally old; among them the one
// in the present catalog stays.
//
// Not thread-safe.
class CatalogMerger {
 public:
  struct Described {
    // Models that the endpoint described last; null if it has never answered.
    KnownModelsPtr models;
    bool answers = false;  // true if it answered the last poll
    // True if these are the models of the endpoint's first poll, and the endpoint existed before
    // the gateway started.
    bool from_start = false;
  };

  // Merges the models of all endpoints, which are given in the same order each time. `present` is
  // the present catalog. Returns nullopt, and the present catalog stays, if no endpoint answers or
  // nothing has changed since the last merge: descriptions are compared by their pointers.
  std::optional<souvenir::state::v1::KnownModels> Merge(const std::vector<Described>& endpoints,
                                                        const CatalogSnapshot& present);

 private:
  using ModelVersion = std::pair<std::string, std::string>;
  // The rank of each digest, which grows with the time of its appearance; 0 from the start.
  using Ranks = std::map<std::string, uint64_t>;

  // Updates the ranks of the digests that are ready somewhere.
  void Look(const std::vector<Described>& endpoints);

  // The previous input of Merge(): for each endpoint whether it answered, and its models.
  std::vector<std::pair<bool, KnownModelsPtr>> merged_;
  std::map<ModelVersion, Ranks> ranks_;
  uint64_t last_rank_ = 0;
};

}  // namespace souvenir::gateway
