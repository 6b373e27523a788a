#include "gateway/language/model_choice.h"

#include <memory>

namespace souvenir::gateway {

void ForEachModelOf(const CatalogSnapshot& catalog, std::string_view task,
                    absl::FunctionRef<void(const TargetPtr&)> take) {
  for (const CatalogModelPtr& model : catalog.models()) {
    if (model->parameter("task") != task) continue;
    const auto chosen = catalog.Find(model->name(), "");
    if (!chosen.ok() || *chosen != model) continue;
    take(std::make_shared<const Target>(
        Target::Spec{.model = model, .by_rows = model->row_exact && model->max_batch > 0}));
  }
}

}  // namespace souvenir::gateway
