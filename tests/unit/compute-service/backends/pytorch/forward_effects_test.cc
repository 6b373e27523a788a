#include "compute-service/backends/pytorch/forward_effects.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/csrc/jit/serialization/import.h>

#include <string>

#include "tests/fakes/temporary_directory.h"
#include "tests/unit/compute-service/backends/pytorch/scripted_file.h"

namespace souvenir::compute {
namespace {

ForwardEffects EffectsOf(const std::string& methods) {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/model.pt";
  SaveScripted(path, methods, {{"w", {1}, {1}}});
  return EffectsOfForward(torch::jit::load(path));
}

constexpr char kCallsAMethod[] =
    "def twice(self, x):\n  return x * 2\n"
    "def forward(self, x):\n  return self.twice(x) if bool(x.sum() > 0) else x\n";
constexpr char kHasAMethodWrite[] =
    "def change(self, z):\n  return z.neg_()\n"
    "def forward(self, x):\n  return self.change(x)\n";

// Such models get the request's bytes without a copy.
TEST(ForwardEffectsTest, AModelThatOnlyComputesTouchesNothing) {
  for (const char* methods :
       {"def forward(self, x, y):\n  return x + y * self.w\n",
        "def forward(self, x):\n  return x\n", "def forward(self, x):\n  return x.view(-1)\n",
        "def forward(self, x):\n  z = torch.zeros_like(x)\n  z += x\n  z[0] = 1.0\n  return z\n",
        "def forward(self, x):\n  d = {'a': x}\n  d['b'] = x + 1\n  return d\n",
        "def forward(self, x):\n  l = [x]\n  l.append(x + 1)\n  return torch.cat(l)\n",
        kCallsAMethod}) {
    const ForwardEffects effects = EffectsOf(methods);
    EXPECT_FALSE(effects.may_touch_inputs) << methods;
    EXPECT_EQ(effects.changes_attribute, std::nullopt) << methods;
  }
}

TEST(ForwardEffectsTest, WhatMayWriteToItsInputsOrKeepThemIsSeen) {
  for (const char* methods :
       {"def forward(self, x):\n  x.add_(1)\n  return x\n",
        "def forward(self, x):\n  x.view(-1)[0] = 1.0\n  return x\n",
        "def forward(self, x):\n  for t in [x]:\n    t.zero_()\n  return x\n",
        "def forward(self, x):\n  torch.add(x, 1, out=x)\n  return x\n", kHasAMethodWrite,
        "def forward(self, x):\n  l = [self.kept]\n  l[0].append(x)\n  return x\n",
        "def forward(self, x):\n  z = torch.empty(0)\n  z.set_(x)\n  return z\n"}) {
    const ForwardEffects effects = EffectsOf(methods);
    EXPECT_TRUE(effects.may_touch_inputs) << methods;
    EXPECT_EQ(effects.changes_attribute, std::nullopt) << methods;
  }
}

TEST(ForwardEffectsTest, AnAttributeThatIsChangedIsNamed) {
  for (const auto& [methods, name] : {
           std::pair("def forward(self, x):\n  self.count += 1\n  return x\n", "count"),
           std::pair("def forward(self, x):\n  self.w.mul_(2)\n  return x\n", "w"),
           std::pair("def forward(self, x):\n  if bool(x[0] > 0):\n    self.kept.append(x)\n"
                     "  return x\n",
                     "kept"),
       }) {
    EXPECT_EQ(EffectsOf(methods).changes_attribute, name);
  }
}

}  // namespace
}  // namespace souvenir::compute
