#include "cache/flights.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "tests/unit/cache/test_entries.h"

namespace souvenir::cache {
namespace {

using ::testing::ElementsAre;

class FlightTableTest : public testing::Test {
 protected:
  FlightTable::Joined Join(std::string_view name) {
    EpochStamp stamp;
    epochs_.Stamp({EpochTable::All()}, &stamp);
    auto joined = table_.Join(KeyOf(name), stamp,
                              [this](const FlightResult& result) { results_.push_back(result); });
    EXPECT_TRUE(joined.ok()) << joined.status();
    return *joined;
  }

  EpochTable epochs_;
  FlightTable table_{{.max_flights = 3, .max_waiters = 5}, &epochs_};
  std::vector<FlightResult> results_;
};

TEST_F(FlightTableTest, TheFirstBeginsAndTheRestJoin) {
  const auto first = Join("a");
  const auto second = Join("a");
  EXPECT_TRUE(first.started);
  EXPECT_FALSE(second.started);
  EXPECT_EQ(first.flight, second.flight);
  EXPECT_TRUE(Join("b").started);
  EXPECT_EQ(table_.stats().in_progress, 2u);
  EXPECT_EQ(table_.stats().waiters, 3u);
}

TEST_F(FlightTableTest, LandingAnswersAllAndEndsTheFlight) {
  const auto first = Join("a");
  Join("a");
  table_.Land(first.flight, {absl::OkStatus(), MakeEntry("a", "v"), FlightSource::kUpstream});
  ASSERT_EQ(results_.size(), 2u);
  EXPECT_EQ(results_[1].entry->value(), "v");
  EXPECT_EQ(table_.stats().in_progress, 0u);
  EXPECT_TRUE(Join("a").started);
  table_.Land(first.flight, {absl::InternalError("late"), nullptr, FlightSource::kUpstream});
  EXPECT_EQ(results_.size(), 2u);
}

TEST_F(FlightTableTest, CountsHowManyEachLandingAnswered) {
  const FlightResult result{absl::OkStatus(), MakeEntry("a", "v"), FlightSource::kUpstream};
  for (const size_t waiters : {1u, 2u, 3u, 4u, 5u}) {
    const auto joined = Join("a");
    for (size_t i = 1; i < waiters; ++i) Join("a");
    table_.Land(joined.flight, result);
    table_.Land(joined.flight, result);  // no effect, because the flight has ended
  }
  const FlightTable::Stats stats = table_.stats();
  EXPECT_EQ(stats.answered, 15u);
  EXPECT_THAT(std::vector(stats.landed_by_waiters.begin(), stats.landed_by_waiters.begin() + 5),
              ElementsAre(1, 1, 2, 1, 0));
}

TEST_F(FlightTableTest, AFlightFromBeforeAnInvalidationIsNotJoined) {
  const auto before = Join("a");
  epochs_.Advance(EpochTable::All());
  const auto after = Join("a");
  EXPECT_TRUE(after.started);
  EXPECT_NE(before.flight, after.flight);
  // The old flight still answers its waiters, and does not end the new one.
  table_.Land(before.flight, {absl::OkStatus(), MakeEntry("a", "old"), FlightSource::kUpstream});
  ASSERT_EQ(results_.size(), 1u);
  EXPECT_EQ(results_[0].entry->value(), "old");
  EXPECT_FALSE(Join("a").started);
}

TEST_F(FlightTableTest, WhoLeavesIsNotCalledAndTheLastOneDesertsTheFlight) {
  const auto first = Join("a");
  const auto second = Join("a");
  int deserted = 0;
  table_.WhenWaitersChange(first.flight, [&] { ++deserted; });
  EXPECT_TRUE(table_.Leave(first.flight, first.waiter));
  EXPECT_FALSE(table_.Leave(first.flight, first.waiter));
  EXPECT_EQ(deserted, 0);
  EXPECT_TRUE(table_.Leave(second.flight, second.waiter));
  EXPECT_EQ(deserted, 1);
  EXPECT_EQ(table_.stats().waiters, 0u);
  table_.Land(first.flight, {absl::OkStatus(), MakeEntry("a", "v"), FlightSource::kUpstream});
  EXPECT_TRUE(results_.empty());
}

TEST_F(FlightTableTest, ADesertedFlightMayBeJoinedAgainAndIsThenNotAbandoned) {
  const auto first = Join("a");
  table_.Leave(first.flight, first.waiter);
  EXPECT_FALSE(Join("a").started);
  EXPECT_FALSE(table_.Abandon({first.flight}));
  EXPECT_EQ(table_.stats().in_progress, 1u);
}

TEST_F(FlightTableTest, TheFirstToJoinADesertedFlightHasToSayIt) {
  const auto first = Join("a");
  int told = 0;
  table_.WhenWaitersChange(first.flight, [&] { ++told; });
  EXPECT_FALSE(Join("a").on_waiting) << "somebody waits already";
  for (FlightTable::WaiterId waiter = 1; waiter <= 2; ++waiter) {
    EXPECT_TRUE(table_.Leave(first.flight, waiter));
  }
  EXPECT_EQ(told, 1);
  EXPECT_TRUE(table_.AreDeserted({first.flight}));
  const auto again = Join("a");
  EXPECT_FALSE(again.started);
  EXPECT_FALSE(table_.AreDeserted({first.flight}));
  ASSERT_TRUE(again.on_waiting);
  again.on_waiting();
  EXPECT_EQ(told, 2);
  EXPECT_FALSE(Join("a").on_waiting);
}

TEST_F(FlightTableTest, AnAbandonedFlightIsJoinedNoMore) {
  const auto first = Join("a");
  const auto other = Join("b");
  table_.Leave(first.flight, first.waiter);
  EXPECT_FALSE(table_.Abandon({first.flight, other.flight})) << "somebody waits for b";
  EXPECT_TRUE(table_.Abandon({first.flight}));
  EXPECT_TRUE(Join("a").started);
}

TEST_F(FlightTableTest, DesertionIsToldAtOnceWhereItHasHappened) {
  const auto first = Join("a");
  table_.Leave(first.flight, first.waiter);
  int deserted = 0;
  table_.WhenWaitersChange(first.flight, [&] { ++deserted; });
  EXPECT_EQ(deserted, 1);
}

TEST_F(FlightTableTest, NobodyJoinsOneThatFliesAlone) {
  const auto alone = table_.FlyAlone(KeyOf("a"), {}, [](const FlightResult&) {});
  ASSERT_TRUE(alone.ok());
  EXPECT_TRUE(alone->started);
  EXPECT_TRUE(Join("a").started);
}

TEST_F(FlightTableTest, BoundsAreToldWithTheirNumbers) {
  Join("a");
  Join("b");
  Join("c");
  const auto flight = table_.Join(KeyOf("d"), {}, [](const FlightResult&) {});
  EXPECT_EQ(flight.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_NE(flight.status().message().find("limit is 3"), std::string::npos) << flight.status();
  Join("a");
  Join("a");
  const auto waiter = table_.Join(KeyOf("a"), {}, [](const FlightResult&) {});
  EXPECT_EQ(waiter.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_NE(waiter.status().message().find("limit is 5"), std::string::npos) << waiter.status();
}

TEST(FlightTableConcurrencyTest, EachWaiterIsAnsweredOrLeavesAndNeverBoth) {
  EpochTable epochs;
  FlightTable table({}, &epochs);
  std::atomic<int> answered{0};
  std::atomic<int> left{0};
  std::atomic<int> asked{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 2000; ++i) {
        const auto joined = table.Join(KeyOf(fmt::format("{}", i % 17)), {},
                                       [&](const FlightResult&) { ++answered; });
        ASSERT_TRUE(joined.ok());
        ++asked;
        if (joined->started) {
          table.Land(joined->flight, {absl::OkStatus(), nullptr, FlightSource::kUpstream});
        } else if (i % 3 == t % 3 && table.Leave(joined->flight, joined->waiter)) {
          ++left;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(answered + left, asked);
  EXPECT_EQ(table.stats().in_progress, 0u);
  EXPECT_EQ(table.stats().waiters, 0u);
}

}  // namespace
}  // namespace souvenir::cache
