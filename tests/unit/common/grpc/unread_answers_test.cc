#include "common/grpc/unread_answers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace souvenir {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class UnreadAnswersTest : public ::testing::Test {
 protected:
  // Adds an answer that notes its name when it is given up.
  UnreadAnswers::Answer Add(const std::string& name, uint64_t bytes) {
    return answers_.Add(bytes, [this, name] { given_up_.push_back(name); });
  }

  std::vector<std::string> given_up_;
  UnreadAnswers answers_{100'000};
};

TEST_F(UnreadAnswersTest, TheAnswersThatHaveWaitedLongestMakeRoom) {
  std::optional<UnreadAnswers::Answer> first = Add("first", 40'000);
  std::optional<UnreadAnswers::Answer> second = Add("second", 30'000);
  const UnreadAnswers::Answer third = Add("third", 20'000);
  EXPECT_THAT(given_up_, IsEmpty());
  const UnreadAnswers::Answer fourth = Add("fourth", 45'000);
  EXPECT_THAT(given_up_, ElementsAre("first"));
  const UnreadAnswers::Answer fifth = Add("fifth", 40'000);
  EXPECT_THAT(given_up_, ElementsAre("first", "second", "third"));
  EXPECT_EQ(answers_.given_up(), 3u);
  const uint64_t left = answers_.bytes();
  EXPECT_GT(left, 85'000u);
  first.reset();
  second.reset();
  EXPECT_EQ(answers_.bytes(), left) << "they were given up before";
}

TEST_F(UnreadAnswersTest, AnAnswerThatIsReadMakesRoom) {
  std::optional<UnreadAnswers::Answer> first = Add("first", 90'000);
  first.reset();
  EXPECT_EQ(answers_.bytes(), 0u);
  const UnreadAnswers::Answer second = Add("second", 90'000);
  EXPECT_THAT(given_up_, IsEmpty());
}

TEST_F(UnreadAnswersTest, AnAnswerIsNotGivenUpForItself) {
  const UnreadAnswers::Answer large = Add("large", 200'000);
  EXPECT_THAT(given_up_, IsEmpty());
  const UnreadAnswers::Answer small = Add("small", 1);
  EXPECT_THAT(given_up_, ElementsAre("large"));
}

TEST_F(UnreadAnswersTest, EmptyAnswersCountToo) {
  std::vector<UnreadAnswers::Answer> answers;
  for (int i = 0; i < 1000; ++i) answers.push_back(Add("empty", 0));
  EXPECT_GT(given_up_.size(), 0u);
  answers.clear();
  EXPECT_EQ(answers_.bytes(), 0u);
}

TEST_F(UnreadAnswersTest, AnAnswerCountsOnceWhereverItIsMoved) {
  UnreadAnswers::Answer kept;
  {
    UnreadAnswers::Answer added = Add("a", 10);
    kept = std::move(added);
  }
  EXPECT_GT(answers_.bytes(), 0u);
  kept = UnreadAnswers::Answer();
  EXPECT_EQ(answers_.bytes(), 0u);
}

// Giving up may end a call on the same thread, which then destroys its answer.
TEST_F(UnreadAnswersTest, AnAnswerMayBeDestroyedWhileItIsGivenUp) {
  std::optional<UnreadAnswers::Answer> first;
  first = answers_.Add(90'000, [&] { first.reset(); });
  const UnreadAnswers::Answer second = Add("second", 90'000);
  EXPECT_FALSE(first.has_value());
  EXPECT_EQ(answers_.given_up(), 1u);
}

}  // namespace
}  // namespace souvenir
