#include "gateway/tasks/job_graph.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace souvenir::gateway {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr JobGraph::Limits kLimits = {};

std::string Message(const absl::Status& status) { return std::string(status.message()); }

TEST(JobGraph, StepsMayNeedStepsThatComeLater) {
  JobGraph graph(kLimits);
  ASSERT_TRUE(graph.Add("sum", {"a", "b"}).ok());
  ASSERT_TRUE(graph.Add("b", {"a"}).ok());
  ASSERT_TRUE(graph.Add("a", {}).ok());
  ASSERT_TRUE(graph.Seal().ok());
  EXPECT_EQ(graph.size(), 3);
  EXPECT_EQ(graph.edges(), 3);
  EXPECT_THAT(graph.needs(0), ElementsAre(2, 1));  // in the order given
  EXPECT_THAT(graph.feeds(2), ElementsAre(0, 1));
  EXPECT_THAT(graph.needs(2), IsEmpty());
  EXPECT_EQ(graph.Find("b"), 1);
  EXPECT_EQ(graph.Find("c"), std::nullopt);
  EXPECT_EQ(graph.OnlySink(std::nullopt), 0);
}

TEST(JobGraph, SeveralSinksAreNone) {
  JobGraph graph(kLimits);
  ASSERT_TRUE(graph.Add("a", {}).ok());
  ASSERT_TRUE(graph.Add("b", {}).ok());
  ASSERT_TRUE(graph.Seal().ok());
  EXPECT_EQ(graph.OnlySink(std::nullopt), std::nullopt);
  EXPECT_EQ(graph.OnlySink(1), 0);
}

TEST(JobGraph, AnIdThatComesTwiceIsNamedWithBothPlaces) {
  JobGraph graph(kLimits);
  ASSERT_TRUE(graph.Add("a", {}).ok());
  const absl::Status status = graph.Add("a", {});
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(Message(status), HasSubstr("steps[1] 'a': the id came before, as steps[0]"));
}

TEST(JobGraph, AnUnknownStepIsNamedWithThePathAndTheNearestIds) {
  JobGraph graph(kLimits);
  ASSERT_TRUE(graph.Add("chunk-1", {}).ok());
  ASSERT_TRUE(graph.Add("sum", {"chunk-2"}).ok());
  const absl::Status status = graph.Seal();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(Message(status), HasSubstr("steps[1] 'sum': it needs step 'chunk-2'"));
  EXPECT_THAT(Message(status), HasSubstr("chunk-1"));
}

TEST(JobGraph, ACycleIsToldWithItsSteps) {
  JobGraph graph(kLimits);
  ASSERT_TRUE(graph.Add("before", {}).ok());
  ASSERT_TRUE(graph.Add("a", {"before", "c"}).ok());
  ASSERT_TRUE(graph.Add("b", {"a"}).ok());
  ASSERT_TRUE(graph.Add("c", {"b"}).ok());
  ASSERT_TRUE(graph.Add("after", {"c"}).ok());
  const absl::Status status = graph.Seal();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(Message(status),
              HasSubstr("in a cycle of 3 steps: 'a' needs 'c' needs 'b' needs 'a'"));
}

TEST(JobGraph, AStepThatNeedsItselfIsACycle) {
  JobGraph graph(kLimits);
  ASSERT_TRUE(graph.Add("a", {"a"}).ok());
  EXPECT_EQ(Message(graph.Seal()), "steps[0] 'a': it needs itself");
}

TEST(JobGraph, DeepGraphsTakeNoStack) {
  constexpr int kDepth = 300'000;
  JobGraph chain(kLimits);
  for (int i = kDepth; i > 0; --i) {
    ASSERT_TRUE(chain.Add(fmt::format("{}", i), {fmt::format("{}", i - 1)}).ok());
  }
  ASSERT_TRUE(chain.Add("0", {}).ok());
  EXPECT_TRUE(chain.Seal().ok());

  JobGraph circle(kLimits);
  for (int i = 0; i < kDepth; ++i) {
    ASSERT_TRUE(circle.Add(fmt::format("{}", i), {fmt::format("{}", (i + 1) % kDepth)}).ok());
  }
  const std::string message = Message(circle.Seal());
  EXPECT_THAT(message, HasSubstr("a cycle of 300000 steps"));
  EXPECT_LT(message.size(), 1000);
}

TEST(JobGraph, LimitsAreToldWithTheirValues) {
  JobGraph steps({.max_steps = 2, .max_edges = 10});
  ASSERT_TRUE(steps.Add("a", {}).ok());
  ASSERT_TRUE(steps.Add("b", {}).ok());
  const absl::Status third = steps.Add("c", {});
  EXPECT_EQ(third.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(Message(third), HasSubstr("more than 2 steps"));

  JobGraph edges({.max_steps = 10, .max_edges = 1});
  ASSERT_TRUE(edges.Add("a", {}).ok());
  const absl::Status two = edges.Add("b", {"a", "c"});
  EXPECT_EQ(two.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(Message(two), HasSubstr("steps[1] 'b'"));
}

TEST(JobGraph, IdsAreCheckedBeforeTheyAreKept) {
  JobGraph graph(kLimits);
  EXPECT_THAT(Message(graph.Add("", {})), HasSubstr("steps[0]: an id of 0 bytes came"));
  EXPECT_THAT(Message(graph.Add(std::string(257, 'x'), {})), HasSubstr("257 bytes"));
  EXPECT_THAT(Message(graph.Add("a\nb", {})), HasSubstr("control character"));
  EXPECT_THAT(Message(graph.Add("a", {std::string(257, 'x')})), HasSubstr("257 bytes"));
  EXPECT_THAT(Message(JobGraph(kLimits).Seal()), HasSubstr("at least one is expected"));
}

}  // namespace
}  // namespace souvenir::gateway
