#include "common/gate.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "tests/fakes/manual_clock.h"

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
  gate.WaitUntilEmpty();
}

TEST(GateTest, WaitsForThoseInside) {
  Gate gate;
  std::optional<Gate::Pass> pass = gate.Enter();
  gate.Close();
  std::thread leaver([&] { pass.reset(); });
  gate.WaitUntilEmpty();
  EXPECT_EQ(gate.inside(), 0u);
  leaver.join();
}

TEST(GateTest, WaitsUntilTheDeadlineOfItsClock) {
  ManualClock clock;
  Gate gate;
  std::optional<Gate::Pass> pass = gate.Enter();
  gate.Close();
  const absl::Duration deadline = clock.Monotonic() + absl::Hours(1);
  std::thread timer([&] { clock.Advance(absl::Hours(1)); });
  EXPECT_FALSE(gate.WaitUntilEmpty(clock, deadline));
  timer.join();
  pass.reset();
  EXPECT_TRUE(gate.WaitUntilEmpty(clock, deadline));
}

TEST(GateTest, AClosedGateIsClosedToThreadsOfAllShardsAndOpensToAll) {
  Gate gate;
  const auto let_in = [&] {
    size_t count = 0;
    for (size_t i = 0; i < kThreadShards; ++i) {
      std::thread([&] { count += gate.Enter().has_value() ? 1 : 0; }).join();
    }
    return count;
  };
  EXPECT_EQ(let_in(), kThreadShards);
  gate.Close();
  EXPECT_EQ(let_in(), 0u);
  gate.Open();
  EXPECT_EQ(let_in(), kThreadShards);
}

TEST(GateTest, WhoWasInsideBeforeItOpenedAgainIsWaitedForWhenItCloses) {
  ManualClock clock;
  Gate gate;
  std::optional<Gate::Pass> before = gate.Enter();
  gate.Close();
  gate.Open();
  std::optional<Gate::Pass> after = gate.Enter();
  ASSERT_TRUE(after.has_value());
  EXPECT_EQ(gate.inside(), 2u);
  gate.Close();
  after.reset();
  EXPECT_FALSE(gate.WaitUntilEmpty(clock, clock.Monotonic()));
  before.reset();
  gate.WaitUntilEmpty();
}

TEST(GateTest, APassThatAnotherThreadGivesBackIsCountedWhereItWasTaken) {
  Gate gate;
  std::optional<Gate::Pass> pass = gate.Enter();
  gate.Close();
  std::thread([&] { pass.reset(); }).join();
  EXPECT_EQ(gate.inside(), 0u);
  gate.WaitUntilEmpty();
}

TEST(GateDeathTest, NobodyMayBeInsideWhenItIsDestroyed) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_DEATH(
      {
        auto gate = std::make_unique<Gate>();
        const std::optional<Gate::Pass> pass = gate->Enter();
        gate.reset();
      },
      "somebody is inside");
}

}  // namespace
}  // namespace souvenir
