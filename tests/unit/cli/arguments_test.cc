#include "cli/arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "tests/fakes/temporary_directory.h"
#include "tests/unit/cli/command_line_fixture.h"

namespace souvenir::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string ReadFile(const std::string& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

class ArgumentsTest : public CommandLineTest {};

TEST_F(ArgumentsTest, AnEmptyElementOfAListIsRefusedAndTakesNoWord) {
  for (const char* list : {",,", "", "es,", ",es", "es,,gl"}) {
    EXPECT_EQ(Run({"translate", "--from", "en", "--to", list, "hi"}, "of standard input"), 2);
    EXPECT_THAT(err_, HasSubstr("--to: '" + std::string(list) + "' has an empty value")) << list;
  }
  EXPECT_EQ(Run({"translate", "--from", "en", "--to=", "hi"}), 2);
  EXPECT_THAT(err_, HasSubstr("--to: '' has an empty value"));
  EXPECT_EQ(Run({"translate", "--from", "en", "--to", "es", "--tag", "a,,b", "hi"}), 2);
  EXPECT_THAT(err_, HasSubstr("--tag: 'a,,b' has an empty value"));
  EXPECT_EQ(Run({"infer", "m", "hi", "-o", ","}), 2);
  EXPECT_THAT(err_, HasSubstr("--output: ',' has an empty value"));
  EXPECT_EQ(gateway_.translation.asked.text(), "");
}

TEST_F(ArgumentsTest, AListInBracketsIsOneElementAndNoList) {
  EXPECT_EQ(Run({"translate", "--from", "en", "--to", "[]", "hi"}, "of standard input"), 0);
  EXPECT_EQ(gateway_.translation.asked.text(), "hi");
  EXPECT_THAT(gateway_.translation.asked.target_languages(), ElementsAre("[]"));
}

TEST_F(ArgumentsTest, AnArgumentThatIsNotUtf8IsRefusedByItsName) {
  for (const auto& [name, arguments] :
       std::vector<std::pair<std::string, std::vector<std::string>>>{
           {"--from", {"translate", "--to", "es", "hi", "--from", "a\xff"}},
           {"--to", {"translate", "--from", "en", "hi", "--to", "a\xff"}},
           {"--engine", {"translate", "--from", "en", "--to", "es", "hi", "--engine", "a\xff"}},
           {"TEXT", {"translate", "--from", "en", "--to", "es", "hi", "a\xff"}},
           {"--from", {"languages", "--from", "a\xff"}},
           {"--to", {"languages", "--to", "a\xff"}},
           {"PART", {"health", "a\xff"}},
           {"NAME", {"models", "a\xff"}},
           {"NAME", {"models", "load", "a\xff"}},
           {"NAME", {"models", "unload", "a\xff"}},
           {"MODEL", {"infer", "a\xff", "x"}},
           {"--model-version", {"infer", "m", "x", "--model-version", "a\xff"}},
           {"--output", {"infer", "m", "x", "--output", "a\xff"}},
           {"--parameter", {"infer", "m", "x", "--parameter", "a\xff=1"}},
           {"--input", {"infer", "m", "--input", "a\xff=x"}},
           {"--model", {"cache", "clear", "--model", "a\xff"}},
           {"--tag", {"cache", "clear", "--tag", "a\xff"}},
           {"--tenant", {"cache", "clear", "--tenant", "a\xff"}},
           {"--server", {"cache", "stats", "--server", "a\xff:8001"}}}) {
    EXPECT_EQ(Run(arguments), 2) << name;
    EXPECT_THAT(err_, HasSubstr(name + ": 'a\\xff")) << name;
    EXPECT_THAT(err_, HasSubstr("UTF-8 is expected; byte 1 is 0xff")) << name;
  }
  EXPECT_EQ(Run({"translate", "--from", "en", "--to", "es", "--tenant", "a\xff", "hi"}), 2);
  EXPECT_THAT(err_, HasSubstr("--tenant: 'a\\xff' has characters beyond printable ASCII"));
  EXPECT_EQ(Run({"cache", "entry", "a\xff"}), 2);
  EXPECT_THAT(err_, HasSubstr("KEY: 'a\\xff' is no key"));
}

TEST_F(ArgumentsTest, AnArgumentThatIsNotUtf8IsShownInPart) {
  EXPECT_EQ(Run({"models", std::string(100, 'a') + "\xff"}), 2);
  EXPECT_THAT(err_, HasSubstr("NAME: '" + std::string(40, 'a') +
                              "...' came, UTF-8 is expected; byte 100 is 0xff\n"));
}

TEST_F(ArgumentsTest, ANameOfAFileMayBeAnyBytes) {
  const TemporaryDirectory directory;
  const std::string file = directory.path() + "/\xff";
  gateway_.cache.snapshot = "all that is known";
  EXPECT_EQ(Run({"cache", "export", file}), 0) << err_;
  EXPECT_EQ(ReadFile(file), "all that is known");
}

}  // namespace
}  // namespace souvenir::cli
