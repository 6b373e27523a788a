#include "cache/disk/key_filter.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/unit/cache/test_entries.h"

namespace souvenir::cache {
namespace {

Fingerprint Numbered(int number) { return KeyOf(fmt::format("{}", number)); }

void AddFirst(int keys, KeyFilter* filter) {
  for (int i = 0; i < keys; ++i) filter->Add(Numbered(i));
}

int HeldOf(const KeyFilter& filter, int begin, int end) {
  int held = 0;
  for (int i = begin; i < end; ++i) held += filter.MayHold(Numbered(i)) ? 1 : 0;
  return held;
}

struct Size {
  uint64_t expected;
  int keys;
};

class KeyFilterTest : public testing::TestWithParam<Size> {};

TEST_P(KeyFilterTest, HoldsWhatWasAddedAndFewOthers) {
  const auto [expected, keys] = GetParam();
  KeyFilter filter(expected);
  AddFirst(keys, &filter);
  EXPECT_EQ(filter.keys(), static_cast<uint64_t>(keys));
  EXPECT_EQ(HeldOf(filter, 0, keys), keys);
  // One in eighty for each part. A filter that has doubled six times has seven parts.
  constexpr int kOthers = 20'000;
  const bool grew = expected < static_cast<uint64_t>(keys);
  EXPECT_LT(HeldOf(filter, keys, keys + kOthers), grew ? kOthers / 10 : kOthers / 50);
}

TEST_P(KeyFilterTest, IsTheSameAfterItWasBytes) {
  const auto [expected, keys] = GetParam();
  KeyFilter filter(expected);
  AddFirst(keys, &filter);
  const std::unique_ptr<KeyFilter> again = KeyFilter::Decode(filter.Encode());
  ASSERT_NE(again, nullptr);
  EXPECT_EQ(again->keys(), filter.keys());
  EXPECT_EQ(HeldOf(*again, 0, keys), keys);
  EXPECT_EQ(HeldOf(*again, keys, keys + 20'000), HeldOf(filter, keys, keys + 20'000));
  // The decoded filter can still grow.
  for (int i = keys; i < 2 * keys; ++i) again->Add(Numbered(i));
  EXPECT_EQ(HeldOf(*again, 0, 2 * keys), 2 * keys);
}

INSTANTIATE_TEST_SUITE_P(Sizes, KeyFilterTest,
                         testing::Values(Size{0, 0}, Size{1, 1}, Size{20'000, 20'000},
                                         Size{500, 30'000}));

TEST(KeyFilterTest, BytesThatAreNoFilterAreRefused) {
  KeyFilter filter(10);
  AddFirst(2000, &filter);  // a filter of several parts
  const std::string bytes = filter.Encode();
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(KeyFilter::Decode(bytes.substr(0, size)), nullptr) << size;
  }
  EXPECT_EQ(KeyFilter::Decode(bytes + "x"), nullptr);
  EXPECT_EQ(KeyFilter::Decode(std::string(200, '\xff')), nullptr);
  // One part claims to be larger than all memory.
  EXPECT_EQ(KeyFilter::Decode(std::string("\x01\x01") + std::string(8, '\xff') + "\x01"), nullptr);
}

TEST(KeyFilterTest, IsAskedWhileItGrows) {
  KeyFilter filter(1);
  constexpr int kKeys = 20'000;
  std::atomic<int> added{0};
  std::thread reader([&] {
    for (int end = 0; end < kKeys;) {
      end = added.load(std::memory_order_acquire);
      for (int i = std::max(0, end - 10); i < end; ++i) {
        filter.Prefetch(Numbered(i));
        ASSERT_TRUE(filter.MayHold(Numbered(i))) << i << " of " << end;
      }
    }
  });
  for (int i = 0; i < kKeys; ++i) {
    filter.Add(Numbered(i));
    added.store(i + 1, std::memory_order_release);
  }
  reader.join();
}

}  // namespace
}  // namespace souvenir::cache
