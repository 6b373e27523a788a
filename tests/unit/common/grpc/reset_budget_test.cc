#include "common/grpc/reset_budget.h"

#include <gtest/gtest.h>

#include <vector>

namespace souvenir {
namespace {

constexpr uint32_t kRate = 10;
constexpr int kBurst = 40;

class ResetBudgetTest : public ::testing::Test {
 protected:
  // Returns the number of allowed resets out of `times`.
  int Allowed(const void* connection, int times) {
    int allowed = 0;
    for (int i = 0; i < times; ++i) allowed += budget_.Take(connection, now_, 1) ? 1 : 0;
    return allowed;
  }

  ResetBudget budget_{kRate};
  absl::Duration now_ = absl::Seconds(1000);
  const int one_ = 0;
  const int other_ = 0;
};

TEST_F(ResetBudgetTest, ABurstAndThenARate) {
  EXPECT_EQ(Allowed(&one_, 100), kBurst);
  now_ += absl::Seconds(2);
  EXPECT_EQ(Allowed(&one_, 100), 2 * kRate);
  now_ += absl::Hours(1);
  EXPECT_EQ(Allowed(&one_, 100), kBurst);
}

TEST_F(ResetBudgetTest, HalvesMakeAWhole) {
  for (int i = 0; i < 2 * kBurst; ++i) EXPECT_TRUE(budget_.Take(&one_, now_, 0.5)) << i;
  EXPECT_FALSE(budget_.Take(&one_, now_, 0.5));
}

TEST_F(ResetBudgetTest, AnOverdrawnConnectionIsToldOnce) {
  EXPECT_FALSE(budget_.TakeOverdrawn(&one_));
  budget_.Overdraw(&one_);
  budget_.Overdraw(&one_);
  EXPECT_FALSE(budget_.TakeOverdrawn(&other_));
  EXPECT_TRUE(budget_.TakeOverdrawn(&one_));
  EXPECT_FALSE(budget_.TakeOverdrawn(&one_));
  budget_.Overdraw(&one_);
  budget_.Begin(&one_, true);
  EXPECT_FALSE(budget_.TakeOverdrawn(&one_)) << "a new connection has its address";
}

TEST_F(ResetBudgetTest, EachConnectionHasItsOwn) {
  EXPECT_EQ(Allowed(&one_, 100), kBurst);
  EXPECT_EQ(Allowed(&other_, 100), kBurst);
}

TEST_F(ResetBudgetTest, AConnectionThatBeginsInheritsNothing) {
  EXPECT_EQ(Allowed(&one_, 100), kBurst);
  budget_.Begin(&one_, true);
  EXPECT_EQ(Allowed(&one_, 100), kBurst);
}

TEST_F(ResetBudgetTest, OurOwnConnectionsAreNotCounted) {
  budget_.Begin(&one_, false);
  EXPECT_EQ(Allowed(&one_, 10'000), 10'000);
  budget_.Begin(&one_, true);
  EXPECT_EQ(Allowed(&one_, 100), kBurst);
}

TEST_F(ResetBudgetTest, ConnectionsThatHaveGoneAreForgotten) {
  const std::vector<char> connections(100'000);
  size_t most = 0;
  for (const char& connection : connections) {
    EXPECT_TRUE(budget_.Take(&connection, now_, 1));
    now_ += absl::Milliseconds(1);  // the budget for a reset comes back in 100 ms
    most = std::max(most, budget_.connections());
  }
  EXPECT_LE(most, 2048);
}

}  // namespace
}  // namespace souvenir
