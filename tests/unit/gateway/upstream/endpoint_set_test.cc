#include "gateway/upstream/endpoint_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/status_detail.h"
#include "tests/fakes/fake_upstream.h"
#include "tests/fakes/manual_clock.h"
#include "tests/unit/gateway/test_models.h"

namespace souvenir::gateway {
namespace {

using ::testing::ElementsAre;

using souvenir::state::v1::KnownModels;

constexpr char kName[] = "compute:1";

class EndpointSetTest : public testing::Test {
 protected:
  EndpointSetTest() {
    EndpointSet::Options options;
    options.setting = "compute_addresses";
    options.on_added = [this](const Endpoint& endpoint) {
      endpoints_[endpoint.at.address] = &endpoint;
    };
    options.on_removed = [this](const Endpoint& endpoint) {
      endpoints_.erase(endpoint.at.address);
    };
    options.on_ejected = [this] { ++ejections_; };
    set_ = std::make_unique<EndpointSet>(options, &clock_, [this](const EndpointAddress& at) {
      auto upstream =
          std::make_unique<FakeUpstream>([this, address = at.address] { servers_.erase(address); });
      servers_[at.address] = upstream.get();
      return upstream;
    });
  }
  ~EndpointSetTest() override {
    for (const auto& [address, server] : servers_) {
      server->FailAll(absl::CancelledError("the test is over"));
    }
  }

  void SetAddresses(const std::vector<std::string>& addresses) {
    std::vector<EndpointAddress> all;
    for (const std::string& address : addresses) all.push_back({kName, address});
    set_->SetAddresses(all);
  }

  // Reports that the endpoint has the model "m" with this digest.
  void SetReady(const std::string& address, const std::string& digest = "d1") {
    KnownModels models;
    *models.add_models() = TextModel("m", "in", "out");
    (*models.mutable_models(0)->mutable_metadata()->mutable_properties())["souvenir.digest"] =
        digest;
    set_->SetDescribed(*endpoints_.at(address), std::make_shared<const EndpointModels>(models));
  }

  void StartReady(const std::vector<std::string>& addresses) {
    SetAddresses(addresses);
    for (const std::string& address : addresses) SetReady(address);
  }

  // The outcome of a call.
  struct Outcome {
    std::optional<absl::Status> status;
    std::shared_ptr<Upstream::Call> call;
  };
  std::shared_ptr<Outcome> Ask(const std::string& digest = "d1", size_t rows = 1) {
    auto inference = std::make_shared<Inference>();
    inference->rows = rows;
    inference->model = "m";
    inference->known_version = "1";
    inference->known_digest = digest;
    auto outcome = std::make_shared<Outcome>();
    outcome->call =
        set_->Infer(inference, absl::Seconds(60), [outcome](absl::StatusOr<InferenceAnswer> got) {
          EXPECT_FALSE(outcome->status) << "told twice";
          outcome->status = got.status();
        });
    return outcome;
  }

  // Returns the number of calls at each address.
  std::map<std::string, size_t> calls() {
    std::map<std::string, size_t> calls;
    for (const auto& [address, server] : servers_) calls[address] = server->calls();
    return calls;
  }
  // Returns the address of the only call that is not at `not_at`.
  std::string Where(const std::string& not_at = "") {
    for (const auto& [address, count] : calls()) {
      if (count > 0 && address != not_at) return address;
    }
    return "nowhere";
  }

  Balancer::Stats stats() { return set_->stats().at(kName); }

  static void Answer(const inference::ModelInferRequest&, inference::ModelInferResponse*) {}

  const absl::Status lost_ = absl::UnavailableError("the worker died");
  int ejections_ = 0;
  ManualClock clock_;
  std::map<std::string, FakeUpstream*> servers_;
  std::map<std::string, const Endpoint*> endpoints_;
  std::unique_ptr<EndpointSet> set_;
};

TEST_F(EndpointSetTest, WithoutAnAddressACallFailsAtOnce) {
  const auto outcome = Ask();
  EXPECT_EQ(outcome->status->code(), absl::StatusCode::kUnavailable);
  outcome->call->Cancel();
}

TEST_F(EndpointSetTest, WithoutAnAddressTheSettingIsNamedThatShouldHaveOne) {
  absl::Status status;
  set_->PassOn(Upstream::Operation::kLoad, "", absl::Seconds(1),
               [&](auto responses) { status = responses.status(); });
  EXPECT_EQ(status, absl::UnavailableError("no address is known yet for compute_addresses"));
}

TEST_F(EndpointSetTest, ACallOfSeveralRowsThatKilledAWorkerOrAServerIsNotMadeAgain) {
  StartReady({"a", "b"});
  for (const RowFault fault : {RowFault::kLostAtServer, RowFault::kLostWithServer}) {
    const absl::Status died = WithRowFault(lost_, fault);
    const auto several = Ask("d1", /*rows=*/2);
    for (const auto& [address, server] : servers_) server->FailAll(died);
    EXPECT_EQ(several->status, died);
  }
  EXPECT_EQ(servers_["a"]->calls() + servers_["b"]->calls(), 2u);
  EXPECT_EQ(stats().retries, 0u);
  EXPECT_EQ(stats().outstanding, 0u);
}

TEST_F(EndpointSetTest, ARowThatKillsWorkersIsAskedForTwiceAndTakesNoEndpointFromOthers) {
  StartReady({"a", "b"});
  const absl::Status died = WithRowFault(lost_, RowFault::kLostAtServer);
  for (int i = 0; i < 10; ++i) {
    const auto deadly = Ask();
    // The second call may begin at either, after the first one has ended.
    for (int attempt = 0; attempt < 2; ++attempt) {
      for (const auto& [address, server] : servers_) server->FailAll(died);
    }
    EXPECT_EQ(deadly->status, died) << "and not that no compute service answers";
  }
  EXPECT_EQ(servers_["a"]->calls(), 10u) << "each is made once more at the other";
  EXPECT_EQ(servers_["b"]->calls(), 10u);
  EXPECT_EQ(stats().retries, 10u);
  EXPECT_EQ(stats().ready, 2u);
  EXPECT_EQ(stats().ejections, 0u);
  EXPECT_EQ(ejections_, 0);
}

TEST_F(EndpointSetTest, WhereTheOtherIsAwayALostWorkerIsToldAsWhatItIs) {
  StartReady({"a", "b"});
  set_->SetDescribed(*endpoints_.at("b"), absl::UnavailableError("compute at b: refused"));
  const absl::Status died = WithRowFault(lost_, RowFault::kLostAtServer);
  const auto deadly = Ask();
  servers_["a"]->FailAll(died);
  EXPECT_EQ(deadly->status, died);
  EXPECT_THAT(calls(), ElementsAre(std::pair("a", 2), std::pair("b", 0)));
}

TEST_F(EndpointSetTest, ACallThatWasLostIsMadeOnceMoreAtAnother) {
  StartReady({"a", "b"});
  const auto outcome = Ask();
  const std::string first = Where();
  servers_[first]->Fail(0, lost_);
  EXPECT_FALSE(outcome->status);
  const std::string second = Where(first);
  ASSERT_NE(second, "nowhere");
  servers_[second]->Answer(0, Answer);
  EXPECT_TRUE(outcome->status->ok());
  EXPECT_EQ(stats().retries, 1u);
  EXPECT_EQ(stats().outstanding, 0u);
}

TEST_F(EndpointSetTest, ThereIsNoThirdTry) {
  StartReady({"a", "b", "c"});
  const auto outcome = Ask();
  for (int i = 0; i < 2; ++i) {
    for (const auto& [address, server] : servers_) {
      if (server->calls() > 0) server->Fail(0, lost_);
    }
  }
  EXPECT_EQ(*outcome->status, lost_);
  EXPECT_EQ(stats().calls[static_cast<size_t>(CallOutcome::kLost)], 2u);
}

TEST_F(EndpointSetTest, WhereThereIsNoOtherTheSameIsAskedAgain) {
  StartReady({"a", "b"});
  set_->SetDescribed(*endpoints_.at("b"), lost_);
  const auto outcome = Ask();
  servers_["a"]->Fail(0, lost_);
  ASSERT_THAT(calls(), ElementsAre(std::pair("a", 2), std::pair("b", 0)));
  servers_["a"]->Answer(1, Answer);
  EXPECT_TRUE(outcome->status->ok());
}

TEST_F(EndpointSetTest, AFullQueueIsNoReasonToAskTheSameAgainButAnother) {
  StartReady({"a", "b"});
  const absl::Status full = absl::ResourceExhaustedError("the queue is full");
  auto outcome = Ask();
  const std::string first = Where();
  servers_[first]->Fail(0, full);
  const std::string second = Where(first);
  ASSERT_NE(second, "nowhere");
  servers_[second]->Fail(0, full);
  EXPECT_EQ(*outcome->status, full);

  SetAddresses({first});
  outcome = Ask();
  servers_[first]->Fail(1, full);
  EXPECT_EQ(*outcome->status, full);
  EXPECT_EQ(servers_[first]->calls(), 2u);
}

TEST_F(EndpointSetTest, OtherErrorsAreAnswers) {
  StartReady({"a", "b"});
  size_t made = 0;
  for (const absl::Status& status :
       {absl::DeadlineExceededError("x"), absl::InvalidArgumentError("x"), absl::InternalError("x"),
        absl::NotFoundError("x"), absl::CancelledError("x")}) {
    const auto outcome = Ask();
    for (const auto& [address, server] : servers_) server->FailAll(status);
    EXPECT_EQ(*outcome->status, status);
    EXPECT_EQ(servers_["a"]->calls() + servers_["b"]->calls(), ++made);
  }
}

TEST_F(EndpointSetTest, ACallThatWasCancelledIsNotMadeAgain) {
  StartReady({"a", "b"});
  const auto outcome = Ask();
  const std::string first = Where();
  outcome->call->Cancel();
  EXPECT_TRUE(servers_[first]->cancelled(0));
  EXPECT_EQ(outcome->status->code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(Where(first), "nowhere");
}

TEST_F(EndpointSetTest, ACancelReachesTheSecondTry) {
  StartReady({"a", "b"});
  const auto outcome = Ask();
  const std::string first = Where();
  servers_[first]->Fail(0, lost_);
  outcome->call->Cancel();
  EXPECT_TRUE(servers_[Where(first)]->cancelled(0));
  EXPECT_EQ(outcome->status->code(), absl::StatusCode::kCancelled);
  outcome->call->Cancel();
}

TEST_F(EndpointSetTest, BothTriesTogetherHaveTheTimeOfOne) {
  StartReady({"a"});
  auto outcome = Ask();
  EXPECT_EQ(servers_["a"]->timeout(0), absl::Seconds(60));
  clock_.Advance(absl::Seconds(45));
  servers_["a"]->Fail(0, lost_);
  EXPECT_EQ(servers_["a"]->timeout(1), absl::Seconds(15));
  clock_.Advance(absl::Seconds(15));
  servers_["a"]->Fail(1, lost_);
  EXPECT_EQ(*outcome->status, lost_);

  outcome = Ask();
  clock_.Advance(absl::Seconds(60));
  servers_["a"]->Fail(2, lost_);
  EXPECT_EQ(*outcome->status, lost_);
  EXPECT_EQ(servers_["a"]->calls(), 3u);
}

TEST_F(EndpointSetTest, AnUpstreamThatAnswersBeforeItsCallReturnsIsUnderstood) {
  StartReady({"a"});
  servers_["a"]->AnswerAllWith(Answer);
  const auto outcome = Ask();
  EXPECT_TRUE(outcome->status->ok());
  outcome->call->Cancel();
  EXPECT_EQ(stats().outstanding, 0u);
}

TEST_F(EndpointSetTest, ModelsThatAreLeftOutAreThoseOfAllEndpointsThatAreThere) {
  StartReady({"a", "b"});
  servers_["a"]->LeaveOut(2);
  servers_["b"]->LeaveOut(3);
  EXPECT_EQ(stats().left_out, 5u);
  SetAddresses({"b"});
  EXPECT_EQ(stats().left_out, 3u);
}

TEST_F(EndpointSetTest, WhileReplicasDifferCallsGoToThoseWithTheDigest) {
  StartReady({"a", "b", "c"});
  SetReady("c", "d2");
  for (int i = 0; i < 6; ++i) Ask("d2");
  EXPECT_THAT(calls(), ElementsAre(std::pair("a", 0), std::pair("b", 0), std::pair("c", 6)));
  for (int i = 0; i < 6; ++i) Ask("d1");
  EXPECT_THAT(calls(), ElementsAre(std::pair("a", 3), std::pair("b", 3), std::pair("c", 6)));
}

TEST_F(EndpointSetTest, WithAllAwayTheDetailNamesAllAndTheAnswerNone) {
  StartReady({"a", "b"});
  for (const char* address : {"a", "b"}) {
    set_->SetDescribed(*endpoints_.at(address),
                       absl::UnavailableError(std::string("compute at ") + address + ": refused"));
  }
  const auto outcome = Ask();
  for (int i = 0; i < 2; ++i) {
    for (const auto& [address, server] : servers_) {
      server->FailAll(absl::UnavailableError("compute at " + address + ": refused"));
    }
  }
  EXPECT_EQ(outcome->status->message(), "none of 2 compute services answers");
  EXPECT_EQ(DetailOf(*outcome->status),
            "none of 2 compute services answers: compute at a: refused; compute at b: refused");
}

TEST_F(EndpointSetTest, AnEjectionIsTold) {
  StartReady({"a"});
  for (size_t i = 0; i < 4; ++i) {
    if (i % 2 == 0) Ask();
    servers_["a"]->Fail(i, lost_);
  }
  EXPECT_EQ(ejections_, 1);
}

TEST_F(EndpointSetTest, AnEndpointThatLeavesAnswersWhatItHasAndThenGoes) {
  StartReady({"a"});
  const auto outcome = Ask();
  SetAddresses({"b"});
  SetReady("b");
  EXPECT_EQ(endpoints_.count("a"), 0u);
  Ask();
  EXPECT_EQ(servers_["b"]->calls(), 1u);
  servers_["a"]->Answer(0, Answer);
  EXPECT_TRUE(outcome->status->ok());
  EXPECT_EQ(servers_.count("a"), 1u);
  SetAddresses({"b"});
  EXPECT_EQ(servers_.count("a"), 0u) << "closed on the thread that changes addresses";
  EXPECT_EQ(stats().ready, 1u);
  EXPECT_EQ(stats().calls[static_cast<size_t>(CallOutcome::kOk)], 1u);
}

TEST_F(EndpointSetTest, ACallThatIsLostWithAnEndpointThatLeftIsMadeAtOneThatIsThere) {
  StartReady({"a"});
  const auto outcome = Ask();
  SetAddresses({"b"});
  SetReady("b");
  servers_["a"]->Fail(0, lost_);
  servers_["b"]->Answer(0, Answer);
  EXPECT_TRUE(outcome->status->ok());
}

TEST_F(EndpointSetTest, LoadingIsPassedOnToAllAndAllMustHaveDoneIt) {
  StartReady({"a", "b"});
  const auto load = [this] {
    std::optional<absl::Status> status;
    set_->PassOn(Upstream::Operation::kLoad, "", absl::Seconds(1),
                 [&](auto responses) { status = responses.status(); });
    return *status;
  };
  for (const auto& [address, server] : servers_) server->SetRepositoryStatus(absl::OkStatus());
  EXPECT_TRUE(load().ok());
  servers_["b"]->SetRepositoryStatus(absl::NotFoundError("no model 'x'"));
  EXPECT_EQ(load().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(load().message(), "1 of 2 compute services have done it; no model 'x'");
  EXPECT_EQ(DetailOf(load()), "b: no model 'x'");
  SetAddresses({"b"});
  EXPECT_EQ(load(), absl::NotFoundError("no model 'x'"));
  SetAddresses({});
  EXPECT_EQ(load().code(), absl::StatusCode::kUnavailable);
}

TEST_F(EndpointSetTest, ALoadThatIsCancelledIsGivenUpAtAllAndAnswersOnce) {
  StartReady({"a", "b"});
  for (const auto& [address, server] : servers_) server->HoldPassedOn();
  std::vector<absl::StatusCode> answers;
  const std::shared_ptr<Upstream::Call> call =
      set_->PassOn(Upstream::Operation::kLoad, "", absl::Seconds(1),
                   [&](auto responses) { answers.push_back(responses.status().code()); });
  EXPECT_THAT(answers, testing::IsEmpty());
  call->Cancel();
  call->Cancel();
  EXPECT_THAT(answers, testing::ElementsAre(absl::StatusCode::kCancelled));
}

TEST_F(EndpointSetTest, StatisticsAreThoseOfTheEndpointsThatAnswer) {
  StartReady({"a", "b", "c"});
  inference::ModelStatisticsResponse of_a;
  of_a.add_model_stats()->set_name("a");
  servers_["a"]->SetStatistics(of_a);
  inference::ModelStatisticsResponse of_b;
  of_b.add_model_stats()->set_name("b");
  servers_["b"]->SetStatistics(of_b);
  servers_["c"]->SetStatistics(absl::NotFoundError("no model 'm'"));

  absl::StatusOr<std::vector<std::string>> responses;
  const auto ask = [&] {
    set_->PassOn(Upstream::Operation::kStatistics, "", absl::Seconds(1),
                 [&](auto answer) { responses = std::move(answer); });
  };
  ask();
  ASSERT_TRUE(responses.ok()) << responses.status();
  EXPECT_THAT(*responses,
              testing::UnorderedElementsAre(of_a.SerializeAsString(), of_b.SerializeAsString()));

  SetAddresses({"c"});
  ask();
  EXPECT_EQ(responses.status(), absl::NotFoundError("no model 'm'"));
}

}  // namespace
}  // namespace souvenir::gateway
