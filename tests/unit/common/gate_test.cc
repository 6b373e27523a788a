#include "common/gate.h"

#include <gtest/gtest.h>

#include <optional>
#include <thread>
#include <utility>

namespace souvenir {
namespace {

TEST(GateTest, CountsWhoIsInside) {
  Gate gate;
  EXPECT_EQ(gate.inside(), 0u);
  {
    const std::optional<Gate::Pass> first = gate.Enter();
    std::optional<Gate::Pass> second = gate.Enter();
    EXPECT_EQ(gate.inside(), 2u);
    const Gate::Pass moved = *std::move(second);
    second.reset();
    EXPECT_EQ(gate.inside(), 2u);
  }
  EXPECT_EQ(gate.inside(), 0u);
}

TEST(GateTest, AClosedGateLetsNobodyIn) {
  Gate gate;
  gate.Close();
  gate.Close();
  EXPECT_FALSE(gate.Enter().has_value());
  EXPECT_TRUE(gate.WaitUntilEmpty(absl::ZeroDuration()));
}

TEST(GateTest, WaitsForThoseInside) {
  Gate gate;
  std::optional<Gate::Pass> pass = gate.Enter();
  gate.Close();
  EXPECT_FALSE(gate.WaitUntilEmpty(absl::ZeroDuration()));
  EXPECT_FALSE(gate.WaitUntilEmpty(absl::Milliseconds(1)));
  std::thread leaver([&] { pass.reset(); });
  EXPECT_TRUE(gate.WaitUntilEmpty(absl::Minutes(1)));
  leaver.join();
}

}  // namespace
}  // namespace souvenir
