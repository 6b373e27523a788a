#include "compute-service/pool/queue_bytes.h"

#include <gtest/gtest.h>

#include <optional>
#include <utility>

namespace souvenir::compute {
namespace {

using Share = QueueBytes::Share;

TEST(QueueBytesTest, OneModelAloneFillsHalf) {
  QueueBytes all(100);
  QueueBytes::Part one(&all);
  QueueBytes::Part other(&all);
  std::optional<Share> first = one.Take(40);
  const std::optional<Share> second = one.Take(20);
  ASSERT_TRUE(first && second);
  EXPECT_FALSE(one.Take(1)) << "60 are held, and 40 are free";
  const std::optional<Share> third = other.Take(40);
  ASSERT_TRUE(third) << "another model finds room";
  EXPECT_EQ(all.held(), 100u);
  EXPECT_FALSE(other.Take(1));
  first.reset();
  EXPECT_EQ(all.held(), 60u);
  EXPECT_TRUE(one.Take(30));
}

TEST(QueueBytesTest, NoRequestIsAboveTheLimit) {
  QueueBytes all(100);
  QueueBytes::Part part(&all);
  EXPECT_FALSE(part.Take(101));
  EXPECT_FALSE(part.Take(UINT64_MAX));
  EXPECT_TRUE(part.Take(100));
  EXPECT_EQ(all.held(), 0u) << "the share was destroyed";
}

TEST(QueueBytesTest, AShareCountsOnceWhereverItIsMoved) {
  QueueBytes all(100);
  QueueBytes::Part part(&all);
  {
    Share kept;
    std::optional<Share> taken = part.Take(10);
    ASSERT_TRUE(taken);
    kept = *std::move(taken);
    const Share moved(std::move(kept));
    taken.reset();
    EXPECT_EQ(all.held(), 10u);
  }
  EXPECT_EQ(all.held(), 0u);
}

TEST(QueueBytesTest, WithoutALimitAllIsTaken) {
  QueueBytes::Part part(nullptr);
  EXPECT_TRUE(part.Take(UINT64_MAX));
}

}  // namespace
}  // namespace souvenir::compute
