#include "gateway/resolve/directives.h"

#include <gtest/gtest.h>

namespace souvenir::gateway {
namespace {

TEST(CacheControlTest, EveryDirectiveIsRead) {
  const auto directives = ParseCacheControl(
      "no-cache, No-Store ,max-age=60,stale-while-revalidate=5, stale-if-error=7");
  ASSERT_TRUE(directives.ok()) << directives.status();
  EXPECT_TRUE(directives->no_cache);
  EXPECT_TRUE(directives->no_store);
  EXPECT_FALSE(directives->only_if_cached);
  EXPECT_EQ(directives->max_age, absl::Seconds(60));
  EXPECT_EQ(directives->stale_while_revalidate, absl::Seconds(5));
  EXPECT_EQ(directives->stale_if_error, absl::Seconds(7));
  EXPECT_TRUE(ParseCacheControl("only-if-cached")->only_if_cached);
}

TEST(CacheControlTest, WhatIsWrongIsNamed) {
  const std::pair<const char*, const char*> cases[] = {
      {"no-cash", "'no-cash'"},
      {"", "''"},
      {"no-cache,", "''"},
      {"max-age", "'max-age'"},
      {"max-age=", "'max-age='"},
      {"max-age=-1", "'max-age=-1'"},
      {"max-age=1.5", "'max-age=1.5'"},
      {"max-age=99999999999", "'max-age=99999999999'"},
      {"no-cache=1", "'no-cache=1'"},
      {"no-store,no-store", "'no-store'"},
      {"max-age=1,max-age=2", "comes twice"},
      {"no-cache, only-if-cached", "forbids"},
  };
  for (const auto& [header, named] : cases) {
    const auto directives = ParseCacheControl(header);
    EXPECT_EQ(directives.status().code(), absl::StatusCode::kInvalidArgument) << header;
    EXPECT_NE(directives.status().message().find(named), std::string::npos) << directives.status();
  }
}

}  // namespace
}  // namespace souvenir::gateway
