#include "cli/completion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include "cli/command_tree.h"
#include "common/config/man_page.h"

namespace souvenir::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class DescriptionTest : public ::testing::Test {
 protected:
  static void Visit(const CommandDescription& command,
                    const std::function<void(const CommandDescription&)>& visit) {
    visit(command);
    for (const CommandDescription& each : command.commands) Visit(each, visit);
  }

  std::istringstream in_;
  std::ostringstream out_;
  std::ostringstream err_;
  Console console_{.in = in_, .out = out_, .err = err_};
  CommandTree tree_{"9.8.7", &console_};
  const CommandDescription souvenir_ = DescribeCommand(tree_.app);
};

TEST_F(DescriptionTest, IsThatOfTheCommandLine) {
  EXPECT_EQ(souvenir_.path, "souvenir");
  const CommandDescription& models = souvenir_.commands.at(2);
  EXPECT_EQ(models.path, "souvenir models");
  ASSERT_EQ(models.commands.size(), 2u);
  EXPECT_EQ(models.commands[0].path, "souvenir models load");
  ASSERT_EQ(models.commands[0].arguments.size(), 1u);
  EXPECT_THAT(models.commands[0].arguments[0].names, ElementsAre("NAME"));
  EXPECT_TRUE(models.commands[0].arguments[0].required);
}

TEST_F(DescriptionTest, EverythingIsDescribed) {
  Visit(souvenir_, [](const CommandDescription& command) {
    EXPECT_THAT(command.description, Not(IsEmpty())) << command.path;
    for (const FlagDescription& flag : command.flags) {
      EXPECT_THAT(flag.description, Not(IsEmpty())) << command.path << " " << flag.names.back();
      // The placeholder must be one of ours; CLI11's "TEXT" says nothing.
      EXPECT_NE(flag.value, "TEXT") << command.path << " " << flag.names.back();
    }
    for (const FlagDescription& argument : command.arguments) {
      EXPECT_THAT(argument.description, Not(IsEmpty())) << command.path;
    }
  });
}

TEST_F(DescriptionTest, EveryCommandAndFlagIsInTheManualPageAndInEachCompletion) {
  std::vector<std::string> scripts = {ManPage(souvenir_, "souvenir 9.8.7")};
  for (const char* shell : {"bash", "zsh", "fish"}) {
    scripts.push_back(CompletionScript(shell, souvenir_));
  }
  std::string& man = scripts.front();
  for (size_t at = 0; (at = man.find("\\-", at)) != std::string::npos; ++at) man.erase(at, 1);
  for (const std::string& script : scripts) {
    Visit(souvenir_, [&](const CommandDescription& command) {
      EXPECT_THAT(script, HasSubstr(command.path));
      for (const FlagDescription& flag : command.flags) {
        std::string name = flag.names.back();
        if (script == scripts.back()) name = "-l " + name.substr(2);  // fish
        EXPECT_THAT(script, HasSubstr(name));
      }
    });
  }
  EXPECT_EQ(CompletionScript("tcsh", souvenir_), "");
}

TEST_F(DescriptionTest, TheManualPageIsRoff) {
  const std::string page = ManPage(souvenir_, "souvenir 9.8.7");
  EXPECT_THAT(page, ::testing::StartsWith(".TH SOUVENIR 1 \"\" \"souvenir 9.8.7\""));
  EXPECT_THAT(page, HasSubstr("\\fBsouvenir translate\\fR \\fB\\-\\-from\\fR \\fILANGUAGE\\fR"));
  EXPECT_THAT(page, HasSubstr(".SH EXIT STATUS\n.nf\n  0  all went well\n"));
  EXPECT_THAT(page, HasSubstr("\n.fi\n.SH SIGNALS\n.nf\n  SIGINT and SIGTERM end the client"));
  EXPECT_THAT(page, HasSubstr("(default: 127.0.0.1:8001) ($SOUVENIR_SERVER)"));
}

}  // namespace
}  // namespace souvenir::cli
