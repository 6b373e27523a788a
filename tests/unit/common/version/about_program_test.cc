#include "common/version/about_program.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "common/version/version.h"

namespace souvenir {
namespace {

struct Told {
  std::optional<int> exit_code;
  std::string text;
};

Told Ask(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "program");
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  testing::internal::CaptureStdout();
  const std::optional<int> exit_code =
      AnswerAboutProgram(static_cast<int>(argv.size()), argv.data(), "program", "It is a test.");
  return {exit_code, testing::internal::GetCapturedStdout()};
}

TEST(AboutProgramTest, TellsVersionAndUsage) {
  const Told version = Ask({"--version"});
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_EQ(version.text, "program " + VersionText() + "\n");
  const Told help = Ask({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_TRUE(help.text.starts_with("It is a test.\n\n  --version ")) << help.text;
}

TEST(AboutProgramTest, LeavesAllElseToTheProgram) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{}, {"--helpful"}, {"0", "--version"}, {"--version", "--help"}}) {
    const Told told = Ask(arguments);
    EXPECT_EQ(told.exit_code, std::nullopt);
    EXPECT_EQ(told.text, "");
  }
}

}  // namespace
}  // namespace souvenir
