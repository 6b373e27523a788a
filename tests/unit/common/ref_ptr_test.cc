#include "common/ref_ptr.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <utility>
#include <vector>

namespace souvenir {
namespace {

// Counts its references, and records its end instead of freeing itself.
struct Object {
  void AddRef() const { ++references; }
  void Release() const {
    if (--references == 0) ++ends;
  }
  mutable std::atomic<int> references{0};
  mutable std::atomic<int> ends{0};
  int value = 7;
};

using Pointer = RefPtr<Object>;

TEST(RefPtrTest, EachCopyHasAReference) {
  Object object;
  {
    const Pointer first(&object);
    EXPECT_EQ(object.references, 1);
    const Pointer second = first;  // NOLINT(performance-unnecessary-copy-initialization): tested
    EXPECT_EQ(object.references, 2);
    EXPECT_EQ(second->value, 7);
    EXPECT_EQ(&*second, &object);
    EXPECT_EQ(second, first);
  }
  EXPECT_EQ(object.references, 0);
  EXPECT_EQ(object.ends, 1);
}

TEST(RefPtrTest, AMoveTakesTheReferenceAlong) {
  Object object;
  Pointer first(&object);
  const Pointer second = std::move(first);
  // NOLINTNEXTLINE(bugprone-use-after-move,clang-analyzer-cplusplus.Move): empty by contract
  const bool is_empty = first == nullptr;
  EXPECT_TRUE(is_empty);
  EXPECT_EQ(object.references, 1);
  EXPECT_EQ(object.ends, 0);
}

TEST(RefPtrTest, AnAssignmentLetsGoOfWhatWasThere) {
  Object old;
  Object next;
  Pointer pointer(&old);
  pointer = Pointer(&next);
  EXPECT_EQ(old.ends, 1);
  EXPECT_EQ(next.references, 1);
  pointer = nullptr;
  EXPECT_EQ(next.ends, 1);
}

TEST(RefPtrTest, AnAssignmentToItselfKeepsTheObject) {
  Object object;
  Pointer pointer(&object);
  const Pointer& same = pointer;
  pointer = same;
  EXPECT_EQ(object.references, 1);
  EXPECT_EQ(object.ends, 0);
}

TEST(RefPtrTest, AdoptAndDetachPassAReferenceOn) {
  Object object;
  object.AddRef();
  Pointer pointer = Pointer::Adopt(&object);
  EXPECT_EQ(object.references, 1);
  EXPECT_EQ(pointer.Detach(), &object);
  EXPECT_EQ(pointer, nullptr);
  EXPECT_EQ(object.references, 1);
  object.Release();
}

TEST(RefPtrTest, AnEmptyOneHasNothingToRelease) {
  const Pointer empty;
  const Pointer null(static_cast<Object*>(nullptr));
  const Pointer copy = empty;  // NOLINT(performance-unnecessary-copy-initialization): tested
  EXPECT_EQ(copy, null);
  EXPECT_EQ(empty, nullptr);
  EXPECT_FALSE(empty);
}

TEST(RefPtrTest, TheLastOfManyThreadsEndsTheObjectOnce) {
  Object object;
  {
    const Pointer first(&object);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([mine = first] {
        std::vector<Pointer> copies;
        for (int j = 0; j < 1000; ++j) copies.push_back(mine);
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(object.ends, 0);
  }
  EXPECT_EQ(object.references, 0);
  EXPECT_EQ(object.ends, 1);
}

}  // namespace
}  // namespace souvenir
