#include "cache/entry_codec.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/unit/cache/test_entries.h"

namespace souvenir::cache {
namespace {

Entry FullEntry() {
  Entry entry = *MakeEntry("k", "the value");
  entry.expires_at = entry.created_at + absl::Hours(1);
  entry.tags = {"one", "two"};
  entry.epochs = {{0, 5}, {77, 3}};
  return entry;
}

TEST(EntryCodecTest, AllOfAnEntryComesBack) {
  const Entry entry = FullEntry();
  const auto decoded = DecodeEntry(entry.key, EncodeEntry(entry));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->key, entry.key);
  EXPECT_EQ(decoded->value, entry.value);
  EXPECT_EQ(decoded->created_at, entry.created_at);
  EXPECT_EQ(decoded->expires_at, entry.expires_at);
  EXPECT_EQ(decoded->cost, entry.cost);
  EXPECT_EQ(decoded->tags, entry.tags);
  EXPECT_EQ(decoded->epochs, entry.epochs);
  EXPECT_EQ(decoded->origin->tenant, "tenant");
  EXPECT_EQ(decoded->origin->model, "model");
  EXPECT_EQ(decoded->origin->version, "1");
  EXPECT_EQ(decoded->origin->digest, "digest");
}

TEST(EntryCodecTest, NeverStaysNever) {
  const auto entry = MakeEntry("k", "");
  const auto decoded = DecodeEntry(entry->key, EncodeEntry(*entry));
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->expires_at, absl::InfiniteFuture());
}

TEST(EntryCodecTest, ARecordAnswersForNoOtherKey) {
  const Entry entry = FullEntry();
  EXPECT_EQ(DecodeEntry(KeyOf("other"), EncodeEntry(entry)).status().code(),
            absl::StatusCode::kDataLoss);
}

TEST(EntryCodecTest, EveryTruncationAndEveryFlippedBitIsFound) {
  const Entry entry = FullEntry();
  const std::string record = EncodeEntry(entry);
  for (size_t size = 0; size < record.size(); ++size) {
    EXPECT_FALSE(DecodeEntry(entry.key, record.substr(0, size)).ok()) << size;
  }
  for (size_t bit = 0; bit < record.size() * 8; ++bit) {
    std::string damaged = record;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(DecodeEntry(entry.key, damaged).ok()) << bit;
  }
  EXPECT_FALSE(DecodeEntry(entry.key, record + "x").ok());
}

}  // namespace
}  // namespace souvenir::cache
