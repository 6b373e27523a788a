#pragma once

#include <string_view>

#include "absl/functional/function_ref.h"
#include "gateway/catalog/catalog.h"
#include "gateway/resolve/target.h"

namespace souvenir::gateway {

// Returns the engine of a model: the part of its name before the first "-".
inline std::string_view EngineOf(const CatalogModel& model) {
  return std::string_view(model.name()).substr(0, model.name().find('-'));
}

// Calls `take` with a target for each model whose parameter `task` is `task`, sorted by name, so
// that a choice among them is always the same. The version is the one that is used if a request
// names none. A model's state does not matter: earlier answers of a model that is loading or away
// can still be served, and compute refuses the rest with the reason.
void ForEachModelOf(const CatalogSnapshot& catalog, std::string_view task,
                    absl::FunctionRef<void(const TargetPtr&)> take);

// Returns the first of `candidates` that can be asked: one whose model is of `engine` ("" means
// any) and, unless there is no other, was not unloaded. Returns null if there is none.
// `target_of` returns the target of a candidate.
template <typename Candidates, typename TargetOf>
auto ChooseModel(const Candidates& candidates, std::string_view engine, const TargetOf& target_of)
    -> decltype(&*candidates.begin()) {
  decltype(&*candidates.begin()) unloaded = nullptr;
  for (const auto& candidate : candidates) {
    const CatalogModel& model = target_of(candidate)->model();
    if (!engine.empty() && EngineOf(model) != engine) continue;
    if (!model.unloaded) return &candidate;
    if (unloaded == nullptr) unloaded = &candidate;
  }
  return unloaded;
}

}  // namespace souvenir::gateway
