#include "cache/snapshot.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "tests/unit/cache/test_entries.h"

namespace souvenir::cache {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string SnapshotOf(const std::vector<EntryPtr>& entries) {
  std::string bytes;
  SnapshotWriter writer(&bytes);
  for (const EntryPtr& entry : entries) writer.Add(*entry);
  writer.End();
  return bytes;
}

std::string ThreeEntries() {
  return SnapshotOf({MakeEntry("a", "one"), MakeEntry("b", std::string(1000, 'x')),
                     MakeEntry("c", "", [](Entry::Fields& fields) { fields.tags = {"t"}; })});
}

struct Outcome {
  std::vector<std::string> values;
  absl::Status status;
};

// Reads `bytes` in pieces of that size.
Outcome ReadInPieces(std::string_view bytes, size_t piece) {
  Outcome outcome;
  SnapshotReader reader([&](const DecodedEntry& entry) {
    outcome.values.emplace_back(entry.fields.value);
    return absl::OkStatus();
  });
  for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
    outcome.status = reader.Feed(bytes.substr(0, piece));
    if (!outcome.status.ok()) return outcome;
  }
  outcome.status = reader.Finish();
  return outcome;
}

TEST(SnapshotTest, EntriesComeBackWhateverPiecesTheyComeIn) {
  const std::string bytes = ThreeEntries();
  for (const size_t piece : {1, 2, 3, 7, 31, 64, 1000, 100'000}) {
    const Outcome outcome = ReadInPieces(bytes, piece);
    EXPECT_TRUE(outcome.status.ok()) << piece << ": " << outcome.status;
    EXPECT_THAT(outcome.values, ElementsAre("one", std::string(1000, 'x'), "")) << piece;
  }
}

TEST(SnapshotTest, AllOfAnEntryButItsEpochsComesBack) {
  const EntryPtr entry = MakeEntry("k", "v", [](Entry::Fields& fields) {
    fields.lifetime = absl::Hours(2);
    fields.tags = {"one", "two"};
    fields.epochs = {{0, 9}};
  });
  SnapshotReader reader([&](const DecodedEntry& decoded) {
    EXPECT_EQ(decoded.fields.key, entry->key);
    EXPECT_EQ(decoded.fields.created_at, entry->created_at());
    EXPECT_EQ(decoded.fields.lifetime, absl::Hours(2));
    EXPECT_EQ(decoded.fields.tags, entry->tags());
    EXPECT_EQ(decoded.origin, entry->origin().fields());
    EXPECT_THAT(decoded.fields.epochs, IsEmpty());
    return absl::OkStatus();
  });
  ASSERT_TRUE(reader.Feed(SnapshotOf({entry})).ok());
  EXPECT_TRUE(reader.Finish().ok());
  EXPECT_EQ(reader.entries(), 1u);
}

TEST(SnapshotTest, AnEmptyOneIsOne) { EXPECT_TRUE(ReadInPieces(SnapshotOf({}), 5).status.ok()); }

TEST(SnapshotTest, EveryTruncationIsTold) {
  const std::string bytes = ThreeEntries();
  for (size_t size = 0; size < bytes.size(); ++size) {
    const Outcome outcome = ReadInPieces(std::string_view(bytes).substr(0, size), 100);
    EXPECT_EQ(outcome.status.code(), absl::StatusCode::kDataLoss) << size;
  }
  EXPECT_THAT(std::string(ReadInPieces(bytes.substr(0, 1300), 100).status.message()),
              HasSubstr("cut off after byte 1300 and 2 entries"));
}

TEST(SnapshotTest, EveryFlippedBitIsTold) {
  const std::string bytes =
      SnapshotOf({MakeEntry("a", "one"), MakeEntry("b", "two"), MakeEntry("c", "three")});
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_EQ(ReadInPieces(damaged, 50).status.code(), absl::StatusCode::kDataLoss) << bit;
  }
}

TEST(SnapshotTest, SaysWhereItIsDamaged) {
  std::string bytes = SnapshotOf({MakeEntry("a", "one"), MakeEntry("b", "two")});
  const size_t second = 20 + (bytes.size() - 20 - 12) / 2;  // after the beginning, before the end
  bytes[second + 50] = static_cast<char>(bytes[second + 50] ^ 1);
  const Outcome outcome = ReadInPieces(bytes, 7);
  EXPECT_THAT(std::string(outcome.status.message()),
              HasSubstr(fmt::format("damaged at byte {}", second)));
  EXPECT_THAT(outcome.values, ElementsAre("one"));
}

TEST(SnapshotTest, ASizeThatNobodyWroteIsRefusedBeforeItIsKept) {
  std::string bytes = SnapshotOf({}).substr(0, 20);
  bytes += "\xff\xff\xff\x7f";
  EXPECT_THAT(std::string(ReadInPieces(bytes, 100).status.message()),
              HasSubstr("a record of 2147483647 bytes"));
}

TEST(SnapshotTest, OtherFilesAreNone) {
  EXPECT_THAT(std::string(ReadInPieces("PK\x03\x04", 4).status.message()),
              HasSubstr("it must begin with 'souvenir-snapshot-1'"));
  EXPECT_THAT(std::string(ReadInPieces(ThreeEntries() + "x", 4096).status.message()),
              HasSubstr("more comes after its end"));
}

TEST(SnapshotTest, WhatTheVisitorRefusesEndsTheReading) {
  SnapshotReader reader([](const DecodedEntry&) { return absl::AbortedError("enough"); });
  EXPECT_EQ(reader.Feed(ThreeEntries()), absl::AbortedError("enough"));
  EXPECT_EQ(reader.entries(), 0u);
}

}  // namespace
}  // namespace souvenir::cache
