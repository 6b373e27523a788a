#pragma once

#include <ATen/core/ivalue.h>  // before module.h, which clang cannot read without it in C++20
#include <torch/csrc/jit/api/module.h>

#include <optional>
#include <string>

namespace souvenir::compute {

// Side effects of a model's forward().
struct ForwardEffects {
  // Path of an attribute of the model that forward() changes; nullopt if none was found. Answers of
  // such a model depend on earlier requests, and its instances, which share the attribute, would
  // race. Only direct changes are found: an assignment, or an in-place operator on the attribute
  // itself.
  std::optional<std::string> changes_attribute;
  // True if forward() may write to its inputs, or keep them beyond the call. False is proven.
  bool may_touch_inputs = true;
};

// Analyses forward(). Throws the exceptions of libtorch. REQUIRES: `module` has a method forward().
ForwardEffects EffectsOfForward(const torch::jit::Module& module);

}  // namespace souvenir::compute
