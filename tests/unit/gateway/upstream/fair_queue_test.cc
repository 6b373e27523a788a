#include "gateway/upstream/fair_queue.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

namespace souvenir::gateway {
namespace {

using ::testing::ElementsAre;
using Queue = FairQueue<std::string>;

// A queue whose items carry their names.
class FairQueueTest : public testing::Test {
 protected:
  // Returns 0 if there is no room.
  Queue::Id Push(const std::string& tenant, const std::string& name, int64_t priority = 0,
                 uint64_t rows = 1, const std::string& group = "g", const void* source = nullptr) {
    if (!queue_.HasRoom(tenant)) return 0;
    return queue_.Push({.tenant = tenant,
                        .priority = priority,
                        .group = group,
                        .rows = rows,
                        .bytes = name.size(),
                        .source = source,
                        .value = name},
                       now_);
  }
  std::vector<std::string> Pop(uint64_t rows = 1, uint64_t bytes = 1000) {
    return queue_.Pop({.rows = rows, .mixed_rows = rows, .bytes = bytes});
  }

  absl::Duration now_ = absl::Seconds(100);
  Queue queue_{{.limit = 100, .aging = absl::Seconds(1)}};
};

TEST_F(FairQueueTest, IsEmptyAtFirst) {
  EXPECT_TRUE(queue_.empty());
  EXPECT_EQ(queue_.Next(), nullptr);
  EXPECT_THAT(Pop(), ElementsAre());
}

TEST_F(FairQueueTest, KeepsATenantsOrder) {
  for (const char* name : {"1", "2", "3"}) Push("a", name);
  EXPECT_EQ(queue_.Next()->value, "1");
  EXPECT_THAT(Pop(10), ElementsAre("1", "2", "3"));
  EXPECT_TRUE(queue_.empty());
}

TEST_F(FairQueueTest, ALateTenantDoesNotWaitBehindAnothersQueue) {
  for (int i = 0; i < 40; ++i) Push("many", fmt::format("m{}", i));
  EXPECT_THAT(Pop(2), ElementsAre("m0", "m1"));
  Push("few", "f0");
  Push("few", "f1");
  EXPECT_THAT(Pop(4), ElementsAre("f0", "m2", "f1", "m3"));
}

TEST_F(FairQueueTest, ATenantThatComesAgainAtOnceHasNoTwoTurns) {
  for (int i = 0; i < 10; ++i) Push("many", fmt::format("m{}", i));
  std::vector<std::string> order;
  for (int i = 0; i < 4; ++i) {
    Push("one", fmt::format("o{}", i));
    for (const std::string& name : Pop(2)) order.push_back(name);
  }
  EXPECT_THAT(order, ElementsAre("m0", "o0", "m1", "o1", "m2", "o2", "m3", "o3"));
}

TEST_F(FairQueueTest, SharesByRows) {
  for (int i = 0; i < 20; ++i) Push("large", "l", 0, /*rows=*/4, "");
  for (int i = 0; i < 40; ++i) Push("small", "s", 0, /*rows=*/1, "");
  std::map<std::string, int> rows;
  for (int i = 0; i < 25; ++i) {
    const std::string name = Pop().front();
    rows[name] += name == "l" ? 4 : 1;
  }
  EXPECT_NEAR(rows["l"], rows["s"], 4);
}

TEST_F(FairQueueTest, UrgentItemsGoFirst) {
  Push("a", "later", /*priority=*/9);
  Push("a", "default");
  Push("a", "urgent", /*priority=*/1);
  EXPECT_THAT(Pop(), ElementsAre("urgent"));
  EXPECT_THAT(Pop(), ElementsAre("default"));
  EXPECT_THAT(Pop(), ElementsAre("later"));
}

TEST_F(FairQueueTest, NothingStarves) {
  Push("a", "default");
  now_ += absl::Seconds(4) + absl::Milliseconds(1);  // four levels
  Push("a", "urgent", /*priority=*/1);
  EXPECT_THAT(Pop(), ElementsAre("default"));
}

TEST_F(FairQueueTest, ABatchIsFilledWithLessUrgentItems) {
  Push("a", "default");
  Push("a", "urgent", /*priority=*/1);
  EXPECT_THAT(Pop(2), ElementsAre("urgent", "default"));
}

TEST_F(FairQueueTest, OnlyOneGroupLeavesTogether) {
  Push("a", "x1", 0, 1, "x");
  Push("b", "y1", 0, 1, "y");
  Push("c", "x2", 0, 1, "x");
  EXPECT_THAT(Pop(10), ElementsAre("x1", "x2"));
  EXPECT_THAT(Pop(10), ElementsAre("y1"));
}

TEST_F(FairQueueTest, WhatHasNoGroupLeavesAlone) {
  Push("a", "1", 0, 1, "");
  Push("a", "2", 0, 1, "");
  EXPECT_THAT(Pop(10), ElementsAre("1"));
}

TEST_F(FairQueueTest, ABatchIsBoundedByRowsAndBytes) {
  for (const char* name : {"aaaa", "bbbb", "cccc"}) Push("a", name);
  EXPECT_THAT(Pop(10, 8), ElementsAre("aaaa", "bbbb"));
  Push("a", "dddd", 0, 5);
  EXPECT_THAT(Pop(3), ElementsAre("cccc")) << "the next one has too many rows";
  EXPECT_THAT(Pop(1, 1), ElementsAre("dddd")) << "the first leaves whatever it has";
}

TEST_F(FairQueueTest, ARemovedItemDoesNotLeave) {
  Push("a", "1");
  const Queue::Id second = Push("a", "2");
  Push("a", "3");
  EXPECT_EQ(queue_.Remove(second), "2");
  EXPECT_EQ(queue_.Remove(second), std::nullopt);
  EXPECT_THAT(Pop(10), ElementsAre("1", "3"));
}

TEST_F(FairQueueTest, OneTenantCanFillHalfOfTheRoom) {
  int accepted = 0;
  while (Push("greedy", "g") != 0) ++accepted;
  EXPECT_EQ(accepted, 50);
  accepted = 0;
  while (Push("second", "s") != 0) ++accepted;
  EXPECT_EQ(accepted, 25);
  EXPECT_NE(Push("third", "t"), 0u);
}

TEST_F(FairQueueTest, RowsOfSeveralSourcesAreFewerTogether) {
  const int one = 0;
  const int other = 0;
  for (int i = 0; i < 4; ++i) Push("a", fmt::format("one{}", i), 0, 1, "g", &one);
  for (int i = 0; i < 4; ++i) Push("a", fmt::format("other{}", i), 0, 1, "g", &other);
  EXPECT_THAT(queue_.Pop({.rows = 8, .mixed_rows = 2, .bytes = 1000}),
              ElementsAre("one0", "one1", "one2", "one3"));
  Push("b", "third", 0, 1, "g", &one);
  EXPECT_THAT(queue_.Pop({.rows = 8, .mixed_rows = 2, .bytes = 1000}), ::testing::SizeIs(2));
}

TEST_F(FairQueueTest, ACallIsFilledWithWhatIsOldestByItsPriority) {
  Push("a", "low", /*priority=*/9);
  now_ += absl::Seconds(8) + absl::Milliseconds(1);
  for (int i = 0; i < 4; ++i) Push("a", fmt::format("high{}", i), /*priority=*/1);
  Push("b", "low too", /*priority=*/9);
  EXPECT_THAT(Pop(2), ElementsAre("low", "high0"));
}

// Items come and go at random. Each leaves once, and tenants that always wait have equal shares.
TEST_F(FairQueueTest, EveryItemLeavesOnce) {
  std::mt19937 random(7);
  Queue queue({.limit = 1000, .aging = absl::Seconds(1)});
  std::map<std::string, int> left;
  std::vector<std::pair<Queue::Id, std::string>> waiting;
  int made = 0;
  int removed = 0;
  for (int step = 0; step < 20'000; ++step) {
    now_ += absl::Milliseconds(random() % 10);
    switch (random() % 4) {
      case 0:
      case 1: {
        const std::string name = std::to_string(made);
        const std::string tenant = std::to_string(random() % 5);
        if (!queue.HasRoom(tenant)) break;
        const auto id = queue.Push({.tenant = tenant,
                                    .priority = static_cast<int64_t>(random() % 10),
                                    .group = random() % 8 == 0 ? "" : std::to_string(random() % 2),
                                    .rows = 1 + random() % 3,
                                    .value = name},
                                   now_);
        ++made;
        waiting.emplace_back(id, name);
        break;
      }
      case 2: {
        const size_t before = queue.size();
        const auto together = queue.Pop({.rows = 1 + random() % 8, .mixed_rows = 8, .bytes = 100});
        EXPECT_EQ(queue.size(), before - together.size());
        for (const std::string& name : together) ++left[name];
        break;
      }
      default: {
        if (waiting.empty()) break;
        const auto& [id, name] = waiting[random() % waiting.size()];
        if (const auto value = queue.Remove(id)) {
          EXPECT_EQ(*value, name);
          ++left[name];
          ++removed;
        }
        break;
      }
    }
  }
  while (!queue.empty()) {
    for (const std::string& name : queue.Pop({.rows = 8, .mixed_rows = 8, .bytes = 100}))
      ++left[name];
  }
  EXPECT_GT(removed, 100);
  EXPECT_EQ(left.size(), static_cast<size_t>(made));
  for (const auto& [name, times] : left) EXPECT_EQ(times, 1) << name;
}

}  // namespace
}  // namespace souvenir::gateway
