#include "cli/standard_input.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "tests/fakes/temporary_directory.h"

namespace souvenir::cli {
namespace {

using ::testing::HasSubstr;

TEST(StandardInputTest, ReadsToTheEndAndNoFurtherThanTheLimit) {
  const std::string text((1 << 20) + 3, 'x');
  std::istringstream in(text);
  EXPECT_TRUE(ReadAll(in, text.size()).value() == text);
  std::istringstream again(text);
  EXPECT_EQ(ReadAll(again, text.size() - 1).status().code(), absl::StatusCode::kResourceExhausted);
  std::istringstream empty;
  EXPECT_EQ(ReadAll(empty, 10).value(), "");
}

// With `souvenir translate </tmp` the stream's buffer throws at the first read.
TEST(StandardInputTest, ADirectoryIsAnError) {
  const TemporaryDirectory directory;
  std::ifstream in(directory.path());
  const absl::Status status = ReadAll(in, 10).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("cannot read standard input: Is a directory"));
}

TEST(StandardInputTest, AReadErrorIsNotTheEnd) {
  std::ifstream in("/proc/self/mem");
  char buffer[4];
  EXPECT_THAT(Read(in, buffer, sizeof(buffer)).status().ToString(),
              HasSubstr("Input/output error"));
}

}  // namespace
}  // namespace souvenir::cli
