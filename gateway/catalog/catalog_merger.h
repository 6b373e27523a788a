#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gateway/catalog/catalog.h"
#include "souvenir/state/v1/catalog.pb.h"

namespace souvenir::gateway {

// Makes one catalog of what several endpoints have. A model is ready where any endpoint that
// answers has it ready; what only endpoints have that are away is as they last said, so that it is
// still found in the cache.
//
// Endpoints may differ for a while, as when they are replaced one after the other. The catalog then
// has the digest that was loaded last: the one that came into sight last, of those that are ready
// somewhere. What the endpoints had when they were first looked at came into sight together: of
// that, what the catalog has stays.
//
// Not thread-safe.
class CatalogMerger {
 public:
  struct Described {
    // What it said last; null where it has never answered.
    std::shared_ptr<const souvenir::state::v1::KnownModels> models;
    bool answers = false;  // it said so just now
    // It had that when it was first looked at, and had been there before us.
    bool from_start = false;
  };

  // Of all endpoints there are, in an order that stays. Nothing where none of them answers: what
  // was known before holds on.
  std::optional<souvenir::state::v1::KnownModels> Merge(const std::vector<Described>& endpoints,
                                                        const CatalogSnapshot& present);

 private:
  using ModelVersion = std::pair<std::string, std::string>;
  // By digest, when it came into sight: 0 is from the start.
  using Ranks = std::map<std::string, uint64_t>;

  void Look(const std::vector<Described>& endpoints);

  std::map<ModelVersion, Ranks> ranks_;
  uint64_t last_rank_ = 0;
};

}  // namespace souvenir::gateway
