#include "gateway/resolve/upstream_queues.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/souvenir_names.h"
#include "tests/unit/gateway/resolve/resolver_fixture.h"

namespace souvenir::gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

// A resolver that makes one call at a time, so that rows wait.
class UpstreamQueuesTest : public ResolverTest {
 protected:
  UpstreamQueuesTest() {
    upstream_options_ = {.max_waiting_rows = 100, .max_calls = 1, .first_calls = 1};
    call_timeout_ = absl::Hours(1);  // different callers share a call up to the model's batch size
    DropMemory();
  }

  // Returns the texts of a call.
  std::vector<std::string> Texts(size_t call) {
    std::vector<std::string> texts;
    BytesElementReader reader(upstream_.request(call).raw_input_contents(0));
    while (const auto text = reader.Next()) texts.emplace_back(*text);
    return texts;
  }

  std::shared_ptr<TestCall> AskAs(const std::string& tenant, const std::vector<std::string>& texts,
                                  int64_t priority = 0) {
    auto call = std::make_shared<TestCall>(target_->ForTenant(tenant), texts);
    call->options.priority = priority;
    resolver_->Resolve(call);
    executor_.RunAll();
    return call;
  }

  // The limits of time that a model's description has, in milliseconds; "" for none.
  struct Limits {
    std::string hanging_row;  // a property
    std::string run;          // a property
    std::string parameter;    // run_limit_ms of its configuration
  };

  // Makes target_ a model of 100 rows a call with these limits.
  void AskModelThatTells(const Limits& limits) {
    souvenir::state::v1::KnownModels models;
    auto* const model = models.add_models();
    *model = TextModel("m", "in", "out");
    model->mutable_config()->set_max_batch_size(100);
    auto& properties = *model->mutable_metadata()->mutable_properties();
    if (!limits.hanging_row.empty()) properties[kHangingRowLimitName] = limits.hanging_row;
    if (!limits.run.empty()) properties[kRunLimitName] = limits.run;
    if (!limits.parameter.empty()) {
      (*model->mutable_config()->mutable_parameters())["run_limit_ms"].set_string_value(
          limits.parameter);
    }
    catalogs_.push_back(std::make_unique<Catalog>(Catalog::Options{}));
    catalogs_.back()->Update(models);
    target_ = std::make_shared<const Target>(
        Target::Spec{.model = *catalogs_.back()->snapshot()->Find("m", ""), .by_rows = true});
  }

  // Returns how many of 20 rows of different callers go in one call to such a model.
  size_t StrangersTogether(const Limits& limits) {
    DropMemory();
    AskModelThatTells(limits);
    size_t call = upstream_.calls();
    // The texts are new each time, because the cache outlives the resolver.
    Ask({fmt::format("first {}", call)});
    for (int i = 0; i < 20; ++i) Ask({fmt::format("{} {}", i, call)});
    upstream_.Answer(call++, Bracket);
    const size_t together = Texts(call).size();
    for (; call < upstream_.calls(); ++call) upstream_.Answer(call, Bracket);
    return together;
  }

  UpstreamQueues::Stats stats() { return resolver_->upstream().at(0); }
};

TEST_F(UpstreamQueuesTest, ARowGoesAtOnceWhileAPlaceIsFree) {
  Ask({"a"});
  ASSERT_EQ(upstream_.calls(), 1u);
  EXPECT_EQ(stats().calls_under_way, 1u);
  EXPECT_EQ(stats().waiting_rows, 0u);
}

TEST_F(UpstreamQueuesTest, QueuesOfModelsThatHaveGoneAreDroppedWhenTheyAreIdle) {
  const auto first = Ask({"a"});
  const auto second = Ask({"b"});
  std::vector<std::string> asked;
  const auto none = [&](std::string_view model) {
    asked.emplace_back(model);
    return false;
  };
  resolver_->Forget(none);
  EXPECT_THAT(asked, ElementsAre(target_->model().name()));
  ASSERT_EQ(resolver_->upstream().size(), 1u) << "a call is under way, and a row waits";
  upstream_.Answer(0, Bracket);
  upstream_.Answer(1, Bracket);
  EXPECT_EQ(second->text(0), "<b>");
  resolver_->Forget([](std::string_view) { return true; });
  EXPECT_EQ(resolver_->upstream().size(), 1u);
  resolver_->Forget(none);
  EXPECT_TRUE(resolver_->upstream().empty());
  Ask({"c"});
  upstream_.Answer(2, Bracket);
  EXPECT_EQ(stats().calls, 1u);
}

TEST_F(UpstreamQueuesTest, RowsOfDifferentCallersThatWaitGoTogether) {
  const auto first = Ask({"a"});
  const auto second = Ask({"b"});
  const auto third = Ask({"c", "d"});
  EXPECT_EQ(upstream_.calls(), 1u);
  EXPECT_EQ(stats().waiting_rows, 3u);
  upstream_.Answer(0, Bracket);
  ASSERT_EQ(upstream_.calls(), 2u);
  EXPECT_THAT(Texts(1), ElementsAre("b", "c", "d"));
  upstream_.Answer(1, Bracket);
  EXPECT_EQ(first->text(0), "<a>");
  EXPECT_EQ(second->text(0), "<b>");
  EXPECT_EQ(third->text(1), "<d>");
  EXPECT_EQ(stats().calls, 2u);
  EXPECT_EQ(stats().rows, 4u);
  EXPECT_EQ(stats().calls_under_way, 0u);
}

TEST_F(UpstreamQueuesTest, ACallHasNoMoreRowsThanTheModelTakes) {
  Ask({"0"});
  for (int i = 1; i <= 6; ++i) Ask({std::to_string(i)});
  upstream_.Answer(0, Bracket);
  EXPECT_THAT(Texts(1), ElementsAre("1", "2", "3", "4"));
  upstream_.Answer(1, Bracket);
  EXPECT_THAT(Texts(2), ElementsAre("5", "6"));
}

TEST_F(UpstreamQueuesTest, TenantsShareACall) {
  AskAs("", {"0"});
  for (int i = 1; i <= 8; ++i) AskAs("many", {fmt::format("m{}", i)});
  AskAs("few", {"f1"});
  upstream_.Answer(0, Bracket);
  EXPECT_THAT(Texts(1), ElementsAre("m1", "f1", "m2", "m3"));
}

TEST_F(UpstreamQueuesTest, AnswersOfASharedCallAreKeptByTenant) {
  AskAs("", {"0"});
  AskAs("a", {"x"});
  AskAs("b", {"x"});
  upstream_.Answer(0, Bracket);
  EXPECT_THAT(Texts(1), ElementsAre("x", "x")) << "tenants share no answer";
  upstream_.Answer(1, Bracket);
  EXPECT_EQ(Kinds(*AskAs("a", {"x"})), std::vector{kMemory});
  EXPECT_EQ(Kinds(*AskAs("b", {"x"})), std::vector{kMemory});
  AskAs("c", {"x"});
  EXPECT_EQ(upstream_.calls(), 3u);
}

TEST_F(UpstreamQueuesTest, UrgentRowsGoFirstAndTheCallIsAsUrgent) {
  AskAs("", {"0"});
  AskAs("", {"default"});
  AskAs("", {"urgent"}, /*priority=*/1);
  upstream_.Answer(0, Bracket);
  EXPECT_THAT(Texts(1), ElementsAre("urgent", "default"));
  EXPECT_EQ(upstream_.request(1).parameters().at("priority").int64_param(), 1);
}

TEST_F(UpstreamQueuesTest, OnlyTheSameQuestionsGoTogether) {
  Ask({"0"});
  Ask({"plain"});
  Target::Spec spec{.model = target_->model_ptr(), .by_rows = true};
  spec.parameters = {{"style", std::string("formal")}};
  const auto formal = std::make_shared<TestCall>(std::make_shared<const Target>(spec),
                                                 std::vector<std::string>{"formal"});
  resolver_->Resolve(formal);
  executor_.RunAll();
  upstream_.Answer(0, Bracket);
  EXPECT_THAT(Texts(1), ElementsAre("plain"));
  upstream_.Answer(1, Bracket);
  EXPECT_THAT(Texts(2), ElementsAre("formal"));
  EXPECT_EQ(upstream_.request(2).parameters().at("style").string_param(), "formal");
}

TEST_F(UpstreamQueuesTest, ARowThatNobodyWaitsForLeavesTheQueue) {
  Ask({"0"});
  const auto gone = Ask({"gone"});
  const auto stays = Ask({"stays"});
  resolver_->Cancel(gone, absl::CancelledError("gone"));
  EXPECT_EQ(stats().waiting_rows, 1u);
  EXPECT_EQ(resolver_->flights().in_progress, 2u);
  upstream_.Answer(0, Bracket);
  EXPECT_THAT(Texts(1), ElementsAre("stays"));
  const auto again = Ask({"gone"});
  upstream_.Answer(1, Bracket);
  EXPECT_THAT(Texts(2), ElementsAre("gone"));
}

TEST_F(UpstreamQueuesTest, ACallerThatLeavesASharedCallCostsTheOthersNothing) {
  Ask({"0"});
  const auto leaves = Ask({"a"});
  const auto stays = Ask({"b"});
  upstream_.Answer(0, Bracket);
  resolver_->Cancel(leaves, absl::CancelledError("gone"));
  EXPECT_FALSE(upstream_.cancelled(1));
  upstream_.Answer(1, Bracket);
  EXPECT_EQ(stays->text(0), "<b>");
  EXPECT_EQ(Kinds(*Ask({"a"})), std::vector{kMemory}) << "what was computed is remembered";
}

TEST_F(UpstreamQueuesTest, ASharedCallThatAllHaveLeftIsFinishedWithinTheBudget) {
  Ask({"0"});
  const auto a = Ask({"a"});
  const auto b = Ask({"b"});
  upstream_.Answer(0, Bracket);
  for (const auto& call : {a, b}) resolver_->Cancel(call, absl::CancelledError("gone"));
  EXPECT_EQ(resolver_->deserted().calls, 1u);
  EXPECT_GT(resolver_->deserted().bytes, 0u);
  upstream_.Answer(1, Bracket);
  EXPECT_EQ(resolver_->deserted().calls, 0u);
  EXPECT_EQ(resolver_->deserted().bytes, 0u);
  EXPECT_EQ(Kinds(*Ask({"a", "b"})), std::vector(2, kMemory));
}

TEST_F(UpstreamQueuesTest, ABadRowCostsStrangersOneRepeat) {
  Ask({"0"});
  const auto good = Ask({"good"});
  const auto bad = Ask({"bad"});
  upstream_.Answer(0, Bracket);
  upstream_.Fail(1, absl::InvalidArgumentError("a row is bad"));
  for (size_t call = 2; call < 4; ++call) {
    ASSERT_EQ(upstream_.calls(), call + 1) << "one at a time, as the limit is";
    EXPECT_EQ(stats().calls_under_way, 1u);
    if (HasBad(upstream_.request(call))) {
      upstream_.Fail(call, absl::InvalidArgumentError("this row is bad"));
    } else {
      upstream_.Answer(call, Bracket);
    }
  }
  EXPECT_EQ(stats().calls, 4u);
  EXPECT_EQ(good->text(0), "<good>");
  EXPECT_EQ(bad->text(0), "this row is bad");
}

TEST_F(UpstreamQueuesTest, AnAnswerThatIsTooLargeAndAWorkerThatDiesCostStrangersOneRepeat) {
  for (const absl::Status& status :
       {WithRowFault(absl::ResourceExhaustedError("larger than the limit"),
                     RowFault::kTooLargeAnswer),
        WithRowFault(absl::UnavailableError("compute: the worker died"),
                     RowFault::kLostAtServer)}) {
    DropMemory();
    const std::string code = absl::StatusCodeToString(status.code());
    const size_t before = upstream_.calls();
    Ask({"first " + code});
    const auto a = Ask({"a " + code});
    const auto b = Ask({"b " + code});
    upstream_.Answer(before, Bracket);
    upstream_.Fail(before + 1, status);
    ASSERT_EQ(upstream_.calls(), before + 3) << status;
    upstream_.Answer(before + 2, Bracket);
    ASSERT_EQ(upstream_.calls(), before + 4);
    upstream_.Answer(before + 3, Bracket);
    EXPECT_EQ(a->text(0), "<a " + code + ">");
    EXPECT_EQ(b->text(0), "<b " + code + ">");
  }
}

TEST_F(UpstreamQueuesTest, WhileComputeIsAwayNothingIsRepeated) {
  Ask({"0"});
  const auto a = Ask({"a"});
  const auto b = Ask({"b"});
  upstream_.Answer(0, Bracket);
  upstream_.Fail(1, absl::UnavailableError("compute cannot be reached"));
  EXPECT_EQ(upstream_.calls(), 2u);
  EXPECT_EQ(a->text(0), "compute cannot be reached");
  EXPECT_EQ(b->text(0), "compute cannot be reached");
}

TEST_F(UpstreamQueuesTest, EachCallersDirectivesHoldInASharedCall) {
  Ask({"0"});
  const auto kept = Ask({"kept"});
  const auto not_kept = Ask({"not kept"}, "no-store");
  upstream_.Answer(0, Bracket);
  upstream_.Answer(1, Bracket);
  EXPECT_EQ(not_kept->text(0), "<not kept>");
  EXPECT_EQ(Kinds(*Ask({"kept"})), std::vector{kMemory});
  EXPECT_FALSE(Ask({"not kept"})->done());
}

TEST_F(UpstreamQueuesTest, TheQueueIsBoundedAndOthersFindRoom) {
  Ask({"0"});
  for (int i = 0; i < 50; ++i) AskAs("greedy", {std::to_string(i)});
  const auto refused = AskAs("greedy", {"one more"});
  ASSERT_TRUE(refused->done());
  EXPECT_EQ(refused->answer(0).status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(refused->text(0), HasSubstr("too many rows wait for model 'm'"));
  EXPECT_EQ(stats().refused, 1u);
  EXPECT_FALSE(AskAs("other", {"x"})->done());
}

TEST_F(UpstreamQueuesTest, ARequestThatFindsRoomComesInWhole) {
  upstream_options_.max_waiting_rows = 2;
  DropMemory();
  const auto four = Ask({"a", "b", "c", "d"});
  ASSERT_EQ(upstream_.calls(), 1u);
  EXPECT_EQ(Ask({"e"})->done(), false);
  EXPECT_EQ(Ask({"f"})->answer(0).status.code(), absl::StatusCode::kResourceExhausted);
  upstream_.Answer(0, Bracket);
  EXPECT_EQ(four->text(3), "<d>");
}

// A server that does not tell its limit is taken to run a row for ten seconds.
TEST_F(UpstreamQueuesTest, StrangersShareACallOnlyAsFarAsOneThatHangsIsEndedInTime) {
  call_timeout_ = absl::Minutes(1);
  DropMemory();
  AskModelThatTells({});
  Ask({"0"});
  for (int i = 1; i <= 5; ++i) Ask({std::to_string(i)});
  upstream_.Answer(0, Bracket);
  EXPECT_THAT(Texts(1), ::testing::SizeIs(3));
  upstream_.Answer(1, Bracket);
  EXPECT_THAT(Texts(2), ::testing::SizeIs(2));
  std::vector<std::string> many;
  for (int i = 0; i < 20; ++i) many.push_back("own" + std::to_string(i));
  Ask(many);
  upstream_.Answer(2, Bracket);
  EXPECT_THAT(Texts(3), ::testing::SizeIs(20)) << "one caller's rows are its own affair";
  upstream_.Answer(3, Bracket);
  target_ = nullptr;
}

// Half of the call's minute is for the call, and half for the rows by themselves.
TEST_F(UpstreamQueuesTest, TheLimitThatComputeTellsBoundsTheStrangersOfACall) {
  call_timeout_ = absl::Minutes(1);
  EXPECT_EQ(StrangersTogether({.run = "2000"}), 15u);
  EXPECT_EQ(StrangersTogether({.run = "10000"}), 3u);
  EXPECT_EQ(StrangersTogether({.run = "15000"}), 2u);
  EXPECT_EQ(StrangersTogether({.run = "15001"}), 1u);
  EXPECT_EQ(StrangersTogether({.run = "45000"}), 1u);
  EXPECT_EQ(StrangersTogether({.run = "1000000"}), 1u) << "it outlasts the call even alone";
}

TEST_F(UpstreamQueuesTest, AToldLimitThatIsNoTimeLetsNoStrangersShareACall) {
  call_timeout_ = absl::Minutes(1);
  for (const char* told : {"0", "-1", "soon"}) {
    EXPECT_EQ(StrangersTogether({.run = told}), 1u) << told;
  }
}

TEST_F(UpstreamQueuesTest, TheModelsOwnParameterCountsWhereComputeTellsNoLimit) {
  call_timeout_ = absl::Minutes(1);
  EXPECT_EQ(StrangersTogether({.parameter = "5000"}), 6u);
  EXPECT_EQ(StrangersTogether({.parameter = "soon"}), 3u);
  EXPECT_EQ(StrangersTogether({.run = "2000", .parameter = "5000"}), 15u);
}

TEST_F(UpstreamQueuesTest, StrangersShareACallWithoutABoundWhereEachRowIsEndedByItself) {
  call_timeout_ = absl::Minutes(1);
  DropMemory();
  AskModelThatTells({.hanging_row = "30000", .run = "30000"});
  Ask({"0"});
  for (int i = 1; i <= 20; ++i) Ask({std::to_string(i)});
  upstream_.Answer(0, Bracket);
  EXPECT_THAT(Texts(1), ::testing::SizeIs(20));
  upstream_.Answer(1, Bracket);
}

TEST_F(UpstreamQueuesTest, StrangersShareNoCallThatOneThatHangsOutlasts) {
  call_timeout_ = absl::Minutes(1);
  for (const char* told : {"30001", "0", "-1", "soon"}) {
    DropMemory();
    AskModelThatTells({.hanging_row = told, .run = "1000"});
    const size_t first = upstream_.calls();
    Ask({fmt::format("0 {}", told)});
    for (int i = 1; i <= 2; ++i) Ask({fmt::format("{} {}", i, told)});
    for (size_t call = first; call < first + 3; ++call) {
      EXPECT_THAT(Texts(call), ::testing::SizeIs(1)) << told;
      upstream_.Answer(call, Bracket);
    }
  }
}

// Each call that ends sends the next one. Nested calls would be as deep as the queue is long.
TEST_F(UpstreamQueuesTest, ALongQueueFailsAtOnceWhenComputeGoesAway) {
  upstream_options_ = {.max_waiting_rows = 100'000, .max_calls = 1, .first_calls = 1};
  resolver_ = nullptr;
  cache_ = nullptr;
  OpenWith(
      {.flights = {.max_flights = 20'000, .max_waiters = 20'000}, .upstream = upstream_options_});
  std::vector<std::shared_ptr<TestCall>> calls = {Ask({"0"})};
  for (int i = 1; i < 10'000; ++i) calls.push_back(Ask({std::to_string(i)}));
  upstream_.FailAllWith(absl::UnavailableError("compute cannot be reached"));
  upstream_.Fail(0, absl::UnavailableError("compute cannot be reached"));
  for (const auto& call : calls) ASSERT_TRUE(call->done());
  EXPECT_EQ(stats().waiting_rows, 0u);
}

TEST_F(UpstreamQueuesTest, AServerThatComesIsUsedBeforeWhatIsUnderWayEnds) {
  upstream_options_ = {.max_waiting_rows = 100, .max_calls = 8};
  DropMemory();
  for (const char* text : {"a", "b", "c"}) Ask({text});
  ASSERT_EQ(upstream_.calls(), 2u) << "one runs, and one waits there";
  upstream_.SetServers(2);
  Ask({"d"});
  ASSERT_EQ(upstream_.calls(), 3u);
  EXPECT_THAT(Texts(2), ElementsAre("c", "d"));
  upstream_.SetServers(1);
  Ask({"e"});
  EXPECT_EQ(stats().call_limit, 2);
}

TEST_F(UpstreamQueuesTest, ACountOfInstancesThatCannotBeIsBounded) {
  upstream_options_ = {.max_waiting_rows = 100, .max_calls = 8};
  DropMemory();
  Ask({"a"});
  upstream_.Answer(0, [](const auto& request, auto* response) {
    Bracket(request, response);
    (*response->mutable_parameters())["souvenir.instances"].set_int64_param(INT64_MAX);
  });
  upstream_.SetServers(SIZE_MAX / 2);
  for (int i = 0; i < 10; ++i) Ask({std::to_string(i)});
  EXPECT_EQ(upstream_.calls(), 9u);
  EXPECT_EQ(stats().call_limit, 8);
}

TEST_F(UpstreamQueuesTest, RowsAreSharedOutAmongInstances) {
  upstream_options_ = {.max_waiting_rows = 100, .max_calls = 8, .first_calls = 1};
  DropMemory();
  Ask({"0"});
  upstream_.Answer(0, [](const auto& request, auto* response) {
    Bracket(request, response);
    (*response->mutable_parameters())["souvenir.instances"].set_int64_param(2);
  });
  // Lets the limit grow, because no call waits at compute.
  for (size_t call = 1; stats().call_limit < 3; ++call) {
    Ask({"teach" + std::to_string(call)});
    clock_.Advance(absl::Milliseconds(10));
    upstream_.Answer(call, [](const auto& request, auto* response) {
      Bracket(request, response);
      (*response->mutable_parameters())["souvenir.queue_ns"].set_int64_param(0);
    });
    ASSERT_LT(call, 100u);
  }
  const size_t before = upstream_.calls();
  Ask({"a", "b", "c", "d"});
  ASSERT_EQ(upstream_.calls(), before + 2);
  EXPECT_THAT(Texts(before), ElementsAre("a", "b"));
  EXPECT_THAT(Texts(before + 1), ElementsAre("c", "d"));
}

}  // namespace
}  // namespace souvenir::gateway
