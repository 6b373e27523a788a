#include "cache/origin_pool.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace souvenir::cache {
namespace {

OriginPtr OfTenant(int number) {
  return Origin::Create({"tenant " + std::to_string(number), "model", "1", "digest"});
}

TEST(OriginPoolTest, EqualOriginsAreOneObject) {
  OriginPool pool;
  const OriginPtr first = pool.Find(OfTenant(1));
  EXPECT_EQ(pool.Find(OfTenant(1)), first);
  EXPECT_NE(pool.Find(OfTenant(2)), first);
}

TEST(OriginPoolTest, WhatNobodyUsesIsDropped) {
  OriginPool pool;
  const OriginPtr used = pool.Find(OfTenant(-1));
  for (int i = 0; i < 100'000; ++i) pool.Find(OfTenant(i));
  EXPECT_LE(pool.size(), OriginPool::kLeast + 1);
  EXPECT_EQ(pool.Find(OfTenant(-1)), used);
  pool.Sweep();
  EXPECT_EQ(pool.size(), 1u);
}

TEST(OriginPoolTest, WhatIsUsedStays) {
  OriginPool pool;
  std::vector<OriginPtr> used;
  for (int i = 0; i < 10'000; ++i) used.push_back(pool.Find(OfTenant(i)));
  EXPECT_EQ(pool.size(), 10'000u);
  for (int i = 0; i < 10'000; ++i) EXPECT_EQ(pool.Find(OfTenant(i)), used[i]);
}

}  // namespace
}  // namespace souvenir::cache
