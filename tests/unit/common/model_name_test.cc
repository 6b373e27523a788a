#include "common/model_name.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace souvenir {
namespace {

using ::testing::HasSubstr;

TEST(CheckModelNameTest, TakesUtf8OfAnyLanguage) {
  for (const char* name : {"m", "apertium-eng-spa", "llama3:8b", "org/model", "m 1",
                           "espa\xc3\xb1ol", "\xe6\xa8\xa1\xe5\x9e\x8b", "\xf0\x9f\x90\xa6"}) {
    EXPECT_TRUE(CheckModelName(name).ok()) << name;
  }
  EXPECT_TRUE(CheckModelName(std::string(255, 'x')).ok());
}

TEST(CheckModelNameTest, RefusesWhatNoMessageOrLogCanHold) {
  for (const std::string& name :
       {std::string("\xff"), std::string("a\xc3"), std::string("\xc0\x80"),
        std::string("\xed\xa0\x80"), std::string("\xf5\x80\x80\x80"), std::string("\xe0\x80\x80"),
        std::string("a\nb"), std::string("a\0b", 3), std::string("a\x7f"), std::string("a\xc2\x85"),
        std::string("\xe2\x80\xa8"), std::string(256, 'x'), std::string()}) {
    EXPECT_EQ(CheckModelName(name).code(), absl::StatusCode::kInvalidArgument) << EscapedName(name);
  }
}

TEST(CheckModelNameTest, ShowsTheNameInAscii) {
  EXPECT_THAT(std::string(CheckModelName("caf\xe9").message()), HasSubstr("'caf\\xe9' is no name"));
  EXPECT_EQ(EscapedName(std::string(100, 'x')), std::string(80, 'x') + "...");
}

}  // namespace
}  // namespace souvenir
