#include "compute-service/backends/pytorch/forward_effects.h"

#include <torch/csrc/jit/ir/alias_analysis.h>
#include <torch/csrc/jit/passes/inliner.h>

#include <algorithm>
#include <memory>
#include <vector>

namespace souvenir::compute {
namespace {

using torch::jit::Graph;
using torch::jit::Node;
using torch::jit::Value;

// Calls `visit` for each node of the block and of the blocks in it.
template <typename Visit>
void ForEachNode(torch::jit::Block* block, const Visit& visit) {
  for (Node* node : block->nodes()) {
    visit(node);
    for (torch::jit::Block* inner : node->blocks()) ForEachNode(inner, visit);
  }
}

// Returns the path of the attribute that `value` is, as "layer.weight"; nullopt if it is none.
std::optional<std::string> AttributePath(const Graph& graph, const Value* value) {
  if (value == graph.inputs().at(0)) return "";  // the model itself
  const Node* node = value->node();
  if (node->kind() != c10::prim::GetAttr) return std::nullopt;
  std::optional<std::string> owner = AttributePath(graph, node->input(0));
  if (!owner) return std::nullopt;
  return (owner->empty() ? "" : *owner + ".") + node->s(c10::attr::name);
}

// Returns the values that `node` writes to according to its schema.
std::vector<const Value*> Written(const Node& node) {
  if (node.kind() == c10::prim::SetAttr) return {node.input(0)};
  std::vector<const Value*> written;
  const c10::FunctionSchema* schema = node.maybeSchema();
  if (schema == nullptr) return written;
  const size_t arguments = std::min(schema->arguments().size(), node.inputs().size());
  for (size_t i = 0; i < arguments; ++i) {
    const c10::AliasInfo* alias = schema->arguments()[i].alias_info();
    if (alias != nullptr && alias->isWrite()) written.push_back(node.input(i));
  }
  return written;
}

// Returns the attribute that `node` changes directly; nullopt if there is none.
std::optional<std::string> ChangedAttribute(const Graph& graph, const Node& node) {
  for (const Value* value : Written(node)) {
    std::optional<std::string> path = AttributePath(graph, value);
    if (!path) continue;  // not an attribute
    if (node.kind() == c10::prim::SetAttr) {
      return (path->empty() ? "" : *path + ".") + node.s(c10::attr::name);
    }
    return path;
  }
  return std::nullopt;
}

// Returns true if an argument of `node` may be reachable after the call. That is so if it goes into
// a list, a dictionary or an object that this call may not have created, if another tensor shares
// its storage, or if it goes to an asynchronous task.
bool MayKeep(const Node& node) {
  if (node.kind() == c10::prim::fork || node.kind() == c10::aten::set_) return true;
  const std::vector<const Value*> written = Written(node);
  return std::any_of(written.begin(), written.end(), [](const Value* value) {
    if (value->type()->kind() == c10::TypeKind::TensorType) return false;
    const c10::Symbol made_by = value->node()->kind();
    return made_by != c10::prim::ListConstruct && made_by != c10::prim::DictConstruct &&
           made_by != c10::prim::CreateObject;
  });
}

}  // namespace

ForwardEffects EffectsOfForward(const torch::jit::Module& module) {
  // Inline() changes a copy of the graph, because the model runs the original.
  const std::shared_ptr<Graph> graph = module.get_method("forward").graph()->copy();
  torch::jit::Inline(*graph);
  const torch::jit::AliasDb aliases(graph);

  ForwardEffects effects;
  effects.may_touch_inputs =
      std::any_of(graph->inputs().begin() + 1, graph->inputs().end(),
                  [&](const Value* input) { return aliases.hasWriters(input); });
  ForEachNode(graph->block(), [&](Node* node) {
    if (!effects.changes_attribute) effects.changes_attribute = ChangedAttribute(*graph, *node);
    if (MayKeep(*node)) effects.may_touch_inputs = true;
  });
  return effects;
}

}  // namespace souvenir::compute
