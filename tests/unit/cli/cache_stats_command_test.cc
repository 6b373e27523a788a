#include "cli/cache_stats_command.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <string>

namespace souvenir::cli {
namespace {

using souvenir::v1::GetStatsResponse;
using ::testing::HasSubstr;
using ::testing::Not;

GetStatsResponse Parse(const std::string& text) {
  GetStatsResponse stats;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &stats));
  return stats;
}

TEST(RenderStatsTest, ShowsModelsTiersAndComputations) {
  const auto stats = Parse(R"(
    started_at { seconds: 1767225600 }
    models {
      model: "apertium-en-gl"
      lookups { kind: CACHE_KIND_MISS rows: 1 }
    }
    models {
      model: "apertium-eng-spa"
      lookups { kind: CACHE_KIND_MEMORY rows: 8 }
      lookups { kind: CACHE_KIND_DISK rows: 2 }
      lookups { kind: CACHE_KIND_MISS rows: 2 }
      saved_compute_time { nanos: 45000000 }
    }
    memory { entries: 3 bytes: 1536 limit_bytes: 268435456 }
    disk { entries: 3 bytes: 900 limit_bytes: 4294967296 evictions: 4 pending_writes: 5 dropped_writes: 6 }
    flights { started: 3 joined: 1 in_progress: 0 }
    saved_compute_time { nanos: 45000000 }
    disk_health: DISK_HEALTH_SERVING)");
  EXPECT_EQ(RenderStats(stats, absl::FromUnixSeconds(1767225600 + 7500)),
            "Since 2026-01-01 00:00:00 UTC (2 h 5 min ago)\n"
            "\n"
            "model             rows  memory  disk  miss  hit ratio    saved\n"
            "apertium-en-gl       1       0     0     1       0.0%     0 µs\n"
            "apertium-eng-spa    12       8     2     2      83.3%  45.0 ms\n"
            "all                 13       8     2     3      76.9%  45.0 ms\n"
            "\n"
            "tier    entries     size    limit  evicted  to write  not written\n"
            "memory        3  1.5 KiB  256 MiB        0         0            0\n"
            "disk          3    900 B    4 GiB        4         5            6\n"
            "\n"
            "Flights: 3 started, 1 joined, 0 under way\n");
}

TEST(RenderStatsTest, TheSizeOfAnEmptyCacheIsExplained) {
  EXPECT_THAT(
      RenderStats(Parse("memory { bytes: 2202009 bookkeeping_bytes: 2202009 }"), absl::UnixEpoch()),
      HasSubstr("The size in memory includes 2.1 MiB of tables beside the entries.\n"));
  EXPECT_THAT(RenderStats(Parse("memory { bytes: 7 }"), absl::UnixEpoch()),
              Not(HasSubstr("tables")));
}

// A bypassed cache is not a miss, and a coalesced request is not a hit.
TEST(RenderStatsTest, HitRatioLeavesOutBypassAndCountsCoalescedAsLookedUp) {
  const auto stats = Parse(R"(
    models {
      model: "m"
      lookups { kind: CACHE_KIND_MEMORY rows: 1 }
      lookups { kind: CACHE_KIND_COALESCED rows: 1 }
      lookups { kind: CACHE_KIND_BYPASS rows: 98 }
    })");
  EXPECT_THAT(RenderStats(stats, absl::UnixEpoch()), HasSubstr("50.0%"));
}

TEST(RenderStatsTest, SaysWhenThereIsNothingToTell) {
  const std::string text = RenderStats(GetStatsResponse(), absl::UnixEpoch());
  EXPECT_THAT(text, HasSubstr("No model has been asked yet."));
  EXPECT_THAT(text, HasSubstr("No disk tier"));
  EXPECT_THAT(RenderStats(Parse("disk {} disk_health: DISK_HEALTH_DEGRADED"), absl::UnixEpoch()),
              HasSubstr("The disk does not answer"));
  EXPECT_THAT(RenderStats(Parse("disk {} disk_health: DISK_HEALTH_SERVING"), absl::UnixEpoch()),
              Not(HasSubstr("does not answer")));
}

}  // namespace
}  // namespace souvenir::cli
