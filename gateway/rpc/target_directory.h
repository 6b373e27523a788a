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

// The targets of plain requests: all outputs, no parameters, no tenant. Making one takes three
// hashes, more than all else that a hit does, and so they are made when the catalog changes.
//
// Owned by the gateway. Thread-safe.
class TargetDirectory {
 public:
  // Tells it of the catalog's models.
  void OnCatalog(const CatalogSnapshot& snapshot);

  // The target of a plain request; null for a model that the catalog had no more when it told us
  // last.
  TargetPtr FindPlain(const CatalogModel& model, bool versioned, bool by_rows) const;

 private:
  struct Plain {
    TargetPtr by_rows;
    TargetPtr whole;
  };
  // By model, and by the version asked for: "" or the model's own.
  using Targets = std::map<std::pair<const CatalogModel*, bool>, Plain>;

  Published<Targets> targets_{std::make_shared<const Targets>()};
};

}  // namespace souvenir::gateway
