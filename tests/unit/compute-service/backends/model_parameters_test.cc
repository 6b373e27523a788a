#include "compute-service/backends/model_parameters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace souvenir::compute {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

inference::ModelConfig With(const std::string& name, const std::string& value) {
  inference::ModelConfig config;
  config.set_name("adder");
  (*config.mutable_parameters())[name].set_string_value(value);
  return config;
}

TEST(ModelParametersTest, KnowsThoseOfTheServicesAndTheEnginesOwn) {
  for (const char* name :
       {"deterministic_errors", "instances", "isolation", "max_queue_size", "row_exact",
        "run_limit_ms", "source_language", "target_language", "task", "mode"}) {
    EXPECT_TRUE(CheckParameterNames(With(name, "x"), "Some", {"mode"}).ok()) << name;
  }
}

TEST(ModelParametersTest, RefusesAnyOtherByNameAndSaysWhatIsKnown) {
  inference::ModelConfig config = With("beam", "4");
  (*config.mutable_parameters())["width"].set_string_value("4");
  const absl::Status status = CheckParameterNames(config, "Some", {"mode"});
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("adder"), HasSubstr("\"beam\""), HasSubstr("Some's"),
                    HasSubstr("max_queue_size, mode, nice, row_exact")));
}

TEST(ModelParametersTest, ASwitchIsTrueOrFalse) {
  EXPECT_EQ(*SwitchParameter(With("row_exact", "true"), "row_exact"), true);
  EXPECT_EQ(*SwitchParameter(With("row_exact", "false"), "row_exact"), false);
  EXPECT_EQ(*SwitchParameter(With("task", "x"), "row_exact"), std::nullopt);
  EXPECT_THAT(
      std::string(SwitchParameter(With("row_exact", "yes"), "row_exact").status().message()),
      AllOf(HasSubstr("'row_exact'"), HasSubstr("'yes'")));
}

TEST(ModelParametersTest, InstancesAreThoseOfTheGroupsElseTheParameter) {
  EXPECT_EQ(*InstancesAskedFor(With("task", "x")), std::nullopt);
  EXPECT_EQ(*InstancesAskedFor(With("instances", "auto")), std::nullopt);
  EXPECT_EQ(*InstancesAskedFor(With("instances", "3")), 3);
  EXPECT_FALSE(InstancesAskedFor(With("instances", "0")).ok());
  EXPECT_FALSE(InstancesAskedFor(With("instances", "three")).ok());
  inference::ModelConfig groups = With("instances", "3");
  groups.add_instance_group()->set_count(2);
  groups.add_instance_group();  // a group without a count has one instance
  EXPECT_EQ(*InstancesAskedFor(groups), 3);
  groups.mutable_instance_group(0)->set_count(7);
  EXPECT_EQ(*InstancesAskedFor(groups), 8);
}

}  // namespace
}  // namespace souvenir::compute
