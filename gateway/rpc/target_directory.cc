#include "gateway/rpc/target_directory.h"

namespace souvenir::gateway {

void TargetDirectory::OnCatalog(const CatalogSnapshot& snapshot) {
  auto targets = std::make_shared<Targets>();
  for (const CatalogModelPtr& model : snapshot.models()) {
    for (const bool versioned : {false, true}) {
      const auto make = [&](bool by_rows) {
        return std::make_shared<const Target>(
            Target::Spec{.model = model,
                         .version = versioned ? model->version() : std::string(),
                         .by_rows = by_rows});
      };
      (*targets)[{model.get(), versioned}] = {make(true), make(false)};
    }
  }
  targets_.Set(std::move(targets));
}

TargetPtr TargetDirectory::FindPlain(const CatalogModel& model, bool versioned,
                                     bool by_rows) const {
  const std::shared_ptr<const Targets> targets = targets_.Get();
  const auto found = targets->find({&model, versioned});
  if (found == targets->end()) return nullptr;
  return by_rows ? found->second.by_rows : found->second.whole;
}

}  // namespace souvenir::gateway
