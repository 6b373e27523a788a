#include "gateway/resolve/resolver.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <thread>

#include "common/oip/message_tensors.h"
#include "common/tensor/bytes_elements.h"
#include "common/tensor/tensor_codec.h"
#include "tests/fakes/fake_upstream.h"
#include "tests/fakes/manual_clock.h"
#include "tests/fakes/manual_executor.h"
#include "tests/unit/cache/test_entries.h"
#include "tests/unit/gateway/resolve/resolver_fixture.h"
#include "tests/unit/gateway/test_models.h"

namespace souvenir::gateway {
namespace {

TEST_F(ResolverTest, AMissIsComputedAndThenRemembered) {
  const auto first = Ask({"a"});
  EXPECT_FALSE(first->done());
  ASSERT_EQ(upstream_.calls(), 1u);
  upstream_.Answer(0, Bracket);
  ASSERT_TRUE(first->done());
  EXPECT_EQ(first->text(0), "<a>");
  EXPECT_EQ(Kinds(*first), std::vector{kMiss});

  const auto second = Ask({"a"});
  ASSERT_TRUE(second->done());
  EXPECT_EQ(second->text(0), "<a>");
  EXPECT_EQ(Kinds(*second), std::vector{kMemory});
  EXPECT_EQ(upstream_.calls(), 1u);
  EXPECT_EQ(target_->model().counters->saved(), absl::Milliseconds(2));
}

TEST_F(ResolverTest, OnlyMissingRowsGoUpstreamInOneCallAndComeBackInOrder) {
  upstream_.AnswerAllWith(Bracket);
  Ask({"b", "d"});
  const auto call = Ask({"a", "b", "c", "d", "a"});
  ASSERT_TRUE(call->done());
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(call->text(i), fmt::format("<{}>", std::string(1, "abcda"[i])));
  }
  EXPECT_EQ(Kinds(*call), (std::vector{kMiss, kMemory, kMiss, kMemory, kCoalesced}));
  ASSERT_EQ(upstream_.calls(), 2u);
  EXPECT_EQ(upstream_.request(1).inputs(0).shape(0), 2);
  EXPECT_EQ(upstream_.request(1).raw_input_contents(0),
            FrameBytesElement("a") + FrameBytesElement("c"));
}

TEST_F(ResolverTest, MoreRowsThanTheModelTakesAreAskedInParts) {
  upstream_.AnswerAllWith(Bracket);
  const auto call = Ask({"1", "2", "3", "4", "5", "6"});
  ASSERT_TRUE(call->done());
  EXPECT_EQ(call->text(5), "<6>");
  ASSERT_EQ(upstream_.calls(), 2u);
  EXPECT_EQ(upstream_.request(0).inputs(0).shape(0), 4);
  EXPECT_EQ(upstream_.request(1).inputs(0).shape(0), 2);
}

TEST_F(ResolverTest, WhatMemoryHasLostIsFoundOnDisk) {
  upstream_.AnswerAllWith(Bracket);
  Ask({"a"});
  cache_->Flush();
  ASSERT_TRUE(cache_->LookupMemory(target_->FingerprintOf(
                  {TensorView{"in", DataType::kBytes, kRow, FrameBytesElement("a")}})) != nullptr);
  // A restart keeps the directory and drops the memory.
  DropMemory();
  const auto call = Ask({"a", "b"});
  ASSERT_TRUE(call->done());
  EXPECT_EQ(Kinds(*call), (std::vector{kDisk, kMiss}));
  EXPECT_EQ(call->text(0), "<a>");
  EXPECT_EQ(upstream_.request(1).inputs(0).shape(0), 1);
  EXPECT_EQ(Kinds(*Ask({"a"})), std::vector{kMemory});
}

TEST_F(ResolverTest, ALargeBatchIsNotReadFromDiskWhereItIsHandled) {
  std::vector<std::string> texts;
  for (int i = 0; i < 300; ++i) texts.push_back(fmt::format("{}", i));
  upstream_.AnswerAllWith(Bracket);
  Ask(texts);
  cache_->Flush();
  DropMemory();
  const size_t computed = upstream_.calls();

  auto call = std::make_shared<TestCall>(target_, texts);
  resolver_->Resolve(call);
  EXPECT_FALSE(call->done());
  EXPECT_GT(executor_.RunAll(), 0u);
  ASSERT_TRUE(call->done());
  EXPECT_EQ(Kinds(*call), std::vector(300, kDisk));
  EXPECT_EQ(call->text(299), "<299>");
  EXPECT_EQ(upstream_.calls(), computed);
}

TEST_F(ResolverTest, ADiskTooBusyToBeAskedCostsAComputation) {
  upstream_.AnswerAllWith(Bracket);
  executor_.set_full(true);
  const auto call = Ask({"a"});
  ASSERT_TRUE(call->done());
  EXPECT_EQ(call->text(0), "<a>");
}

TEST_F(ResolverTest, AThousandIdenticalQuestionsAreComputedOnce) {
  std::vector<std::shared_ptr<TestCall>> calls;
  for (int i = 0; i < 1000; ++i) calls.push_back(Ask({"a"}));
  ASSERT_EQ(upstream_.calls(), 1u);
  upstream_.Answer(0, Bracket);
  for (const auto& call : calls) {
    ASSERT_TRUE(call->done());
    EXPECT_EQ(call->text(0), "<a>");
  }
  EXPECT_EQ(Rows(kMiss), 1u);
  EXPECT_EQ(Rows(kCoalesced), 999u);
}

TEST_F(ResolverTest, TheFirstCallerMayLeaveAndTheRestAreAnswered) {
  const auto first = Ask({"a"});
  const auto second = Ask({"a"});
  resolver_->Cancel(first, absl::CancelledError("gone"));
  ASSERT_TRUE(first->done());
  EXPECT_EQ(first->answer(0).status.code(), absl::StatusCode::kCancelled);
  EXPECT_FALSE(upstream_.cancelled(0));
  upstream_.Answer(0, Bracket);
  ASSERT_TRUE(second->done());
  EXPECT_EQ(second->text(0), "<a>");
}

TEST_F(ResolverTest, WhatComputeWasAskedForIsFinishedAndRememberedThoughNobodyWaits) {
  auto hasty = std::make_shared<TestCall>(target_, std::vector<std::string>{"a"});
  hasty->options.deadline = clock_.Monotonic() + absl::Milliseconds(500);
  resolver_->Resolve(hasty);
  executor_.RunAll();
  clock_.Advance(absl::Milliseconds(500));
  timers_.RunDue();
  ASSERT_TRUE(hasty->done());
  EXPECT_EQ(hasty->answer(0).status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_FALSE(upstream_.cancelled(0));
  EXPECT_EQ(resolver_->deserted().calls, 1u);
  EXPECT_EQ(resolver_->deserted().bytes, 5u);
  upstream_.Answer(0, Bracket);
  EXPECT_EQ(Kinds(*Ask({"a"})), std::vector{kMemory});
  EXPECT_EQ(upstream_.calls(), 1u);
  EXPECT_EQ(resolver_->deserted().calls, 0u);
  EXPECT_EQ(resolver_->deserted().bytes, 0u);
  EXPECT_EQ(Ended(DesertedWork::End::kAnswered), 1u);
  cache_->Flush();
  DropMemory();
  EXPECT_EQ(Kinds(*Ask({"a"})), std::vector{kDisk});
}

TEST_F(ResolverTest, WhoAsksAgainJoinsWhatWasDeserted) {
  for (int i = 0; i < 5; ++i) {
    const auto call = Ask({"a"});
    EXPECT_EQ(resolver_->deserted().calls, 0u) << "somebody waits";
    resolver_->Cancel(call, absl::CancelledError("gone"));
    EXPECT_EQ(resolver_->deserted().calls, 1u);
  }
  const auto patient = Ask({"a"});
  EXPECT_EQ(upstream_.calls(), 1u);
  upstream_.Answer(0, Bracket);
  EXPECT_EQ(patient->text(0), "<a>");
  EXPECT_EQ(Ended(DesertedWork::End::kWanted), 5u);
  EXPECT_EQ(resolver_->deserted().calls, 0u);
}

TEST_F(ResolverTest, WhatComputeWasNotAskedForIsDropped) {
  auto call =
      std::make_shared<TestCall>(target_, std::vector<std::string>{std::string(80'000, 'x')});
  resolver_->Resolve(call);  // waits until it is hashed
  resolver_->Cancel(call, absl::CancelledError("gone"));
  executor_.RunAll();
  EXPECT_EQ(upstream_.calls(), 0u);
  EXPECT_TRUE(call->done());
  EXPECT_EQ(resolver_->flights().in_progress, 0u);
  EXPECT_EQ(resolver_->deserted().calls, 0u);
}

TEST_F(ResolverTest, WhatWouldNotBeKeptIsNotFinished) {
  const auto call = Ask({"a"}, "no-store");
  resolver_->Cancel(call, absl::CancelledError("gone"));
  EXPECT_TRUE(upstream_.cancelled(0));

  const auto invalidated = Ask({"a"});
  ASSERT_TRUE(cache_->Invalidate(cache::InvalidateAll{}).ok());
  resolver_->Cancel(invalidated, absl::CancelledError("gone"));
  EXPECT_TRUE(upstream_.cancelled(1));

  config::v1::ModelPolicy policy;
  policy.set_cache(false);
  target_ = TargetWith(policy);
  const auto uncached = Ask({"a"});
  resolver_->Cancel(uncached, absl::CancelledError("gone"));
  EXPECT_TRUE(upstream_.cancelled(2));
  EXPECT_EQ(Ended(DesertedWork::End::kGivenUp), 3u);
}

TEST_F(ResolverTest, DesertedWorkHasABudget) {
  deserted_ = {.max_calls = 2, .max_bytes = 1000};
  DropMemory();
  const auto leave = [this](const std::string& text) {
    const auto call = Ask({text});
    resolver_->Cancel(call, absl::CancelledError("gone"));
    return upstream_.cancelled(upstream_.calls() - 1);
  };
  EXPECT_FALSE(leave("a"));
  EXPECT_TRUE(leave(std::string(1000, 'x'))) << "too large";
  EXPECT_FALSE(leave("b"));
  EXPECT_TRUE(leave("c")) << "too many";
  EXPECT_EQ(resolver_->flights().in_progress, 2u);
  upstream_.Answer(0, Bracket);
  EXPECT_FALSE(leave("c")) << "there is room again";
  upstream_.FailAll(absl::UnavailableError("away"));
  EXPECT_EQ(Ended(DesertedWork::End::kFailed), 2u);
  EXPECT_EQ(Ended(DesertedWork::End::kGivenUp), 2u);
  EXPECT_EQ(resolver_->deserted().bytes, 0u);
}

TEST_F(ResolverTest, ARefusalThatNobodyWaitsForIsRemembered) {
  config::v1::ModelPolicy policy;
  policy.set_error_ttl_seconds(60);
  target_ = TargetWith(policy);
  const auto call = Ask({"bad"});
  resolver_->Cancel(call, absl::CancelledError("gone"));
  upstream_.Fail(0, Refusal("not this"));
  EXPECT_EQ(Kinds(*Ask({"bad"})), std::vector{CacheKind::kNegative});
  EXPECT_EQ(Ended(DesertedWork::End::kAnswered), 1u);
}

TEST_F(ResolverTest, ABatchThatNobodyWaitsForIsFinishedRowByRow) {
  const auto call = Ask({"good", "bad"});
  resolver_->Cancel(call, absl::CancelledError("gone"));
  upstream_.Fail(0, absl::InvalidArgumentError("one row is bad"));
  ASSERT_EQ(upstream_.calls(), 3u);
  EXPECT_EQ(resolver_->deserted().calls, 2u);
  upstream_.Answer(1, Bracket);
  upstream_.Fail(2, absl::InvalidArgumentError("this row is bad"));
  EXPECT_EQ(Kinds(*Ask({"good"})), std::vector{kMemory});
  EXPECT_EQ(resolver_->deserted().calls, 0u);
  EXPECT_EQ(resolver_->flights().in_progress, 0u);
}

TEST_F(ResolverTest, AStopGivesUpWhatNobodyWaitsFor) {
  const auto gone = Ask({"a"});
  const auto stays = Ask({"b"});
  resolver_->Cancel(gone, absl::CancelledError("gone"));
  resolver_->GiveUpDeserted();
  EXPECT_TRUE(upstream_.cancelled(0));
  EXPECT_FALSE(upstream_.cancelled(1));
  resolver_->Cancel(stays, absl::CancelledError("gone"));
  EXPECT_TRUE(upstream_.cancelled(1));
  EXPECT_EQ(resolver_->deserted().calls, 0u);
}

TEST_F(ResolverTest, WithoutABudgetWhatAllHaveLeftIsCancelledAndNotJoinedAnyMore) {
  deserted_ = {.max_calls = 0};
  DropMemory();
  const auto first = Ask({"a"});
  const auto second = Ask({"a"});
  resolver_->Cancel(first, absl::CancelledError("gone"));
  resolver_->Cancel(second, absl::CancelledError("gone"));
  EXPECT_TRUE(upstream_.cancelled(0));
  EXPECT_EQ(resolver_->flights().in_progress, 0u);
  const auto third = Ask({"a"});
  ASSERT_EQ(upstream_.calls(), 2u);
  upstream_.Answer(1, Bracket);
  EXPECT_EQ(third->text(0), "<a>");
}

TEST_F(ResolverTest, ACallIsKeptWhileOneOfItsRowsIsWanted) {
  deserted_ = {.max_calls = 0};
  DropMemory();
  const auto both = Ask({"a", "b"});
  const auto one = Ask({"b"});
  resolver_->Cancel(both, absl::CancelledError("gone"));
  EXPECT_FALSE(upstream_.cancelled(0));
  resolver_->Cancel(one, absl::CancelledError("gone"));
  EXPECT_TRUE(upstream_.cancelled(0));
}

TEST_F(ResolverTest, NoWaiterOutlivesItsDeadline) {
  auto hasty = std::make_shared<TestCall>(target_, std::vector<std::string>{"a"});
  hasty->options.deadline = clock_.Monotonic() + absl::Seconds(1);
  resolver_->Resolve(hasty);
  executor_.RunAll();
  const auto patient = Ask({"a"});
  clock_.Advance(absl::Milliseconds(999));
  timers_.RunDue();
  EXPECT_FALSE(hasty->done());
  clock_.Advance(absl::Milliseconds(1));
  timers_.RunDue();
  ASSERT_TRUE(hasty->done());
  EXPECT_EQ(hasty->answer(0).status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_FALSE(patient->done());
  upstream_.Answer(0, Bracket);
  EXPECT_EQ(patient->text(0), "<a>");
}

TEST_F(ResolverTest, AnErrorReachesEveryWaiterAndIsNotRemembered) {
  const auto first = Ask({"a"});
  const auto second = Ask({"a"});
  upstream_.Fail(0, absl::ResourceExhaustedError("the queue is full"));
  EXPECT_EQ(first->text(0), "the queue is full");
  EXPECT_EQ(second->text(0), "the queue is full");
  const auto third = Ask({"a"});
  EXPECT_FALSE(third->done());
  upstream_.Answer(1, Bracket);
  EXPECT_EQ(third->text(0), "<a>");
}

TEST_F(ResolverTest, StrangersDoNotShareABadRowsFate) {
  const auto call = Ask({"good", "bad", "fine"});
  upstream_.Fail(0, absl::InvalidArgumentError("one row is bad"));
  ASSERT_EQ(upstream_.calls(), 4u);
  for (size_t i = 1; i < 4; ++i) {
    if (HasBad(upstream_.request(i))) {
      upstream_.Fail(i, absl::InvalidArgumentError("this row is bad"));
    } else {
      upstream_.Answer(i, Bracket);
    }
  }
  ASSERT_TRUE(call->done());
  EXPECT_EQ(call->text(0), "<good>");
  EXPECT_EQ(call->text(1), "this row is bad");
  EXPECT_EQ(call->text(2), "<fine>");
}

TEST_F(ResolverTest, OutputsThatDoNotSplitAreAskedForRowByRow) {
  const auto lump = [](const inference::ModelInferRequest&,
                       inference::ModelInferResponse* response) {
    const std::string data = FrameBytesElement("lump");
    AppendOutputs({{"out", DataType::kBytes, kRow, data}}, response);
  };
  const auto call = Ask({"a", "b"});
  upstream_.Answer(0, lump);
  ASSERT_EQ(upstream_.calls(), 3u);
  upstream_.Answer(1, Bracket);
  upstream_.Answer(2, Bracket);
  EXPECT_EQ(call->text(0), "<a>");
  EXPECT_EQ(call->text(1), "<b>");
}

TEST_F(ResolverTest, AnAnswerWithoutAnOutputIsAnError) {
  const auto call = Ask({"a"});
  upstream_.Answer(0, [](const auto&, auto*) {});
  EXPECT_EQ(call->text(0), "the answer of model 'm' is malformed: output 'out' is missing");
}

using Response = inference::ModelInferResponse;

// Answers of a broken server. Each fails with its own reason, and none is cached.
struct Malformed {
  const char* name;
  void (*change)(Response*);
  const char* reason;

  friend void PrintTo(const Malformed& printed, std::ostream* out) { *out << printed.name; }
};

class MalformedAnswerTest : public ResolverTest, public testing::WithParamInterface<Malformed> {
 protected:
  MalformedAnswerTest() : ResolverTest(RefusalsForEver()) {}

  static config::v1::ModelPolicy RefusalsForEver() {
    config::v1::ModelPolicy policy;
    policy.set_error_ttl_seconds(UINT64_MAX);
    return policy;
  }

  static void AnswerMalformed(const inference::ModelInferRequest& request, Response* response) {
    Bracket(request, response);
    GetParam().change(response);
  }
};

TEST_P(MalformedAnswerTest, IsInternalNamedAndNotKept) {
  const auto call = Ask({"a"});
  upstream_.Answer(0, AnswerMalformed);
  ASSERT_TRUE(call->done());
  EXPECT_EQ(call->answer(0).status.code(), absl::StatusCode::kInternal);
  EXPECT_EQ(call->text(0),
            fmt::format("the answer of model 'm' is malformed: {}", GetParam().reason));
  EXPECT_EQ(cache_->memory().stats().entries, 0u);
  cache_->Flush();
  DropMemory();
  const auto again = Ask({"a"});
  EXPECT_FALSE(again->done()) << "nothing is remembered of it";
  upstream_.Answer(1, Bracket);
  EXPECT_EQ(again->text(0), "<a>");
}

TEST_P(MalformedAnswerTest, OfABatchIsAskedForRowByRow) {
  const auto call = Ask({"a", "b"});
  upstream_.Answer(0, AnswerMalformed);
  ASSERT_EQ(upstream_.calls(), 3u);
  upstream_.Answer(1, Bracket);
  upstream_.Answer(2, AnswerMalformed);
  EXPECT_EQ(call->text(0), "<a>");
  EXPECT_EQ(call->answer(1).status.code(), absl::StatusCode::kInternal);
  EXPECT_EQ(cache_->memory().stats().entries, 1u);
}

void Reshape(Response* response, std::vector<int64_t> shape, const std::string& data) {
  response->mutable_outputs(0)->mutable_shape()->Assign(shape.begin(), shape.end());
  response->set_raw_output_contents(0, data);
}

INSTANTIATE_TEST_SUITE_P(
    Answers, MalformedAnswerTest,
    testing::Values(
        Malformed{"NegativeShape",
                  [](Response* r) {
                    Reshape(r, {-1, 1}, FrameBytesElement("x"));
                  },
                  "tensor 'out': shape [-1, 1] has a negative dimension or too many elements"},
        Malformed{"OverflowingShape",
                  [](Response* r) {
                    Reshape(r, {INT64_MAX, 2}, "");
                  },
                  "tensor 'out': shape [9223372036854775807, 2] has a negative dimension or too "
                  "many elements"},
        Malformed{"OutputTwice",
                  [](Response* r) {
                    *r->add_outputs() = r->outputs(0);
                    r->add_raw_output_contents(r->raw_output_contents(0));
                  },
                  "tensor 'out' is given twice"},
        Malformed{"WrongLength",
                  [](Response* r) { r->mutable_raw_output_contents(0)->append("x"); },
                  "tensor 'out': 1 bytes follow the 1 BYTES elements of shape [1, 1]"},
        Malformed{"UnknownDatatype",
                  [](Response* r) { r->mutable_outputs(0)->set_datatype("WORD"); },
                  "tensor 'out' has the unknown datatype 'WORD'; it must be BOOL, UINT8, UINT16, "
                  "UINT32, UINT64, INT8, INT16, INT32, INT64, FP16, BF16, FP32, FP64 or BYTES"},
        Malformed{"AnotherDatatype",
                  [](Response* r) {
                    r->mutable_outputs(0)->set_datatype("INT32");
                    Reshape(r, {1, 1}, "four");
                  },
                  "output 'out': datatype INT32 came, BYTES is declared"},
        Malformed{"AnotherName", [](Response* r) { r->mutable_outputs(0)->set_name("o"); },
                  "output 'out' is missing"},
        Malformed{"MoreRows",
                  [](Response* r) {
                    Reshape(
                        r, {3, 1},
                        FrameBytesElement("x") + FrameBytesElement("y") + FrameBytesElement("z"));
                  },
                  "output 'out': shape [3, 1] came for 1 rows"},
        Malformed{"NoRows",
                  [](Response* r) {
                    Reshape(r, {0, 1}, "");
                  },
                  "output 'out': shape [0, 1] came for 1 rows"},
        Malformed{"NoDimensions", [](Response* r) { Reshape(r, {}, FrameBytesElement("x")); },
                  "output 'out': shape [] came for 1 rows"},
        Malformed{"AnotherShape",
                  [](Response* r) {
                    Reshape(r, {1, 2}, FrameBytesElement("x") + FrameBytesElement("y"));
                  },
                  "output 'out': shape [1, 2] came, [-1, 1] is declared"},
        Malformed{
            "NoDigest",
            [](Response* r) { (*r->mutable_parameters())["souvenir.digest"].set_int64_param(7); },
            "its parameter 'souvenir.digest' is no string of 1 to 128 bytes"}),
    [](const auto& info) { return info.param.name; });

// An answer of two rows is malformed for a call of three. Each row is then asked for again.
TEST_F(ResolverTest, ABatchHasAsManyRowsAsWereAskedFor) {
  const auto call = Ask({"a", "b", "c"});
  upstream_.Answer(0, [](const auto&, Response* response) {
    const std::string two = FrameBytesElement("x") + FrameBytesElement("y");
    const std::array<int64_t, 2> shape = {2, 1};
    AppendOutputs({{"out", DataType::kBytes, shape, two}}, response);
  });
  ASSERT_EQ(upstream_.calls(), 4u);
  for (size_t i = 1; i < 4; ++i) upstream_.Answer(i, Bracket);
  EXPECT_EQ(call->text(2), "<c>");
}

// An entry from another version or a snapshot is checked before it answers.
TEST_F(ResolverTest, WhatIsRememberedAndDoesNotFitIsAMiss) {
  upstream_.AnswerAllWith(Bracket);
  const auto sound = Ask({"a"});
  const cache::EntryPtr entry = sound->answer(0).entry;
  const std::array<int64_t, 2> two_rows = {2, 1};
  const std::string two = FrameBytesElement("x") + FrameBytesElement("y");
  const std::string values[] = {
      "no tensors", EncodeTensors({{"o", DataType::kBytes, kRow, FrameBytesElement("x")}}),
      EncodeTensors({{"out", DataType::kInt32, kRow, "four"}}),
      EncodeTensors({{"out", DataType::kBytes, two_rows, two}}),
      EncodeTensors({{"out", DataType::kBytes, kRow, two}})};
  size_t calls = upstream_.calls();
  for (const std::string& value : values) {
    const auto plant = [&] {
      cache::Entry::Fields fields{.key = entry->key, .origin = entry->origin_ptr(), .value = value};
      fields.created_at = clock_.Now() + absl::Seconds(calls);  // newer than any so far
      clock_.Advance(absl::Seconds(calls));
      ASSERT_TRUE(cache_->Import(fields, cache_->epochs(), clock_.Now()));
      cache_->Flush();
    };
    plant();
    EXPECT_EQ(Kinds(*Ask({"a"})), std::vector{kMiss}) << "memory";
    EXPECT_EQ(upstream_.calls(), ++calls);
    plant();
    DropMemory();
    const auto call = Ask({"a"});
    EXPECT_EQ(Kinds(*call), std::vector{kMiss}) << "disk";
    EXPECT_EQ(call->text(0), "<a>");
    EXPECT_EQ(upstream_.calls(), ++calls);
    EXPECT_EQ(Kinds(*Ask({"a"})), std::vector{kMemory});
  }
}

TEST_F(ResolverTest, AnImportedAnswerThatFitsIsServed) {
  upstream_.AnswerAllWith(Bracket);
  const auto sound = Ask({"a"});
  const cache::EntryPtr entry = sound->answer(0).entry;
  const std::string value(entry->value());
  clock_.Advance(absl::Seconds(1));
  ASSERT_TRUE(cache_->Import({.key = entry->key,
                              .origin = entry->origin_ptr(),
                              .value = value,
                              .created_at = clock_.Now()},
                             cache_->epochs(), clock_.Now()));
  EXPECT_FALSE(cache_->LookupMemory(entry->key)->is_checked());
  EXPECT_EQ(Kinds(*Ask({"a"})), std::vector{kMemory});
  EXPECT_TRUE(cache_->LookupMemory(entry->key)->is_checked()) << "it is looked into once";
}

// A foreign server declares only the names of its outputs.
TEST_F(ResolverTest, WhatIsNotDeclaredIsNotHeldAgainstAnAnswer) {
  souvenir::state::v1::KnownModels models;
  *models.add_models() = TextModel("m", "in", "out");
  auto* const output = models.mutable_models(0)->mutable_metadata()->mutable_outputs(0);
  output->clear_shape();
  output->clear_datatype();
  catalog_.Update(models);
  target_ = std::make_shared<const Target>(
      Target::Spec{.model = *catalog_.snapshot()->Find("m", ""), .by_rows = true});
  const auto call = Ask({"a"});
  upstream_.Answer(0, [](const auto&, Response* response) {
    const std::array<int64_t, 3> shape = {1, 2, 1};
    AppendOutputs({{"out", DataType::kInt32, shape, "eight by"}}, response);
  });
  ASSERT_TRUE(call->done());
  EXPECT_TRUE(call->answer(0).status.ok()) << call->answer(0).status;
  EXPECT_EQ(Kinds(*Ask({"a"})), std::vector{kMemory});
}

// This holds until the catalog knows the new model.
TEST_F(ResolverTest, AnAnswerOfAReplacedModelMayHaveAnotherShape) {
  const auto first = Ask({"a"});
  const auto second = Ask({"a"});
  upstream_.Answer(0, [](const auto&, Response* response) {
    const std::array<int64_t, 2> shape = {1, 2};
    AppendOutputs({{"out", DataType::kInt32, shape, "eight by"}}, response);
    (*response->mutable_parameters())["souvenir.digest"].set_string_param("new");
  });
  EXPECT_TRUE(first->answer(0).status.ok()) << first->answer(0).status;
  EXPECT_TRUE(second->done());
  EXPECT_EQ(upstream_.calls(), 1u);
}

TEST_F(ResolverTest, ATimeThatCannotBeIsNotTaken) {
  for (const int64_t ns : {int64_t{-1}, INT64_MIN, INT64_MAX}) {
    const auto call = Ask({fmt::format("{}", ns)});
    upstream_.Answer(upstream_.calls() - 1, [&](const auto& request, Response* response) {
      Bracket(request, response);
      (*response->mutable_parameters())["souvenir.compute_ns"].set_int64_param(ns);
    });
    const absl::Duration cost = call->answer(0).entry->cost();
    EXPECT_GE(cost, absl::ZeroDuration());
    EXPECT_LT(cost, absl::Seconds(61)) << "a call lasts 60";
  }
}

TEST_F(ResolverTest, AnInvalidationInMidFlightKeepsTheAnswerOutAndLaterCallersAway) {
  const auto before = Ask({"a"});
  ASSERT_TRUE(cache_->Invalidate(cache::InvalidateModel{"m"}).ok());
  const auto after = Ask({"a"});
  ASSERT_EQ(upstream_.calls(), 2u) << "the old computation is not joined";
  upstream_.Answer(0, Bracket);
  EXPECT_EQ(before->text(0), "<a>");
  EXPECT_FALSE(after->done());
  EXPECT_EQ(Kinds(*Ask({"a"}, "only-if-cached")), std::vector{kMiss});
  upstream_.Answer(1, Bracket);
  EXPECT_EQ(Kinds(*Ask({"a"})), std::vector{kMemory});
}

TEST_F(ResolverTest, AnAnswerOfAnotherDigestIsGivenButNotFoundAgainUnderTheOldOne) {
  int stale = 0;
  catalog_.WhenStale([&] { ++stale; });
  const auto call = Ask({"a"});
  upstream_.Answer(0, [](const auto& request, auto* response) {
    Bracket(request, response);
    (*response->mutable_parameters())["souvenir.digest"].set_string_param("new");
  });
  EXPECT_EQ(call->text(0), "<a>");
  EXPECT_EQ(call->answer(0).entry->origin().digest(), "new");
  EXPECT_EQ(stale, 1);
  Ask({"a"});
  EXPECT_EQ(upstream_.calls(), 2u);
  target_ = target_->WithDigest("new");
  EXPECT_EQ(Kinds(*Ask({"a"})), std::vector{kMemory});
}

TEST_F(ResolverTest, NoCacheComputesAndRemembersAndJoinsNobody) {
  const auto first = Ask({"a"});
  const auto second = Ask({"a"}, "no-cache");
  ASSERT_EQ(upstream_.calls(), 2u);
  upstream_.Answer(1, Bracket);
  EXPECT_EQ(Kinds(*second), std::vector{kBypass});
  EXPECT_FALSE(first->done());
  EXPECT_EQ(Kinds(*Ask({"a"})), std::vector{kMemory});
  upstream_.Answer(0, Bracket);
  EXPECT_TRUE(first->done());
}

TEST_F(ResolverTest, NoStoreLeavesNothingBehind) {
  upstream_.AnswerAllWith(Bracket);
  EXPECT_EQ(Kinds(*Ask({"a"}, "no-store")), std::vector{kBypass});
  EXPECT_EQ(Kinds(*Ask({"a"})), std::vector{kMiss});
}

TEST_F(ResolverTest, OnlyIfCachedComputesNothing) {
  const auto call = Ask({"a"}, "only-if-cached");
  ASSERT_TRUE(call->done());
  EXPECT_EQ(call->answer(0).status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(upstream_.calls(), 0u);
  upstream_.AnswerAllWith(Bracket);
  Ask({"a"});
  EXPECT_EQ(Kinds(*Ask({"a"}, "only-if-cached")), std::vector{kMemory});
}

TEST_F(ResolverTest, MaxAgeTakesNothingOlder) {
  upstream_.AnswerAllWith(Bracket);
  Ask({"a"});
  clock_.Advance(absl::Seconds(10));
  EXPECT_EQ(Kinds(*Ask({"a"}, "max-age=10")), std::vector{kMemory});
  EXPECT_EQ(Kinds(*Ask({"a"}, "max-age=9")), std::vector{kMiss});
  EXPECT_EQ(Kinds(*Ask({"a"}, "max-age=0")), std::vector{kMemory}) << "now it is fresh";
}

TEST_F(ResolverTest, AModelThatWasUnloadedIsNotServedAndWhatIsRememberedOfItIsKept) {
  upstream_.AnswerAllWith(Bracket);
  Ask({"a"});
  const TargetPtr loaded = target_;
  souvenir::state::v1::KnownModels models;
  souvenir::state::v1::KnownModel* const model = models.add_models();
  *model = TextModel("m", "in", "out");
  model->set_state("UNAVAILABLE");
  model->set_reason("unloaded");
  catalog_.Update(models);
  target_ = std::make_shared<const Target>(
      Target::Spec{.model = *catalog_.snapshot()->Find("m", ""), .by_rows = true});
  const size_t asked = upstream_.calls();
  for (const char* directive : {"", "no-cache", "only-if-cached"}) {
    const auto call = Ask({"a", "b"}, directive);
    ASSERT_TRUE(call->done());
    for (const size_t question : {0, 1}) {
      EXPECT_EQ(call->answer(question).status.code(), absl::StatusCode::kUnavailable);
      EXPECT_EQ(call->text(question),
                "model 'm' is unloaded; `souvenir models load m` loads it again");
    }
  }
  EXPECT_EQ(upstream_.calls(), asked);
  target_ = loaded;
  EXPECT_EQ(Kinds(*Ask({"a"})), std::vector{kMemory});
}

// Only an unload stops serving from the cache; a model that could not be loaded is still served.
TEST_F(ResolverTest, AModelThatIsBrokenIsServedFromTheCache) {
  upstream_.AnswerAllWith(Bracket);
  Ask({"a"});
  souvenir::state::v1::KnownModels models;
  souvenir::state::v1::KnownModel* const model = models.add_models();
  *model = TextModel("m", "in", "out");
  model->set_state("UNAVAILABLE");
  model->set_reason("model 'm' could not be loaded: no memory");
  catalog_.Update(models);
  target_ = std::make_shared<const Target>(
      Target::Spec{.model = *catalog_.snapshot()->Find("m", ""), .by_rows = true});
  EXPECT_EQ(Kinds(*Ask({"a"})), std::vector{kMemory});
}

TEST_F(ResolverTest, AModelThatIsNotCachedIsAlwaysComputed) {
  souvenir::state::v1::KnownModels models;
  *models.add_models() = TextModel("m", "in", "out");
  models.mutable_models(0)->mutable_config()->clear_response_cache();
  catalog_.Update(models);
  target_ = std::make_shared<const Target>(
      Target::Spec{.model = *catalog_.snapshot()->Find("m", ""), .by_rows = true});
  upstream_.AnswerAllWith(Bracket);
  EXPECT_EQ(Kinds(*Ask({"a"})), std::vector{kBypass});
  EXPECT_EQ(Kinds(*Ask({"a"})), std::vector{kBypass});
  EXPECT_EQ(cache_->memory().stats().entries, 0u);
}

TEST_F(ResolverTest, BytesThatWaitAreBounded) {
  const auto large = Ask({std::string(60'000, 'x')});
  EXPECT_FALSE(large->done());
  const auto more = Ask({std::string(60'000, 'y')});
  ASSERT_TRUE(more->done());
  EXPECT_EQ(more->answer(0).status.code(), absl::StatusCode::kResourceExhausted);
  upstream_.Answer(0, Bracket);
  EXPECT_TRUE(large->done());
  EXPECT_EQ(resolver_->lanes()->stats()[static_cast<size_t>(Lane::kText)].row_bytes, 0u);
}

// Each call keeps its own inputs. Those of a compressed request take more than it has sent.
TEST_F(ResolverTest, BytesThatWaitForTheSameAnswerAreBoundedToo) {
  const auto row_bytes = [&] {
    return resolver_->lanes()->stats()[static_cast<size_t>(Lane::kText)].row_bytes;
  };
  const auto first = Ask({std::string(40'000, 'x')});
  const uint64_t of_one = row_bytes();
  EXPECT_GE(of_one, 40'000u);
  const auto second = Ask({std::string(40'000, 'x')});
  EXPECT_EQ(row_bytes(), 2 * of_one);
  const auto third = Ask({std::string(40'000, 'x')});
  ASSERT_TRUE(third->done());
  EXPECT_EQ(third->answer(0).status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(row_bytes(), 2 * of_one) << "it was refused";
  EXPECT_EQ(upstream_.calls(), 1u);
  resolver_->Cancel(second, absl::CancelledError("gone"));
  EXPECT_EQ(row_bytes(), of_one);
  const auto fourth = Ask({std::string(40'000, 'x')});
  EXPECT_FALSE(fourth->done());
  upstream_.Answer(0, Bracket);
  EXPECT_TRUE(first->answer(0).status.ok());
  EXPECT_EQ(fourth->answer(0).kind, kCoalesced);
  EXPECT_EQ(row_bytes(), 0u);
}

TEST_F(ResolverTest, LargeRequestsAreHashedElsewhere) {
  upstream_.AnswerAllWith(Bracket);
  auto call =
      std::make_shared<TestCall>(target_, std::vector<std::string>{std::string(80'000, 'x')});
  resolver_->Resolve(call);
  EXPECT_EQ(upstream_.calls(), 0u);
  EXPECT_GT(executor_.RunAll(), 0u);
  ASSERT_TRUE(call->done());
  EXPECT_TRUE(call->answer(0).status.ok()) << call->answer(0).status;
}

config::v1::ModelPolicy TenSeconds() {
  config::v1::ModelPolicy policy;
  policy.set_ttl_seconds(10);
  policy.set_stale_while_revalidate_seconds(20);
  policy.set_stale_if_error_seconds(60);
  policy.set_error_ttl_seconds(5);
  return policy;
}

// Answers are fresh for 10 s. After that they are served for 20 s while they are computed again,
// and for 60 s if that fails. Refusals are cached for 5 s.
class FreshnessTest : public ResolverTest {
 protected:
  FreshnessTest() : ResolverTest(TenSeconds()) {}

  void Remember(const std::string& text) {
    Ask({text});
    upstream_.Answer(upstream_.calls() - 1, Bracket);
  }

  static constexpr CacheKind kStale = CacheKind::kStale;
  static constexpr CacheKind kNegative = CacheKind::kNegative;
};

TEST_F(FreshnessTest, AnAnswerIsFreshForItsTime) {
  Remember("a");
  clock_.Advance(absl::Seconds(9));
  EXPECT_EQ(Kinds(*Ask({"a"})), std::vector{kMemory});
  clock_.Advance(absl::Seconds(100));
  EXPECT_FALSE(Ask({"a"})->done()) << "too old by far, it is computed again";
  EXPECT_EQ(upstream_.calls(), 2u);
}

TEST_F(FreshnessTest, AStaleAnswerIsServedAndComputedAgainOnce) {
  Remember("a");
  clock_.Advance(absl::Seconds(15));
  for (int i = 0; i < 3; ++i) {
    const auto call = Ask({"a"});
    ASSERT_TRUE(call->done());
    EXPECT_EQ(call->text(0), "<a>");
    EXPECT_EQ(Kinds(*call), std::vector{kStale});
  }
  ASSERT_EQ(upstream_.calls(), 2u);
  upstream_.Answer(1, Bracket);
  EXPECT_EQ(Kinds(*Ask({"a"})), std::vector{kMemory});
}

TEST_F(FreshnessTest, AStaleAnswerOnDiskIsServedToo) {
  Remember("a");
  cache_->Flush();
  DropMemory();
  clock_.Advance(absl::Seconds(15));
  EXPECT_EQ(Kinds(*Ask({"a"})), std::vector{kStale});
  EXPECT_EQ(upstream_.calls(), 2u);
}

TEST_F(FreshnessTest, ARefreshThatFailedIsTriedAgainAfterAPause) {
  Remember("a");
  clock_.Advance(absl::Seconds(15));
  Ask({"a"});
  upstream_.FailAll(absl::InternalError("broken"));
  EXPECT_EQ(Kinds(*Ask({"a"})), std::vector{kStale});
  EXPECT_EQ(upstream_.calls(), 2u) << "not at once";
  clock_.Advance(RefreshLog::kPause);
  Ask({"a"});
  EXPECT_EQ(upstream_.calls(), 3u);
}

TEST_F(FreshnessTest, AnOldAnswerIsBetterThanAnError) {
  Remember("a");
  clock_.Advance(absl::Seconds(50));
  const auto call = Ask({"a"});
  EXPECT_FALSE(call->done()) << "first it is tried";
  upstream_.FailAll(absl::InternalError("broken"));
  ASSERT_TRUE(call->done());
  EXPECT_EQ(call->text(0), "<a>");
  EXPECT_EQ(Kinds(*call), std::vector{kStale});
}

TEST_F(FreshnessTest, AnErrorIsBetterThanAnAnswerThatIsTooOld) {
  Remember("a");
  clock_.Advance(absl::Seconds(71));
  const auto call = Ask({"a"});
  upstream_.FailAll(absl::InternalError("broken"));
  EXPECT_EQ(call->answer(0).status, absl::InternalError("broken"));
}

TEST_F(FreshnessTest, ACallerMayAllowLessOrMore) {
  Remember("a");
  clock_.Advance(absl::Seconds(15));
  EXPECT_FALSE(Ask({"a"}, "stale-while-revalidate=0")->done());
  upstream_.Answer(1, Bracket);
  clock_.Advance(absl::Seconds(50));
  EXPECT_EQ(Kinds(*Ask({"a"}, "stale-while-revalidate=100")), std::vector{kStale});
  EXPECT_FALSE(Ask({"a"}, "max-age=40, stale-while-revalidate=100")->done());
}

TEST_F(FreshnessTest, AFreshAnswerIsComputedAgainEarlyByChance) {
  Remember("a");  // takes 2 ms
  clock_.Advance(absl::Seconds(10) - absl::Milliseconds(1));
  uniform_ = 0.9;
  Ask({"a"});
  EXPECT_EQ(upstream_.calls(), 1u);
  uniform_ = 0.1;  // 2 ms * -ln(0.1) are more than the millisecond left
  EXPECT_EQ(Kinds(*Ask({"a"})), std::vector{kMemory});
  EXPECT_EQ(upstream_.calls(), 2u);
}

TEST_F(FreshnessTest, ARefusalIsRememberedForItsTime) {
  const auto first = Ask({"bad"});
  upstream_.FailAll(Refusal("not this"));
  EXPECT_EQ(Kinds(*first), std::vector{kMiss});
  const auto again = Ask({"bad"});
  ASSERT_TRUE(again->done());
  EXPECT_EQ(again->answer(0).status, absl::InvalidArgumentError("not this"));
  EXPECT_EQ(Kinds(*again), std::vector{kNegative});
  cache_->Flush();
  DropMemory();
  EXPECT_EQ(Kinds(*Ask({"bad"})), std::vector{kNegative}) << "on disk, too";
  clock_.Advance(absl::Seconds(6));
  EXPECT_FALSE(Ask({"bad"})->done());
}

// The model may be replaced between the gateway's looks. The new one may answer what the old one
// refused, and the other way round.
TEST_F(FreshnessTest, ARefusalOfAReplacedModelIsKeptUnderItsOwnDigest) {
  int stale = 0;
  catalog_.WhenStale([&] { ++stale; });
  const auto first = Ask({"bad"});
  upstream_.FailAll(Refusal("not this", "new"));
  EXPECT_EQ(first->text(0), "not this");
  EXPECT_EQ(stale, 1);
  EXPECT_FALSE(Ask({"bad"})->done()) << "the model of the catalog has not refused";
  upstream_.FailAll(absl::UnavailableError("away"));
  target_ = target_->WithDigest("new");
  EXPECT_EQ(Kinds(*Ask({"bad"})), std::vector{kNegative});
}

TEST_F(FreshnessTest, ARefusalOfAnUnknownModelIsNotKept) {
  const auto first = Ask({"bad"});
  upstream_.FailAll(absl::InvalidArgumentError("not this"));
  EXPECT_EQ(first->text(0), "not this");
  EXPECT_FALSE(Ask({"bad"})->done());
  EXPECT_EQ(upstream_.calls(), 2u);
}

// A foreign server tells digests of neither answers nor refusals.
TEST_F(FreshnessTest, ARefusalOfAServerWithoutDigestsIsKept) {
  Catalog foreign(Catalog::Options{.policies = {{"m", TenSeconds()}}});
  souvenir::state::v1::KnownModels models;
  *models.add_models() = TextModel("m", "in", "out");
  models.mutable_models(0)->mutable_metadata()->clear_properties();
  foreign.Update(models);
  target_ = std::make_shared<const Target>(
      Target::Spec{.model = *foreign.snapshot()->Find("m", ""), .by_rows = true});
  Ask({"bad"});
  upstream_.FailAll(absl::InvalidArgumentError("not this"));
  EXPECT_EQ(Kinds(*Ask({"bad"})), std::vector{kNegative});
}

// An answer that was made while the clock was ahead has no known age.
TEST_F(FreshnessTest, AnAnswerOfAClockThatWasAheadIsNotFresh) {
  constexpr absl::Duration kYear = absl::Hours(365 * 24);
  clock_.SetForward(kYear);
  Remember("a");
  Ask({"bad"});
  upstream_.FailAll(Refusal("not this"));
  EXPECT_EQ(Kinds(*Ask({"a"})), std::vector{kMemory});
  clock_.SetForward(-kYear);
  for (const char* where : {"memory", "disk"}) {
    EXPECT_FALSE(Ask({"a"})->done()) << where;
    EXPECT_FALSE(Ask({"bad"})->done()) << where;
    for (const char* directives : {"max-age=1", "max-age=0", "stale-while-revalidate=1000000000",
                                   "stale-if-error=1000000000"}) {
      const auto call = Ask({"a"}, directives);
      EXPECT_FALSE(call->done()) << directives << " from " << where;
      upstream_.FailAll(absl::UnavailableError("away"));
      EXPECT_EQ(call->answer(0).status, absl::UnavailableError("away")) << directives;
    }
    cache_->Flush();
    DropMemory();
  }
  Remember("a");
  EXPECT_EQ(Kinds(*Ask({"a"})), std::vector{kMemory});
  cache_->Flush();
  DropMemory();
  EXPECT_EQ(Kinds(*Ask({"a"})), std::vector{kDisk}) << "it has taken the other's place";
}

TEST_F(ResolverTest, ACallerThatAsksForAnAgeGetsNoneOfAClockThatWasAhead) {
  clock_.SetForward(absl::Seconds(1));
  upstream_.AnswerAllWith(Bracket);
  Ask({"a"});
  clock_.SetForward(absl::Seconds(-1));
  EXPECT_EQ(Kinds(*Ask({"a"})), std::vector{kMemory}) << "it is for ever, whatever its age";
  EXPECT_EQ(Kinds(*Ask({"a"}, "max-age=1000")), std::vector{kMiss});
}

// Cached answers are judged by the policy at the time of the request.
TEST_F(FreshnessTest, ALifetimeThatIsSetLaterReachesWhatIsRemembered) {
  Remember("a");
  Ask({"bad"});
  upstream_.FailAll(Refusal("not this"));
  cache_->Flush();
  clock_.Advance(absl::Seconds(8));
  config::v1::ModelPolicy policy;
  for (const char* where : {"memory", "disk"}) {
    policy.set_ttl_seconds(9);
    policy.set_error_ttl_seconds(9);
    target_ = TargetWith(policy);
    EXPECT_TRUE(Ask({"a"})->done()) << where;
    EXPECT_EQ(Kinds(*Ask({"bad"})), std::vector{kNegative}) << "longer, " << where;

    policy.set_ttl_seconds(8);
    policy.set_error_ttl_seconds(8);
    target_ = TargetWith(policy);
    EXPECT_FALSE(Ask({"a"})->done()) << "shorter, " << where;
    EXPECT_FALSE(Ask({"bad"})->done()) << "shorter, " << where;

    policy.clear_ttl_seconds();
    policy.clear_error_ttl_seconds();
    target_ = TargetWith(policy);
    EXPECT_TRUE(Ask({"a"})->done()) << "for ever, " << where;
    EXPECT_FALSE(Ask({"bad"})->done()) << "not at all, " << where;

    upstream_.FailAll(absl::CancelledError(""));
    DropMemory();
  }
}

TEST_F(ResolverTest, ALifetimeReachesWhatWasRememberedForEver) {
  upstream_.AnswerAllWith(Bracket);
  Ask({"a"});
  clock_.Advance(absl::Seconds(5));
  config::v1::ModelPolicy policy;
  policy.set_ttl_seconds(5);
  policy.set_stale_while_revalidate_seconds(60);
  target_ = TargetWith(policy);
  EXPECT_EQ(Kinds(*Ask({"a"})), std::vector{CacheKind::kStale});
  EXPECT_EQ(upstream_.calls(), 2u);
}

TEST_F(FreshnessTest, NoOtherErrorIsRemembered) {
  for (const absl::Status& error :
       {absl::NotFoundError("x"), absl::InternalError("x"), absl::UnavailableError("x"),
        absl::ResourceExhaustedError("x"), absl::DeadlineExceededError("x")}) {
    const auto call = Ask({"a"});
    while (!call->done()) upstream_.FailAll(error);
    EXPECT_FALSE(Ask({"a"})->done()) << error;
    upstream_.FailAll(absl::CancelledError(""));
  }
}

// Any mix of hits, misses and joined rows gives what an uncached call gives, and every row counts
// once.
TEST_F(ResolverTest, AnyMixGivesWhatAnUncachedCallGives) {
  upstream_.AnswerAllWith(Bracket);
  std::mt19937 random(20260101);
  uint64_t asked = 0;
  for (int round = 0; round < 500; ++round) {
    std::vector<std::string> texts(1 + random() % 8);
    for (std::string& text : texts) text = std::to_string(random() % 200);
    if (random() % 50 == 0) {
      ASSERT_TRUE(cache_->Invalidate(cache::InvalidateAll{}).ok());
    }
    const auto call = Ask(texts);
    ASSERT_TRUE(call->done());
    for (size_t i = 0; i < texts.size(); ++i) EXPECT_EQ(call->text(i), "<" + texts[i] + ">");
    asked += texts.size();
  }
  uint64_t counted = 0;
  for (size_t kind = 0; kind < kCacheKinds; ++kind) counted += Rows(static_cast<CacheKind>(kind));
  EXPECT_EQ(counted, asked);
  EXPECT_GT(Rows(kMemory), 0u);
  EXPECT_GT(Rows(kMiss), 0u);
}

// Callers, answers, departures and invalidations from several threads at once.
TEST_F(ResolverTest, SumsAgreeFromManyThreads) {
  upstream_.AnswerAllWith(Bracket);
  std::atomic<uint64_t> asked{0};
  std::vector<std::thread> threads;
  for (unsigned seed = 0; seed < 4; ++seed) {
    threads.emplace_back([&, seed] {
      std::mt19937 random(seed);
      for (int i = 0; i < 300; ++i) {
        auto call = std::make_shared<TestCall>(
            target_,
            std::vector<std::string>{std::to_string(random() % 50), std::to_string(random() % 50)});
        asked += 2;
        resolver_->Resolve(call);
        if (random() % 10 == 0) resolver_->Cancel(call, absl::CancelledError("gone"));
        if (random() % 100 == 0) {
          ASSERT_TRUE(cache_->Invalidate(cache::InvalidateModel{"m"}).ok());
        }
        executor_.RunAll();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  executor_.RunAll();
  uint64_t counted = 0;
  for (size_t kind = 0; kind < kCacheKinds; ++kind) counted += Rows(static_cast<CacheKind>(kind));
  EXPECT_EQ(counted, asked);
  EXPECT_EQ(resolver_->flights().in_progress, 0u);
  EXPECT_EQ(resolver_->flights().waiters, 0u);
}

}  // namespace
}  // namespace souvenir::gateway
