#include "gateway/upstream/balancer.h"

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <set>
#include <string>

#include "common/status_detail.h"
#include "tests/fakes/manual_clock.h"
#include "tests/unit/gateway/test_models.h"

namespace souvenir::gateway {
namespace {

using souvenir::state::v1::KnownModels;

class BalancerTest : public testing::Test {
 protected:
  // Adds an endpoint that answers and has the model "m" with this digest.
  const Endpoint* AddReady(const std::string& address, const std::string& digest = "d1") {
    const Endpoint* const endpoint = AddUnknown(address);
    balancer_.SetAnswers(endpoint, With(digest));
    return endpoint;
  }
  const Endpoint* AddUnknown(const std::string& address) {
    Endpoint& endpoint = endpoints_.emplace_back();
    endpoint.at = {"compute:1", address};
    balancer_.Add(&endpoint);
    return &endpoint;
  }

  // Returns the models of an endpoint; none if `digest` is "".
  static std::shared_ptr<const EndpointModels> With(const std::string& digest,
                                                    const std::string& state = "READY") {
    KnownModels models;
    if (!digest.empty()) {
      auto* const model = models.add_models();
      *model = TextModel("m", "in", "out");
      (*model->mutable_metadata()->mutable_properties())["souvenir.digest"] = digest;
      model->set_state(state);
    }
    return std::make_shared<const EndpointModels>(models);
  }

  // Begins and ends `times` calls, each with `status`.
  void Call(const Endpoint* endpoint, const absl::Status& status, int times = 1) {
    for (int i = 0; i < times; ++i) {
      ASSERT_EQ(balancer_.BeginAt(endpoint), endpoint);
      balancer_.End(endpoint, status);
    }
  }

  // Returns the endpoint that is chosen for a call, which ends at once.
  const Endpoint* Chosen(const Balancer::Wanted& wanted = kWanted) {
    const Endpoint* const endpoint = balancer_.Begin(wanted);
    if (endpoint != nullptr) balancer_.End(endpoint, absl::OkStatus());
    return endpoint;
  }

  Balancer::Stats stats() { return balancer_.stats().at("compute:1"); }

  static constexpr Balancer::Wanted kWanted = {.model = "m", .version = "1", .digest = "d1"};
  const absl::Status lost_ = absl::UnavailableError("connection refused");
  const absl::Status died_ =
      WithRowFault(absl::UnavailableError("the worker died"), RowFault::kLostAtServer);

  ManualClock clock_;
  std::deque<Endpoint> endpoints_;
  Balancer balancer_{
      &clock_,
      {.ejection = {.free_failures = 2, .first = absl::Seconds(1), .longest = absl::Seconds(3)}}};
};

TEST_F(BalancerTest, WithoutEndpointsThereIsNothingToChoose) {
  EXPECT_EQ(balancer_.Begin(kWanted), nullptr);
  EXPECT_TRUE(balancer_.Hold(Balancer::Which::kAll).empty());
  EXPECT_FALSE(balancer_.NoneHealthy());
}

TEST_F(BalancerTest, AnIdleSetIsAskedInTurn) {
  for (const char* address : {"a", "b", "c"}) AddReady(address);
  std::map<const Endpoint*, int> calls;
  for (int i = 0; i < 30; ++i) ++calls[Chosen()];
  ASSERT_EQ(calls.size(), 3u);
  for (const auto& [endpoint, count] : calls) EXPECT_EQ(count, 10) << endpoint->at.address;
}

TEST_F(BalancerTest, TheOneWithTheFewestCallsUnderWayIsNext) {
  const Endpoint* const a = AddReady("a");
  const Endpoint* const b = AddReady("b");
  for (int i = 0; i < 3; ++i) balancer_.BeginAt(a);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(balancer_.Begin(kWanted), b) << i;
  balancer_.End(a, absl::OkStatus());
  EXPECT_EQ(balancer_.Begin(kWanted), a);
  EXPECT_EQ(stats().outstanding, 6u);
}

TEST_F(BalancerTest, TheDigestThatIsWantedComesFirstThenTheModel) {
  const Endpoint* const other = AddReady("a", "d2");
  const Endpoint* const same = AddReady("b", "d1");
  const Endpoint* const none = AddReady("c", "");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(balancer_.Begin(kWanted), same) << "however busy";
  balancer_.SetAway(same, lost_);
  EXPECT_EQ(Chosen(), other);
  balancer_.SetAway(other, lost_);
  EXPECT_EQ(Chosen(), same) << "away, but it had what is wanted";
  EXPECT_EQ(Chosen({.model = "x", .version = "1", .digest = "d"}), none)
      << "it will say itself that there is no such model";
}

TEST_F(BalancerTest, AnotherVersionWillDoOnlyWhereNoneIsAskedFor) {
  const Endpoint* const without = AddReady("a", "");
  const Endpoint* const with = AddReady("b", "d1");
  balancer_.BeginAt(with);
  EXPECT_EQ(Chosen({.model = "m", .version = "2", .digest = "d2", .any_version = true}), with);
  EXPECT_EQ(Chosen({.model = "m", .version = "2", .digest = "d2"}), without);
}

TEST_F(BalancerTest, AfterLossesInARowItIsLeftAloneForAPauseThatDoubles) {
  const Endpoint* const bad = AddReady("a");
  const Endpoint* const good = AddReady("b");
  balancer_.BeginAt(good);  // so that the other would be chosen
  Call(bad, lost_, 2);
  EXPECT_EQ(Chosen(), bad);
  Call(bad, lost_, 2);
  EXPECT_EQ(Chosen(), bad) << "a success between them";
  Call(bad, lost_, 3);
  EXPECT_EQ(stats().ejected, 1u);
  for (const int seconds : {1, 2, 3, 3}) {
    EXPECT_EQ(Chosen(), good);
    clock_.Advance(absl::Seconds(seconds) - absl::Milliseconds(1));
    EXPECT_EQ(Chosen(), good);
    clock_.Advance(absl::Milliseconds(1));
    ASSERT_EQ(balancer_.Begin(kWanted), bad) << "one call tries it";
    EXPECT_EQ(Chosen(), good) << "and others do not";
    EXPECT_TRUE(balancer_.End(bad, lost_));
  }
  clock_.Advance(absl::Seconds(3));
  EXPECT_EQ(Chosen(), bad);
  EXPECT_EQ(Chosen(), bad) << "well again";
  EXPECT_EQ(stats().ejected, 0u);
  EXPECT_EQ(stats().ejections, 5u);
}

TEST_F(BalancerTest, CallsThatAreLostTogetherAreOneEjection) {
  const Endpoint* const bad = AddReady("a");
  AddReady("b");
  for (int i = 0; i < 50; ++i) balancer_.BeginAt(bad);
  int ejections = 0;
  for (int i = 0; i < 50; ++i) ejections += balancer_.End(bad, lost_) ? 1 : 0;
  EXPECT_EQ(ejections, 1);
  clock_.Advance(absl::Seconds(1));
  std::set<const Endpoint*> chosen = {Chosen(), Chosen()};
  EXPECT_TRUE(chosen.contains(bad)) << "the first pause is over";
}

TEST_F(BalancerTest, ErrorsThatSpeakOfTheRequestOrOfAFullQueueEjectNobody) {
  const Endpoint* const endpoint = AddReady("a");
  for (const auto& status :
       {absl::InvalidArgumentError("x"), absl::ResourceExhaustedError("x"),
        absl::DeadlineExceededError("x"), absl::CancelledError("x"), absl::InternalError("x")}) {
    Call(endpoint, status, 10);
  }
  EXPECT_EQ(stats().ready, 1u);
  EXPECT_EQ(stats().calls[static_cast<size_t>(CallOutcome::kFailed)], 30u);
  EXPECT_EQ(stats().calls[static_cast<size_t>(CallOutcome::kExhausted)], 10u);
  EXPECT_EQ(stats().calls[static_cast<size_t>(CallOutcome::kCancelled)], 10u);
}

TEST_F(BalancerTest, ACallThatTookTooLongNeitherEjectsNorForgives) {
  const Endpoint* const endpoint = AddReady("a");
  Call(endpoint, lost_, 2);
  Call(endpoint, absl::DeadlineExceededError("x"));
  EXPECT_EQ(stats().ejected, 0u);
  Call(endpoint, lost_);
  EXPECT_EQ(stats().ejected, 1u);
}

TEST_F(BalancerTest, OneThatIsAwayIsNotChosenAndComesBackWithACleanRecord) {
  const Endpoint* const a = AddReady("a");
  const Endpoint* const b = AddReady("b");
  Call(a, lost_, 3);
  balancer_.SetAway(a, lost_);
  EXPECT_EQ(stats().away, 1u);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(Chosen(), b);
  balancer_.SetAnswers(a, With("d1"));
  EXPECT_EQ(stats().ready, 2u);
  EXPECT_EQ((std::set<const Endpoint*>{Chosen(), Chosen()}), (std::set<const Endpoint*>{a, b}));
}

TEST_F(BalancerTest, WhereAllAreEjectedOrAwayTheyAreAskedAllTheSame) {
  const Endpoint* const a = AddReady("a");
  const Endpoint* const b = AddReady("b");
  Call(a, absl::UnavailableError("compute at a: no"), 3);
  Call(b, absl::UnavailableError("compute at b: no"), 3);
  EXPECT_NE(balancer_.Begin(kWanted), nullptr);
  EXPECT_EQ(balancer_.NoneHealthy()->message(),
            "none of 2 compute services can be asked now: 2 lost several calls in a row");
  EXPECT_EQ(DetailOf(*balancer_.NoneHealthy()),
            "none of 2 compute services can be asked now: 2 lost several calls in a row: "
            "compute at a: no; compute at b: no");
  balancer_.SetAway(a, lost_);
  EXPECT_EQ(balancer_.NoneHealthy()->message(),
            "none of 2 compute services can be asked now: 1 lost several calls in a row, and no "
            "answer came from 1");
  EXPECT_EQ(balancer_.Begin(kWanted), b) << "it answers, at least";
  balancer_.SetAway(b, lost_);
  EXPECT_EQ(balancer_.NoneHealthy()->message(), "none of 2 compute services answers");
}

TEST_F(BalancerTest, WorkersThatAreLostAtAnEndpointThatAnswersEjectNobody) {
  const Endpoint* const a = AddReady("a");
  const Endpoint* const b = AddReady("b");
  Call(a, died_, 10);
  Call(b, died_, 10);
  EXPECT_EQ(stats().ready, 2u);
  EXPECT_EQ(stats().ejections, 0u);
  EXPECT_EQ(stats().calls[static_cast<size_t>(CallOutcome::kLost)], 20u);
  EXPECT_FALSE(balancer_.NoneHealthy());
}

TEST_F(BalancerTest, ALostWorkerIsAnAnswerThatEndsAnEjection) {
  const Endpoint* const endpoint = AddReady("a");
  Call(endpoint, lost_, 2);
  Call(endpoint, died_);
  Call(endpoint, lost_, 2);
  EXPECT_EQ(stats().ejected, 0u) << "not in a row";
  Call(endpoint, lost_);
  EXPECT_EQ(stats().ejected, 1u);
  Call(endpoint, died_);
  EXPECT_EQ(stats().ejected, 0u);
}

TEST_F(BalancerTest, AnEndpointThatGoesAwayWithItsCallsIsEjected) {
  const Endpoint* const endpoint = AddReady("a");
  Call(endpoint, WithRowFault(lost_, RowFault::kLostWithServer), 3);
  EXPECT_EQ(stats().ejected, 1u);
}

TEST_F(BalancerTest, WhatIsToldOfAllThatAreAwayIsBounded) {
  std::string trouble = "x";  // so that the limit is inside a character
  for (int i = 0; i < 2000; ++i) trouble += "\u00e4";
  for (int i = 0; i < 40; ++i) {
    balancer_.SetAway(AddUnknown(std::to_string(i)), absl::UnavailableError(trouble));
  }
  const std::string told = DetailOf(*balancer_.NoneHealthy());
  EXPECT_LT(told.size(), 1000u);
  EXPECT_EQ(told.find("\xc3;"), std::string::npos) << told;
  EXPECT_TRUE(told.ends_with("and 36 more")) << told;
}

TEST_F(BalancerTest, AnotherIsOneThatAnswersAndHasTheModel) {
  const Endpoint* const failed = AddReady("a");
  const Endpoint* const away = AddReady("b");
  balancer_.SetAway(away, lost_);
  AddReady("c", "");
  EXPECT_EQ(balancer_.BeginElsewhere(kWanted, failed), nullptr);
  const Endpoint* const broken = AddUnknown("d");
  balancer_.SetAnswers(broken, With("d1", "UNAVAILABLE"));
  EXPECT_EQ(balancer_.BeginElsewhere(kWanted, failed), nullptr);
  const Endpoint* const loading = AddUnknown("e");
  balancer_.SetAnswers(loading, With("d1", "LOADING"));
  EXPECT_EQ(balancer_.BeginElsewhere(kWanted, failed), loading);
  const Endpoint* const other_digest = AddReady("f", "d2");
  EXPECT_EQ(balancer_.BeginElsewhere(kWanted, failed), other_digest);
}

TEST_F(BalancerTest, OneThatIsRemovedIsChosenNoMoreAndGoesWhenItsCallsHaveEnded) {
  const Endpoint* const a = AddReady("a");
  const Endpoint* const b = AddReady("b");
  balancer_.BeginAt(a);
  balancer_.BeginAt(a);
  balancer_.Remove(a);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(balancer_.Begin(kWanted), b);
  EXPECT_EQ(balancer_.BeginAt(a), nullptr);
  EXPECT_EQ(balancer_.Hold(Balancer::Which::kAll), std::vector<const Endpoint*>{b});
  balancer_.End(a, absl::OkStatus());
  EXPECT_FALSE(balancer_.IsIdle(a));
  balancer_.End(a, lost_);
  EXPECT_TRUE(balancer_.IsIdle(a));
  EXPECT_EQ(stats().ready, 1u);
  EXPECT_EQ(stats().calls[static_cast<size_t>(CallOutcome::kLost)], 1u);
}

}  // namespace
}  // namespace souvenir::gateway
