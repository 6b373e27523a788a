#include "common/published.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <memory>
#include <thread>
#include <vector>

#include "common/thread_shard.h"

namespace souvenir {
namespace {

// Calls `read` on a thread of each shard, one after the other.
template <typename Read>
void OnAllShards(Read read) {
  for (size_t i = 0; i < kThreadShards; ++i) std::thread(read).join();
}

TEST(PublishedTest, HoldsNothingAtFirst) {
  const Published<int> published;
  OnAllShards([&] { EXPECT_EQ(published.Get(), nullptr); });
}

TEST(PublishedTest, EveryThreadGetsWhatWasSetLast) {
  Published<int> published(std::make_shared<const int>(1));
  OnAllShards([&] { EXPECT_EQ(*published.Get(), 1); });
  published.Set(std::make_shared<const int>(2));
  OnAllShards([&] { EXPECT_EQ(*published.Get(), 2); });
}

TEST(PublishedTest, AReaderKeepsWhatItTook) {
  Published<int> published(std::make_shared<const int>(1));
  const std::shared_ptr<const int> taken = published.Get();
  published.Set(std::make_shared<const int>(2));
  EXPECT_EQ(*taken, 1);
}

TEST(PublishedTest, AValueEndsOnceNobodyHasIt) {
  auto value = std::make_shared<const int>(1);
  const std::weak_ptr<const int> watch = value;
  Published<int> published(std::move(value));
  std::shared_ptr<const int> taken = published.Get();
  published.Set(nullptr);
  EXPECT_FALSE(watch.expired());
  taken.reset();
  EXPECT_TRUE(watch.expired());
}

// A value whose destructor reads the published value would deadlock if it ran under a lock.
TEST(PublishedTest, AValueEndsOutsideTheLocks) {
  struct Value {
    ~Value() {
      OnAllShards([this] { seen += published->Get() != nullptr ? 1 : 0; });
    }
    const Published<Value>* published = nullptr;
    std::atomic<int>& seen;
  };
  std::atomic<int> seen{0};
  Published<Value> published;
  auto value = std::make_shared<const Value>(&published, seen);
  published.Set(std::move(value));
  published.Set(nullptr);
  EXPECT_EQ(seen, 0);  // it was destroyed after no shard had it any more
}

TEST(PublishedTest, AReaderNeverGoesBack) {
  constexpr int kSets = 5000;
  Published<int> published(std::make_shared<const int>(0));
  std::latch reading(3);
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      reading.count_down();
      int last = 0;
      while (last < kSets) {
        const int now = *published.Get();
        ASSERT_GE(now, last);
        last = now;
      }
    });
  }
  reading.wait();
  for (int i = 1; i <= kSets; ++i) published.Set(std::make_shared<const int>(i));
  for (std::thread& reader : readers) reader.join();
}

}  // namespace
}  // namespace souvenir
