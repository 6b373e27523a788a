#include "compute-service/pool/instance_sizer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>

namespace souvenir::compute {
namespace {

// Simulates a model that always or never has waiting requests, on a machine with `processors`.
class Simulation {
 public:
  using Speed = std::function<double(int)>;  // rows per second by number of instances

  Simulation(int most, int processors, Speed speed)
      : processors_(processors), speed_(std::move(speed)), sizer_({.most = most}) {}

  // Runs for `length`. Returns the number of instances at the end.
  int Run(absl::Duration length, bool busy, double foreign_load = 0) {
    constexpr absl::Duration kStep = absl::Milliseconds(250);
    for (absl::Duration end = now_ + length; now_ < end; now_ += kStep) {
      const int instances = sizer_.instances();
      if (busy) rows_ += speed_(instances) * absl::ToDoubleSeconds(kStep);
      largest_ =
          std::max(largest_, sizer_.Next({.now = now_,
                                          .rows = static_cast<uint64_t>(rows_),
                                          .waiting = busy ? 10u : 0u,
                                          .running = busy ? static_cast<size_t>(instances) : 0u,
                                          .foreign_load = foreign_load,
                                          .processors = processors_}));
    }
    return sizer_.instances();
  }

  int largest() const { return largest_; }

 private:
  const int processors_;
  const Speed speed_;
  InstanceSizer sizer_;
  absl::Duration now_;
  double rows_ = 0;
  int largest_ = 1;
};

TEST(InstanceSizerTest, AnIdleModelHasOne) {
  Simulation model(8, 8, [](int n) { return 100.0 * n; });
  EXPECT_EQ(model.Run(absl::Hours(1), /*busy=*/false), 1);
}

TEST(InstanceSizerTest, OneThatGetsFasterGetsAllThatMayBe) {
  Simulation model(8, 8, [](int n) { return 100.0 * n; });
  EXPECT_EQ(model.Run(absl::Minutes(1), true), 8);
}

TEST(InstanceSizerTest, OneThatIsLimitedByAnotherThingStopsThere) {
  Simulation model(8, 8, [](int n) { return 100.0 * std::min(n, 3); });
  EXPECT_EQ(model.Run(absl::Minutes(5), true), 3);
  EXPECT_EQ(model.largest(), 4);  // the step was tried and taken back
}

TEST(InstanceSizerTest, OneThatOnlyGetsSlowerStaysAtOne) {
  Simulation model(8, 8, [](int n) { return 100.0 / n; });
  EXPECT_EQ(model.Run(absl::Minutes(5), true), 1);
  EXPECT_EQ(model.largest(), 2);
}

TEST(InstanceSizerTest, AStepThatWasTakenBackIsTriedAgainMuchLater) {
  double shared = 1;  // capacity that all instances share
  Simulation model(4, 4, [&](int n) { return 100.0 * std::min<double>(n, shared); });
  EXPECT_EQ(model.Run(absl::Minutes(5), true), 1);
  shared = 4;
  EXPECT_EQ(model.Run(absl::Minutes(1), true), 1);
  EXPECT_EQ(model.Run(absl::Minutes(15), true), 4);
}

TEST(InstanceSizerTest, SlowRowsAreNoMeasurementAndGetAllThatMayBe) {
  Simulation model(4, 4, [](int) { return 0.5; });
  EXPECT_EQ(model.Run(absl::Minutes(1), true), 4);
}

TEST(InstanceSizerTest, AnOverloadedMachineIsNotLoadedMore) {
  Simulation model(8, 4, [](int n) { return 100.0 * n; });
  EXPECT_EQ(model.Run(absl::Minutes(1), true, /*foreign_load=*/8), 1);
  EXPECT_EQ(model.Run(absl::Minutes(1), true, /*foreign_load=*/6), 2);
  EXPECT_EQ(model.Run(absl::Minutes(20), true, /*foreign_load=*/4), 4);
}

TEST(InstanceSizerTest, InstancesThatAreNotNeededEndOneByOne) {
  Simulation model(4, 4, [](int n) { return 100.0 * n; });
  EXPECT_EQ(model.Run(absl::Minutes(1), true), 4);
  EXPECT_EQ(model.Run(absl::Seconds(59), false), 4);
  EXPECT_EQ(model.Run(absl::Seconds(2), false), 3);
  EXPECT_EQ(model.Run(absl::Minutes(10), false), 1);
}

TEST(InstanceSizerTest, StaysWithinItsBoundsWhateverComes) {
  std::mt19937 random(3);
  for (int round = 0; round < 50; ++round) {
    const int most = 1 + round % 6;
    InstanceSizer sizer({.most = most});
    absl::Duration now;
    uint64_t rows = 0;
    for (int i = 0; i < 2000; ++i) {
      now += absl::Milliseconds(random() % 2000);
      rows += random() % 500;
      const int instances = sizer.Next({.now = now,
                                        .rows = rows,
                                        .waiting = random() % 3,
                                        .running = random() % 7,
                                        .foreign_load = static_cast<double>(random() % 8),
                                        .processors = 1 + static_cast<int>(random() % 8)});
      ASSERT_GE(instances, 1);
      ASSERT_LE(instances, most);
    }
  }
}

}  // namespace
}  // namespace souvenir::compute
