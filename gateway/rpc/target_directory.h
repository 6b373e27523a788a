#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "common/published.h"
#include "gateway/catalog/catalog.h"
#include "gateway/resolve/target.h"

namespace souvenir::gateway {

// The targets of plain requests, which ask for all outputs without parameters or a tenant. Making a
// target takes three hashes, more than the rest of a hit, so targets are made when the catalog
// changes.
//
// Owned by the gateway. Thread-safe.
class TargetDirectory {
 public:
  // Replaces the targets by those of the models in `snapshot`.
  void OnCatalog(const CatalogSnapshot& snapshot);

  // Returns the target of a plain request; null if the model is not in the last snapshot.
  TargetPtr FindPlain(const CatalogModel& model, bool versioned, bool by_rows) const;

 private:
  struct Plain {
    TargetPtr by_rows;
    TargetPtr whole;
  };
  // Keyed by model, and by whether the request names the version.
  using Targets = std::map<std::pair<const CatalogModel*, bool>, Plain>;

  Published<Targets> targets_{std::make_shared<const Targets>()};
};

}  // namespace souvenir::gateway
