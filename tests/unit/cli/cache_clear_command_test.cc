#include "cli/cache_clear_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/cli/command_line_fixture.h"

namespace souvenir::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string kKey(64, 'a');

class CacheClearTest : public CommandLineTest {};

TEST_F(CacheClearTest, CacheClearSaysWhatItForgot) {
  EXPECT_EQ(Run({"cache", "clear", "--model", "m"}), 0);
  EXPECT_EQ(out_, "Forgot every answer of m (0 µs).\n");
  EXPECT_EQ(Run({"cache", "clear", "--key", kKey}), 0);
  // The gateway does not count the entries of a tag.
  gateway_.cache.match = souvenir::v1::INVALIDATE_MATCH_UNSPECIFIED;
  EXPECT_EQ(Run({"cache", "clear", "--tag", "release-7"}), 0);
  EXPECT_EQ(out_, "Forgot every answer with the tag release-7, if there was any (0 µs).\n");
  gateway_.cache.match = souvenir::v1::INVALIDATE_MATCH_FOUND;
  EXPECT_EQ(Run({"cache", "clear", "--tenant", "acme"}), 0);
  EXPECT_EQ(out_, "Forgot every answer of the tenant acme (0 µs).\n");
  EXPECT_EQ(Run({"cache", "clear", "--yes"}), 0);
  const auto& asked = gateway_.cache.invalidated;
  ASSERT_EQ(asked.size(), 5u);
  EXPECT_EQ(asked[0].model(), "m");
  EXPECT_EQ(asked[1].key(), kKey);
  EXPECT_EQ(asked[2].tag(), "release-7");
  EXPECT_EQ(asked[3].tenant(), "acme");
  EXPECT_TRUE(asked[4].all());
  EXPECT_EQ(out_, "Forgot every answer, of every model (0 µs).\n");
  EXPECT_EQ(Run({"cache", "clear", "--key", kKey, "--model", "m"}), 2);
}

TEST_F(CacheClearTest, CacheClearFailsWhereNothingMatches) {
  gateway_.cache.match = souvenir::v1::INVALIDATE_MATCH_NOTHING;
  gateway_.inference.index.add_models()->set_name("apertium-en-gl");
  gateway_.inference.index.add_models()->set_name("apertium-eng-spa");
  EXPECT_EQ(Run({"cache", "clear", "--model", "apertium-eng-sap"}), 1);
  EXPECT_THAT(out_, IsEmpty());
  EXPECT_EQ(err_,
            "souvenir: no model 'apertium-eng-sap' is known (did you mean 'apertium-eng-spa'?); "
            "`souvenir models` lists those there are\n");
  EXPECT_EQ(Run({"cache", "clear", "--key", kKey}), 1);
  EXPECT_EQ(err_, "souvenir: no entry has the key " + kKey + "\n");
  EXPECT_EQ(Run({"cache", "clear", "--tenant", "acmee"}), 1);
  EXPECT_EQ(err_, "souvenir: no answer of the tenant 'acmee' is remembered\n");
  EXPECT_EQ(Run({"--json", "cache", "clear", "--model", "x"}), 1);
  EXPECT_EQ(out_, "{\"match\":\"INVALIDATE_MATCH_NOTHING\"}\n");
}

TEST_F(CacheClearTest, WhatForgetsEverythingIsAskedForAtATerminal) {
  terminal_ = true;
  for (const std::vector<std::string>& clear :
       {std::vector<std::string>{"cache", "clear"}, {"cache", "clear", "--tenant="}}) {
    gateway_.cache.invalidated.clear();
    for (const char* no : {"n\n", "\n", "", "what?\n"}) {
      EXPECT_EQ(Run(clear, no), 1);
      EXPECT_THAT(err_, HasSubstr("[y/N]"));
      EXPECT_THAT(err_, HasSubstr("nothing was done"));
    }
    EXPECT_TRUE(gateway_.cache.invalidated.empty());
    EXPECT_EQ(Run(clear, "y\n"), 0);
    EXPECT_EQ(Run(clear, " YES \n"), 0);
    EXPECT_EQ(gateway_.cache.invalidated.size(), 2u);
  }
}

TEST_F(CacheClearTest, WhatForgetsEverythingWantsAYesWhereNobodyCanBeAsked) {
  EXPECT_EQ(Run({"cache", "clear"}, "y\n"), 2);
  EXPECT_THAT(err_, HasSubstr("this forgets every answer"));
  EXPECT_THAT(err_, HasSubstr("--yes"));
  EXPECT_EQ(Run({"cache", "clear", "--tenant", ""}), 2);  // an unset variable of a script
  EXPECT_EQ(Run({"cache", "clear", "--tenant=", "--json"}), 2);
  EXPECT_TRUE(gateway_.cache.invalidated.empty());
  EXPECT_EQ(Run({"cache", "clear", "--tenant=", "-y"}), 0);
  ASSERT_EQ(gateway_.cache.invalidated.size(), 1u);
  EXPECT_EQ(gateway_.cache.invalidated[0].scope_case(), souvenir::v1::InvalidateRequest::kTenant);
  EXPECT_EQ(gateway_.cache.invalidated[0].tenant(), "");
}

}  // namespace
}  // namespace souvenir::cli
