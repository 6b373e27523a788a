#include "compute-service/rpc/request_scheduling.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace souvenir::compute {
namespace {

using ::testing::HasSubstr;

class RequestSchedulingTest : public ::testing::Test {
 protected:
  RequestScheduling Read() {
    const auto scheduling = ReadScheduling(request_, settings_);
    EXPECT_TRUE(scheduling.ok()) << scheduling.status();
    return *scheduling;
  }
  inference::InferParameter& parameter(const std::string& name) {
    return (*request_.mutable_parameters())[name];
  }

  inference::ModelInferRequest request_;
  ModelSettings settings_;
};

TEST_F(RequestSchedulingTest, ARequestThatSaysNothingGetsTheModelsDefaults) {
  settings_.default_priority = 3;
  settings_.queue_timeout = absl::Seconds(2);
  EXPECT_EQ(Read().priority, 3);
  EXPECT_EQ(Read().timeout, absl::Seconds(2));
  parameter("priority").set_int64_param(0);
  parameter("timeout").set_int64_param(0);
  EXPECT_EQ(Read().priority, 3);
  EXPECT_EQ(Read().timeout, absl::Seconds(2));
}

TEST_F(RequestSchedulingTest, PrioritiesOfEitherTypeAreReadAndHeldToTheLevels) {
  parameter("priority").set_uint64_param(2);
  EXPECT_EQ(Read().priority, 2);
  parameter("priority").set_int64_param(4);
  EXPECT_EQ(Read().priority, 4);
  parameter("priority").set_uint64_param(std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(Read().priority, kPriorityLevels);
}

TEST_F(RequestSchedulingTest, ATimeoutMayOnlyShortenTheModels) {
  parameter("timeout").set_int64_param(1500);
  EXPECT_EQ(Read().timeout, absl::Microseconds(1500));
  settings_.queue_timeout = absl::Milliseconds(1);
  EXPECT_EQ(Read().timeout, absl::Milliseconds(1));
  settings_.queue_timeout = absl::Seconds(1);
  EXPECT_EQ(Read().timeout, absl::Microseconds(1500));
  settings_.allow_timeout_override = false;
  EXPECT_EQ(Read().timeout, absl::Seconds(1));
}

TEST_F(RequestSchedulingTest, WhatIsNoNumberIsRefusedByName) {
  for (const char* name : {"priority", "timeout"}) {
    request_.Clear();
    parameter(name).set_int64_param(-1);
    EXPECT_THAT(std::string(ReadScheduling(request_, settings_).status().message()),
                HasSubstr(std::string(name) + "': -1 came"));
    parameter(name).set_string_param("5");
    EXPECT_THAT(std::string(ReadScheduling(request_, settings_).status().message()),
                HasSubstr("a text came"));
  }
}

}  // namespace
}  // namespace souvenir::compute
