#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <thread>

#include "compute-service/pool/joined_jobs.h"
#include "tests/unit/compute-service/pool/pool_fixture.h"

namespace souvenir::compute {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string Framed(const std::vector<std::string>& texts) {
  std::string data;
  for (const std::string& text : texts) AppendBytesElement(text, &data);
  return data;
}

class BatchingTest : public PoolTest {
 protected:
  void Begin(Batching batching) {
    Make({.batching = std::move(batching)});
    Open();
  }

  std::future<Result> Send(const std::vector<std::string>& texts) {
    return Submit(MakeTextJob(texts));
  }

  static std::string DataOf(std::future<Result> answer) {
    const Result result = answer.get();
    return result.ok() ? result->outputs[0].data : result.status().ToString();
  }

  // Fires due timers until the answer is there.
  Result Await(std::future<Result> answer) {
    while (answer.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
      timers_.RunDue();
      std::this_thread::yield();
    }
    return answer.get();
  }
};

TEST_F(BatchingTest, WhatWaitsRunsTogetherUpToTheLimitAndEachGetsItsOwn) {
  Begin({.most_rows = 4});
  std::future<Result> first = Occupy();
  std::future<Result> a = Send({"a"});
  std::future<Result> bc = Send({"b", "c"});
  std::future<Result> d = Send({"d"});
  std::future<Result> e = Send({"e"});
  backend_.HoldRuns(false);
  EXPECT_EQ(DataOf(std::move(a)), Framed({"a"}));
  EXPECT_EQ(DataOf(std::move(bc)), Framed({"b", "c"}));
  EXPECT_EQ(DataOf(std::move(d)), Framed({"d"}));
  EXPECT_EQ(DataOf(std::move(e)), Framed({"e"}));
  EXPECT_THAT(backend_.inputs(),
              ElementsAre(Framed({"occupier"}), Framed({"a", "b", "c", "d"}), Framed({"e"})));
  const PoolStats stats = pool_->Stats();
  EXPECT_EQ(stats.run_by_rows.at(4).count, 1u);
  EXPECT_EQ(stats.success.count, 5u);
  EXPECT_EQ(stats.rows, 6u);
}

TEST_F(BatchingTest, TheTimeOfABatchIsSharedByRows) {
  Begin({.most_rows = 4});
  std::future<Result> first = Occupy();
  std::future<Result> a = Send({"a"});
  std::future<Result> bc = Send({"b", "c"});
  backend_.HoldRuns(false);
  EXPECT_EQ(a.get()->compute_time, absl::Milliseconds(1));
  EXPECT_EQ(bc.get()->compute_time, absl::Milliseconds(2));
}

TEST_F(BatchingTest, NothingIsHeldBackUnlessTheModelAsksForIt) {
  Begin({.most_rows = 4});
  EXPECT_EQ(DataOf(Send({"a"})), Framed({"a"}));  // the clock has not advanced
}

TEST_F(BatchingTest, AJobIsHeldBackUntilTheBatchIsFull) {
  Begin({.most_rows = 4, .max_delay = absl::Milliseconds(10)});
  std::future<Result> a = Send({"a"});
  std::future<Result> b = Send({"b"});
  std::future<Result> cd = Send({"c", "d"});
  EXPECT_EQ(DataOf(std::move(a)), Framed({"a"}));
  EXPECT_THAT(backend_.inputs(), ElementsAre(Framed({"a", "b", "c", "d"})));
}

TEST_F(BatchingTest, AJobIsHeldBackNoLongerThanTheDelay) {
  Begin({.most_rows = 4, .max_delay = absl::Milliseconds(10)});
  std::future<Result> a = Send({"a"});
  clock_.Advance(absl::Milliseconds(4));
  std::future<Result> b = Send({"b"});
  clock_.Advance(absl::Milliseconds(6));
  EXPECT_TRUE(Await(std::move(a)).ok());
  EXPECT_TRUE(Await(std::move(b)).ok());
  EXPECT_THAT(backend_.inputs(), ElementsAre(Framed({"a", "b"})));
}

TEST_F(BatchingTest, APreferredSizeIsNotHeldBack) {
  Begin({.most_rows = 8, .max_delay = absl::Hours(1), .preferred_rows = {2, 4}});
  std::future<Result> a = Send({"a"});
  std::future<Result> b = Send({"b"});
  EXPECT_TRUE(a.get().ok() && b.get().ok());  // the clock has not advanced
  EXPECT_THAT(backend_.inputs(), ElementsAre(Framed({"a", "b"})));
}

TEST_F(BatchingTest, OfPreferredSizesTheLargestThatCanBeMade) {
  Begin({.most_rows = 8, .preferred_rows = {2, 4}});
  std::future<Result> first = Occupy();
  std::vector<std::future<Result>> answers;
  for (const char* text : {"a", "b", "c", "d", "e"}) answers.push_back(Send({text}));
  backend_.HoldRuns(false);
  for (auto& answer : answers) EXPECT_TRUE(answer.get().ok());
  EXPECT_THAT(backend_.inputs(),
              ElementsAre(Framed({"occupier"}), Framed({"a", "b", "c", "d"}), Framed({"e"})));
}

TEST_F(BatchingTest, OtherOutputsDoNotMix) {
  Begin({.most_rows = 4});
  std::future<Result> first = Occupy();
  auto other = MakeTextJob({"b"});
  other.first.outputs = {"echo", "echo"};
  std::future<Result> a = Send({"a"});
  std::future<Result> b = Submit(std::move(other));
  std::future<Result> c = Send({"c"});
  backend_.HoldRuns(false);
  EXPECT_TRUE(a.get().ok() && b.get().ok() && c.get().ok());
  EXPECT_THAT(backend_.inputs(),
              ElementsAre(Framed({"occupier"}), Framed({"a"}), Framed({"b"}), Framed({"c"})));
}

TEST_F(BatchingTest, OtherShapesDoNotMix) {
  Begin({.most_rows = 4});
  std::future<Result> first = Occupy();
  auto wide = MakeTextJob({"b", "c"});
  const std::vector<int64_t> shape = {1, 2};
  wide.first.inputs[0].shape = shape;
  wide.first.rows = 1;
  std::future<Result> a = Send({"a"});
  std::future<Result> bc = Submit(std::move(wide));
  backend_.HoldRuns(false);
  EXPECT_TRUE(a.get().ok() && bc.get().ok());
  EXPECT_THAT(backend_.inputs(),
              ElementsAre(Framed({"occupier"}), Framed({"a"}), Framed({"b", "c"})));
}

TEST_F(BatchingTest, StrangersDoNotShareABadRowsFate) {
  Begin({.most_rows = 4});
  backend_.RefuseInputsWith("bad");
  std::future<Result> first = Occupy();
  std::future<Result> a = Send({"a"});
  std::future<Result> bad = Send({"bad"});
  std::future<Result> c = Send({"c"});
  backend_.HoldRuns(false);
  EXPECT_EQ(DataOf(std::move(a)), Framed({"a"}));
  EXPECT_EQ(bad.get().status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(DataOf(std::move(c)), Framed({"c"}));
}

TEST_F(BatchingTest, WhatHasExpiredIsNotInTheBatch) {
  Begin({.most_rows = 4});
  std::future<Result> first = Occupy();
  std::future<Result> a = Send({"a"});
  std::future<Result> late = PoolTest::Submit("late", nullptr, absl::Milliseconds(50));
  std::future<Result> b = Send({"b"});
  clock_.Advance(absl::Seconds(1));  // no timer fires
  backend_.HoldRuns(false);
  EXPECT_TRUE(a.get().ok() && b.get().ok());
  EXPECT_EQ(late.get().status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(backend_.inputs(), ElementsAre(Framed({"occupier"}), Framed({"a", "b"})));
}

TEST_F(PoolTest, TheMostUrgentJobRunsFirst) {
  Open();
  std::future<Result> first = Occupy();
  std::vector<std::future<Result>> answers;
  for (const auto& [text, priority] : {std::pair("least", 9), {"default", 0}, {"most", 1}}) {
    auto made = MakeTextJob({text});
    if (priority > 0) made.first.priority = priority;
    answers.push_back(Submit(std::move(made)));
  }
  backend_.HoldRuns(false);
  for (auto& answer : answers) EXPECT_TRUE(answer.get().ok());
  EXPECT_THAT(backend_.inputs(), ElementsAre(Framed({"occupier"}), Framed({"most"}),
                                             Framed({"default"}), Framed({"least"})));
}

TEST_F(PoolTest, AJobOfNoUrgencyIsOvertakenForAWhileOnly) {
  Open();
  std::future<Result> first = Occupy();
  std::vector<std::future<Result>> answers;
  const auto send = [&](const char* text, int priority) {
    auto made = MakeTextJob({text});
    made.first.priority = priority;
    answers.push_back(Submit(std::move(made)));
  };
  send("least", 9);
  clock_.Advance(absl::Seconds(7));
  send("soon enough", 1);
  clock_.Advance(absl::Seconds(2));
  send("too late", 1);
  backend_.HoldRuns(false);
  for (auto& answer : answers) EXPECT_TRUE(answer.get().ok());
  EXPECT_THAT(backend_.inputs(), ElementsAre(Framed({"occupier"}), Framed({"soon enough"}),
                                             Framed({"least"}), Framed({"too late"})));
}

// A job of a model with two inputs, one of fixed-size elements and one of BYTES.
struct RandomJob {
  explicit RandomJob(std::mt19937* random) {
    const int64_t rows = std::uniform_int_distribution<int64_t>(1, 5)(*random);
    std::uniform_int_distribution<int> byte(0, 255);
    numbers = {"numbers", DataType::kInt16, {rows, 3}, ""};
    texts = {"texts", DataType::kBytes, {rows, 2}, ""};
    for (int64_t i = 0; i < rows * 6; ++i) numbers.data += static_cast<char>(byte(*random));
    for (int64_t i = 0; i < rows * 2; ++i) {
      AppendBytesElement(std::string(static_cast<size_t>(byte(*random) % 7), 'x'), &texts.data);
    }
    job.inputs = {numbers.view(), texts.view()};
    job.outputs = {"numbers", "texts"};
    job.rows = rows;
  }
  Tensor numbers;
  Tensor texts;
  Job job;
};

TEST(JoinedJobsTest, WhatIsJoinedComesApartAsItWas) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::unique_ptr<RandomJob>> jobs;
    std::vector<const Job*> pointers;
    for (int i = 0; i < 2 + round % 5; ++i) {
      pointers.push_back(&jobs.emplace_back(std::make_unique<RandomJob>(&random))->job);
    }
    const JoinedJobs joined(pointers);
    InferenceResult result;
    for (const TensorView& input : joined.inputs()) {
      ASSERT_TRUE(ValidateTensor(input).ok());
      ASSERT_EQ(input.shape[0], joined.rows());
      result.outputs.push_back({std::string(input.name),
                                input.datatype,
                                {input.shape.begin(), input.shape.end()},
                                std::string(input.data)});
    }
    const auto parts = joined.Split(result);
    ASSERT_TRUE(parts.ok()) << parts.status();
    for (size_t i = 0; i < jobs.size(); ++i) {
      EXPECT_EQ((*parts)[i].outputs[0].data, jobs[i]->numbers.data);
      EXPECT_EQ((*parts)[i].outputs[0].shape, jobs[i]->numbers.shape);
      EXPECT_EQ((*parts)[i].outputs[1].data, jobs[i]->texts.data);
      EXPECT_EQ((*parts)[i].outputs[1].shape, jobs[i]->texts.shape);
    }
  }
}

TEST(JoinedJobsTest, AnOutputThatIsNoBatchCannotBeToldApart) {
  std::mt19937 random(7);
  const RandomJob a(&random);
  const RandomJob b(&random);
  const JoinedJobs joined({&a.job, &b.job});
  InferenceResult result;
  result.outputs.push_back({"sum", DataType::kInt16, {1}, "ab"});
  EXPECT_THAT(Message(joined.Split(result).status()), HasSubstr("'sum' has the shape [1]"));
  result.outputs[0].shape = {};
  EXPECT_THAT(Message(joined.Split(result).status()), HasSubstr("'sum' has the shape []"));
  result.outputs[0].shape = {joined.rows(), 1};  // the output has too few bytes for this shape
  EXPECT_FALSE(joined.Split(result).ok());
}

}  // namespace
}  // namespace souvenir::compute
