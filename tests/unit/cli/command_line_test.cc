#include "cli/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/unit/cli/command_line_fixture.h"

namespace souvenir::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST_F(CommandLineTest, AWrongCommandLineSaysWhatIsWrong) {
  EXPECT_EQ(Run({}), 2);
  EXPECT_EQ(Run({"translate", "--from", "en", "Hello"}), 2);
  EXPECT_THAT(err_, HasSubstr("--to"));
  EXPECT_EQ(Run({"cache"}), 2);
  EXPECT_EQ(Run({"cache", "entry", "12"}), 2);
  EXPECT_THAT(err_, HasSubstr("64 hex digits"));
  EXPECT_EQ(Run({"languages", "--timeout", "soon"}), 2);
  EXPECT_THAT(err_, HasSubstr("'soon'"));
}

TEST_F(CommandLineTest, AWordThatIsNotKnownIsNamedWithTheNearest) {
  EXPECT_EQ(Run({"tranlsate", "Hello", "--to", "es"}), 2);
  EXPECT_EQ(err_,
            "souvenir: unknown command 'tranlsate' (did you mean `souvenir translate`?)\n"
            "Try souvenir --help.\n");
  EXPECT_EQ(Run({"cache", "claer", "--yes"}), 2);
  EXPECT_EQ(err_,
            "souvenir: unknown command 'claer' (did you mean `souvenir cache clear`?)\n"
            "Try souvenir cache --help.\n");
  EXPECT_EQ(Run({"clear"}), 2);
  EXPECT_THAT(err_, HasSubstr("did you mean `souvenir cache clear`?"));
  EXPECT_EQ(Run({"weather"}), 2);
  EXPECT_THAT(err_, HasSubstr("unknown command 'weather'; there are translate, infer,"));
  EXPECT_EQ(Run({}), 2);
  EXPECT_THAT(err_, HasSubstr("`souvenir` needs a command: translate, infer,"));
  EXPECT_EQ(Run({"cache"}), 2);
  EXPECT_THAT(err_, HasSubstr("`souvenir cache` needs a command: stats, clear,"));
  EXPECT_EQ(Run({"languages", "en"}), 2);
  EXPECT_THAT(err_, HasSubstr("`souvenir languages` takes no argument 'en'"));
}

TEST_F(CommandLineTest, AFlagThatIsNotKnownIsNamedBeforeWhatIsMissing) {
  EXPECT_EQ(Run({"translate", "--form", "en", "--to", "es", "Hello"}), 2);
  EXPECT_EQ(err_,
            "souvenir: unknown flag '--form' (did you mean --from?)\n"
            "Try souvenir translate --help.\n");
  EXPECT_EQ(Run({"translate", "--from=en", "--two=es"}), 2);
  EXPECT_THAT(err_, HasSubstr("unknown flag '--two' (did you mean --to?)"));
  EXPECT_EQ(Run({"languages", "--tmeout=3"}), 2);  // a flag of all commands
  EXPECT_THAT(err_, HasSubstr("did you mean --timeout?"));
  EXPECT_EQ(Run({"languages", "--tag", "x"}), 2);
  EXPECT_THAT(err_, HasSubstr("`souvenir languages` has no flag --tag; `souvenir translate` has"));
  EXPECT_EQ(Run({"languages", "--colour"}), 2);
  EXPECT_THAT(err_, HasSubstr("unknown flag '--colour'"));
  EXPECT_EQ(Run({"translate", "--from", "en", "--to", "es", "--hidden-words-"}), 2);
  EXPECT_THAT(err_, HasSubstr("goes behind --"));
  EXPECT_EQ(Run({"translate", "--to", "es", "Hello"}), 2);
  EXPECT_THAT(err_, HasSubstr("--from is required"));
}

TEST_F(CommandLineTest, HelpAndVersionGoToStandardOutput) {
  EXPECT_EQ(Run({"--help"}), 0);
  EXPECT_THAT(out_, HasSubstr("Exit status:"));
  EXPECT_THAT(err_, IsEmpty());
  EXPECT_EQ(Run({"translate", "--help"}), 0);
  EXPECT_THAT(out_, HasSubstr("--from"));
  EXPECT_EQ(Run({"--version"}), 0);
  EXPECT_EQ(out_, "souvenir 9.8.7\n");
}

TEST_F(CommandLineTest, OutputThatCannotBeWrittenIsAnErrorForEveryCommand) {
  auto* pair = gateway_.translation.languages.add_pairs();
  pair->set_source_language("en");
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"--help"},
                                             {"--version"},
                                             {"translate", "--help"},
                                             {"cache", "--help"},
                                             {"cache", "clear", "--help"},
                                             {"man"},
                                             {"completion", "bash"},
                                             {"languages", "--server", gateway_.address()}}) {
    std::istringstream in;
    std::ofstream full("/dev/full");
    std::ostringstream err;
    Console console{.in = in, .out = full, .err = err, .clock = &clock_};
    EXPECT_EQ(RunCommandLine(arguments, "9.8.7", console), 1) << arguments[0];
    EXPECT_EQ(err.str(), "souvenir: cannot write to standard output\n") << arguments[0];
  }
}

}  // namespace
}  // namespace souvenir::cli
