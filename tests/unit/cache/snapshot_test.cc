#include "cache/snapshot.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "tests/unit/cache/test_entries.h"

namespace souvenir::cache {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

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

// Reads `bytes` in pieces of `piece` bytes.
Outcome ReadInPieces(std::string_view bytes, size_t piece) {
  Outcome outcome;
  SnapshotReader reader([&](const Entry::Fields& entry) {
    outcome.values.emplace_back(entry.value);
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

TEST(SnapshotTest, AllOfAnEntryComesBack) {
  const EntryPtr entry = MakeEntry("k", "v", [](Entry::Fields& fields) {
    fields.tags = {"one", "two"};
    fields.cost = absl::Milliseconds(7);
  });
  SnapshotReader reader([&](const Entry::Fields& decoded) {
    EXPECT_EQ(decoded.key, entry->key);
    EXPECT_EQ(decoded.created_at, entry->created_at());
    EXPECT_EQ(decoded.tags, entry->tags());
    EXPECT_EQ(decoded.cost, absl::Milliseconds(7));
    EXPECT_EQ(decoded.origin->fields(), entry->origin().fields());
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
  EXPECT_THAT(std::string(ReadInPieces(bytes.substr(0, bytes.size() - 3), 100).status.message()),
              HasSubstr(fmt::format("cut off after byte {} and 3 entries", bytes.size() - 3)));
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
  std::string bytes;
  SnapshotWriter writer(&bytes);
  writer.Add(*MakeEntry("a", "one"));
  const size_t second = bytes.size();
  writer.Add(*MakeEntry("b", "two"));
  writer.End();
  bytes[second + 50] = static_cast<char>(bytes[second + 50] ^ 1);
  const Outcome outcome = ReadInPieces(bytes, 7);
  EXPECT_THAT(std::string(outcome.status.message()),
              HasSubstr(fmt::format("damaged at byte {}", second)));
  EXPECT_THAT(outcome.values, ElementsAre("one"));
}

TEST(SnapshotTest, EqualOriginsAreWrittenOnce) {
  const auto of = [](const char* model) {
    return [model](Entry::Fields& fields) {
      fields.origin = Origin::Create({"tenant", model, "1", "digest"});
    };
  };
  std::string bytes;
  SnapshotWriter writer(&bytes);
  std::vector<size_t> added;
  for (const char* model : {"m", "m", "n", "m"}) {
    const size_t before = bytes.size();
    writer.Add(*MakeEntry("a", "v", of(model)));
    added.push_back(bytes.size() - before);
  }
  writer.End();
  EXPECT_EQ(added[1], added[3]);
  EXPECT_EQ(added[0], added[2]);
  EXPECT_LT(added[1], added[0]);
  std::vector<std::string> models;
  SnapshotReader reader([&](const Entry::Fields& entry) {
    models.push_back(entry.origin->model());
    return absl::OkStatus();
  });
  ASSERT_TRUE(reader.Feed(bytes).ok());
  EXPECT_THAT(models, ElementsAre("m", "m", "n", "m"));
}

TEST(SnapshotTest, AnEntryWhoseOriginDidNotComeIsRefused) {
  const std::string bytes = SnapshotOf({MakeEntry("a", "one")});
  uint32_t origin = 0;
  std::memcpy(&origin, bytes.data() + 20, sizeof(origin));
  const std::string without = bytes.substr(0, 20) + bytes.substr(20 + sizeof(origin) + origin);
  EXPECT_THAT(std::string(ReadInPieces(without, 4096).status.message()),
              HasSubstr("damaged at byte 20: an entry of an unknown origin"));
}

TEST(SnapshotTest, ASizeThatNobodyWroteIsRefusedBeforeItIsKept) {
  std::string bytes = SnapshotOf({}).substr(0, 20);
  bytes += "\xff\xff\xff\x7f";
  EXPECT_THAT(std::string(ReadInPieces(bytes, 100).status.message()),
              HasSubstr("a piece of 2147483647 bytes"));
}

TEST(SnapshotTest, OtherFilesAreNone) {
  EXPECT_THAT(std::string(ReadInPieces("PK\x03\x04", 4).status.message()),
              HasSubstr("it must begin with 'souvenir-snapshot-1'"));
  EXPECT_THAT(std::string(ReadInPieces(ThreeEntries() + "x", 4096).status.message()),
              HasSubstr("more comes after its end"));
}

TEST(SnapshotTest, WhatTheVisitorRefusesEndsTheReading) {
  SnapshotReader reader([](const Entry::Fields&) { return absl::AbortedError("enough"); });
  EXPECT_EQ(reader.Feed(ThreeEntries()), absl::AbortedError("enough"));
  EXPECT_EQ(reader.entries(), 0u);
}

}  // namespace
}  // namespace souvenir::cache
