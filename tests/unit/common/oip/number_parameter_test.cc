#include "common/oip/number_parameter.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace souvenir {
namespace {

using inference::InferParameter;

TEST(NumberParameterTest, TakesEitherTypeOfInteger) {
  InferParameter parameter;
  parameter.set_int64_param(5);
  EXPECT_EQ(*NumberParameter("priority", parameter), 5u);
  parameter.set_uint64_param(UINT64_MAX);
  EXPECT_EQ(*NumberParameter("priority", parameter), UINT64_MAX);
}

TEST(NumberParameterTest, SaysWhatCameOfAnythingElse) {
  const std::vector<std::pair<std::function<void(InferParameter*)>, std::string>> wrong = {
      {[](auto* parameter) { parameter->set_int64_param(-1); }, "-1"},
      {[](auto* parameter) { parameter->set_bool_param(true); }, "true"},
      {[](auto* parameter) { parameter->set_double_param(2.5); }, "the floating-point number 2.5"},
      // A caller's text reaches no log.
      {[](auto* parameter) { parameter->set_string_param("secret"); }, "a text"},
      {[](auto*) {}, "no value"}};
  for (const auto& [set, came] : wrong) {
    InferParameter parameter;
    set(&parameter);
    const absl::Status status = NumberParameter("priority", parameter).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(status.message(),
              "parameter 'priority': " + came + " came, an integer of 0 or more is expected");
  }
}

}  // namespace
}  // namespace souvenir
