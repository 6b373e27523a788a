#include "common/thread_shard.h"

#include <gtest/gtest.h>

#include <set>
#include <thread>

namespace souvenir {
namespace {

TEST(ThreadShardTest, AThreadKeepsItsShard) {
  const size_t shard = ThreadShard();
  EXPECT_LT(shard, kThreadShards);
  EXPECT_EQ(ThreadShard(), shard);
}

TEST(ThreadShardTest, ThreadsAreDealtOutOverAllShards) {
  std::set<size_t> shards;
  for (size_t i = 0; i < kThreadShards; ++i) {
    std::thread([&] { shards.insert(ThreadShard()); }).join();
  }
  EXPECT_EQ(shards.size(), kThreadShards);
}

}  // namespace
}  // namespace souvenir
