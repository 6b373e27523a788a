#include "cache/memory/read_section.h"

#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <future>
#include <latch>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace souvenir::cache {
namespace {

// Returns true if objects that were unlinked before an era ended can be freed.
bool CanFree(uint64_t era) { return era < ReadSection::OldestEra(); }

TEST(ReadSectionTest, WhatIsRetiredWaitsForASectionThatMayHaveSeenIt) {
  uint64_t era;
  {
    const ReadSection section;
    ASSERT_TRUE(section.entered());
    era = ReadSection::EndEra();
    EXPECT_FALSE(CanFree(era));
  }
  EXPECT_TRUE(CanFree(era));
}

TEST(ReadSectionTest, ASectionThatBeginsLaterHoldsNothingUp) {
  const uint64_t era = ReadSection::EndEra();
  const ReadSection section;
  EXPECT_TRUE(CanFree(era));
  EXPECT_FALSE(CanFree(ReadSection::EndEra()));
}

TEST(ReadSectionTest, ErasFollowEachOther) {
  const uint64_t first = ReadSection::EndEra();
  EXPECT_GT(ReadSection::EndEra(), first);
}

// A thread that stays in a section until the test ends it.
class Reader {
 public:
  Reader() {
    thread_ = std::thread([this] {
      const ReadSection section;
      inside_.set_value();
      leave_.get_future().wait();
    });
    inside_.get_future().wait();
  }
  void Leave() {
    leave_.set_value();
    thread_.join();
  }

 private:
  std::promise<void> inside_;
  std::promise<void> leave_;
  std::thread thread_;
};

TEST(ReadSectionTest, TheOldestSectionOfAnyThreadDecides) {
  Reader first;
  const uint64_t first_era = ReadSection::EndEra();
  Reader second;
  const uint64_t second_era = ReadSection::EndEra();
  EXPECT_FALSE(CanFree(first_era));
  first.Leave();
  EXPECT_TRUE(CanFree(first_era));
  EXPECT_FALSE(CanFree(second_era));
  second.Leave();
  EXPECT_TRUE(CanFree(second_era));
}

TEST(ReadSectionTest, MoreThreadsThanThereArePlacesAreTurnedAwayUntilOthersEnd) {
  constexpr int kThreads = 300;
  std::latch all_tried(kThreads);
  std::atomic<int> entered{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      const ReadSection section;
      if (section.entered()) ++entered;
      all_tried.arrive_and_wait();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(entered, 200);
  EXPECT_LT(entered, kThreads);
  bool later = false;
  std::thread([&] { later = ReadSection().entered(); }).join();
  EXPECT_TRUE(later);
}

// A writer replaces an object that readers reach without a lock. It marks objects instead of
// freeing them, so that a reader that still uses one sees the mark.
TEST(ReadSectionTest, NothingIsFreedUnderAReader) {
  constexpr int kWrites = 50'000;
  struct Object {
    std::atomic<bool> freed{false};
  };
  std::vector<std::unique_ptr<Object>> objects;
  for (int i = 0; i <= kWrites; ++i) objects.push_back(std::make_unique<Object>());
  std::atomic<Object*> shared{objects.front().get()};
  std::atomic<bool> stop{false};
  std::latch reading(3);
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      reading.count_down();
      while (!stop) {
        const ReadSection section;
        const Object* const object = shared.load();
        for (int look = 0; look < 20; ++look) {
          if (object->freed) {
            ADD_FAILURE() << "an object was freed under its reader";
            return;
          }
        }
      }
    });
  }
  reading.wait();
  std::deque<std::pair<uint64_t, Object*>> retired;
  const auto free_some = [&] {
    for (; !retired.empty() && CanFree(retired.front().first); retired.pop_front()) {
      retired.front().second->freed = true;
    }
  };
  for (int i = 1; i <= kWrites; ++i) {
    Object* const old = shared.exchange(objects[static_cast<size_t>(i)].get());
    retired.emplace_back(ReadSection::EndEra(), old);
    free_some();
  }
  // All objects become free while readers go on. A reader delays that only during its section.
  while (!retired.empty()) {
    std::this_thread::yield();
    free_some();
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
}

}  // namespace
}  // namespace souvenir::cache
