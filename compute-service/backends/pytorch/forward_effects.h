#pragma once

#include <ATen/core/ivalue.h>  // before module.h, which clang cannot read without it in C++20
#include <torch/csrc/jit/api/module.h>

#include <optional>
#include <string>

namespace souvenir::compute {

// What a model's forward() does besides answering.
struct ForwardEffects {
  // An attribute of the model that it changes: its answers depend on what was asked before, and its
  // instances, which share it, would race. Only what is plain to see is found: an assignment, an
  // operator in place on the attribute itself.
  std::optional<std::string> changes_attribute;
  // Whether it may write to its inputs, or keep them beyond the call. False is a proof.
  bool may_touch_inputs = true;
};

// REQUIRES: `module` has a method forward(). May throw what libtorch throws.
ForwardEffects EffectsOfForward(const torch::jit::Module& module);

}  // namespace souvenir::compute
