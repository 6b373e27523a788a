#include "cache/entry_codec.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "tests/unit/cache/test_entries.h"

namespace souvenir::cache {
namespace {

constexpr uint32_t kOrigin = 300;

EntryPtr FullEntry() {
  return MakeEntry("k", "the value", [](Entry::Fields& fields) {
    fields.tags = {"one", "two"};
    fields.epoch_sum = 1'234'567;
  });
}

TEST(EntryCodecTest, AllOfAnEntryComesBack) {
  const EntryPtr entry = FullEntry();
  const std::string record = EncodeEntry(*entry, kOrigin);
  const auto decoded = DecodeEntry(entry->key, record);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->fields.key, entry->key);
  EXPECT_EQ(decoded->fields.value, "the value");
  EXPECT_EQ(decoded->fields.code, absl::StatusCode::kOk);
  EXPECT_EQ(decoded->fields.created_at, entry->created_at());
  EXPECT_EQ(decoded->fields.cost, absl::Milliseconds(3));
  EXPECT_EQ(decoded->fields.tags, (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(decoded->fields.epoch_sum, 1'234'567u);
  EXPECT_EQ(decoded->origin, kOrigin);
}

// Records once had a lifetime. Such records can still be read, and earlier versions read new
// records as answers without a limit.
TEST(EntryCodecTest, ALifetimeThatAnEarlierVersionWroteIsPassedOver) {
  const EntryPtr entry = FullEntry();
  std::string record = EncodeEntry(*entry, kOrigin);
  constexpr size_t kLifetime = 8 + 8 + 4;  // behind checksum, date and cost
  uint32_t lifetime;
  std::memcpy(&lifetime, record.data() + kLifetime, sizeof(lifetime));
  EXPECT_EQ(lifetime, UINT32_MAX);
  lifetime = 3;
  std::memcpy(record.data() + kLifetime, &lifetime, sizeof(lifetime));
  Sha256 checksum;
  checksum.Add(entry->key.view());
  checksum.Add(std::string_view(record).substr(8));
  const uint64_t word = Fingerprint{checksum.Finish()}.word();
  std::memcpy(record.data(), &word, sizeof(word));

  const auto decoded = DecodeEntry(entry->key, record);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->fields.value, "the value");
  EXPECT_EQ(decoded->fields.created_at, entry->created_at());
}

TEST(EntryCodecTest, AnErrorComesBackAsOne) {
  const EntryPtr entry = MakeEntry("k", "no such thing", [](Entry::Fields& fields) {
    fields.code = absl::StatusCode::kInvalidArgument;
  });
  const std::string record = EncodeEntry(*entry, kOrigin);
  const auto decoded = DecodeEntry(entry->key, record);
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->fields.code, absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(decoded->fields.value, "no such thing");
}

TEST(EntryCodecTest, ARecordIsLittleMoreThanItsValue) {
  const EntryPtr entry = MakeEntry("k", std::string(500, 'x'));
  EXPECT_LE(EncodeEntry(*entry, kOrigin).size(), 500u + 32u);
}

TEST(EntryCodecTest, NumbersOfAnySizeComeBack) {
  for (int shift = 0; shift < 64; ++shift) {
    const uint64_t sum = uint64_t{1} << shift | shift;
    const EntryPtr entry =
        MakeEntry("k", "v", [&](Entry::Fields& fields) { fields.epoch_sum = sum; });
    const std::string record = EncodeEntry(*entry, kOrigin);
    const auto decoded = DecodeEntry(entry->key, record);
    ASSERT_TRUE(decoded.ok()) << decoded.status();
    EXPECT_EQ(decoded->fields.epoch_sum, sum);
    EXPECT_EQ(decoded->fields.value, "v");
  }
}

TEST(OriginCodecTest, AllOfAnOriginComesBackUnderItsNumberOnly) {
  const Origin::Fields origin = {"tenant", std::string(200, 'm'), "", "digest"};
  const std::string bytes = EncodeOrigin(7, origin);
  const auto decoded = DecodeOrigin(7, bytes);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(*decoded, origin);
  EXPECT_FALSE(DecodeOrigin(8, bytes).ok());
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(DecodeOrigin(7, bytes.substr(0, size)).ok()) << size;
  }
  EXPECT_FALSE(DecodeOrigin(7, bytes + "x").ok());
}

TEST(EntryCodecTest, MoreTagsThanAnEntryCanHoldAreRefused) {
  const auto with_tags = [](const std::string& number, size_t count) {
    // Such an entry cannot be made, so the record is assembled from that of another entry.
    const EntryPtr entry = MakeEntry("k", "v");
    std::string record = EncodeEntry(*entry, kOrigin);
    const size_t at = record.size() - 2;  // the number of tags, before the value
    std::string tags;
    for (size_t i = 0; i < count; ++i) tags += '\x64' + std::string(100, 't');
    record.replace(at, 1, number + tags);
    Sha256 hash;
    hash.Add(entry->key.view());
    hash.Add(std::string_view(record).substr(sizeof(uint64_t)));
    const uint64_t checksum = Fingerprint{hash.Finish()}.word();
    std::memcpy(record.data(), &checksum, sizeof(checksum));
    return DecodeEntry(entry->key, record).status();
  };
  EXPECT_TRUE(with_tags("\x64", 100).ok());
  EXPECT_EQ(with_tags("\xe8\x07", 1000).message(), "a record with too many tags");
}

TEST(EntryCodecTest, ARecordAnswersForNoOtherKey) {
  const std::string record = EncodeEntry(*FullEntry(), kOrigin);
  EXPECT_EQ(DecodeEntry(KeyOf("other"), record).status().code(), absl::StatusCode::kDataLoss);
}

TEST(EntryCodecTest, EveryTruncationAndEveryFlippedBitIsFound) {
  const EntryPtr entry = FullEntry();
  const std::string record = EncodeEntry(*entry, kOrigin);
  for (size_t size = 0; size < record.size(); ++size) {
    EXPECT_FALSE(DecodeEntry(entry->key, record.substr(0, size)).ok()) << size;
  }
  for (size_t bit = 0; bit < record.size() * 8; ++bit) {
    std::string damaged = record;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(DecodeEntry(entry->key, damaged).ok()) << bit;
  }
  EXPECT_FALSE(DecodeEntry(entry->key, record + "x").ok());
}

}  // namespace
}  // namespace souvenir::cache
