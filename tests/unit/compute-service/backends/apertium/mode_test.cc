#include "compute-service/backends/apertium/mode.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace souvenir::compute {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<ModeCommand> Parse(std::string_view text) {
  auto commands = ParseMode(text, "a-mode");
  EXPECT_TRUE(commands.ok()) << commands.status();
  return commands.ok() ? *std::move(commands) : std::vector<ModeCommand>();
}

absl::Status ParseError(std::string_view text) { return ParseMode(text, "a-mode").status(); }

TEST(ParseModeTest, ReadsAPipeline) {
  const auto commands = Parse(
      "/usr/bin/lt-proc -w '/data/with space/a.bin' |apertium-tagger -g $2 \"b.prob\"|\n lt-proc "
      "$1 c\\ d.bin ");
  ASSERT_EQ(commands.size(), 3u);
  EXPECT_EQ(commands[0].program, "lt-proc");
  EXPECT_THAT(commands[0].arguments, ElementsAre("-w", "/data/with space/a.bin"));
  EXPECT_FALSE(commands[0].takes_generation_flag);
  EXPECT_EQ(commands[1].program, "apertium-tagger");
  EXPECT_THAT(commands[1].arguments, ElementsAre("-g", "b.prob"));
  EXPECT_EQ(commands[2].program, "lt-proc");
  EXPECT_THAT(commands[2].arguments, ElementsAre("-n", "c d.bin"));
  EXPECT_TRUE(commands[2].takes_generation_flag);
}

TEST(ParseModeTest, QuotedCharactersMeanNothing) {
  EXPECT_THAT(Parse("p '|$1' \"a|b\" '' \"q\\\"r\\x\"")[0].arguments,
              ElementsAre("|$1", "a|b", "", "q\"r\\x"));
}

TEST(ParseModeTest, SaysWhatItDoesNotUnderstand) {
  for (const char* text : {"a; b", "a && b", "a > b", "a $3", "a $HOME", "a `b`", "a $(b)", "a b$1",
                           "a \"$1\"", "a *", "a $12"}) {
    EXPECT_EQ(ParseError(text).code(), absl::StatusCode::kUnimplemented) << text;
    EXPECT_THAT(ParseError(text).ToString(), HasSubstr("a-mode"));
  }
  for (const char* text : {"", "  \n", "a |", "| a", "a || b", "a 'b", "a \"b", "a \\", "$1 a"}) {
    EXPECT_EQ(ParseError(text).code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(ParseModeTest, NamesTheQuoteThatIsNotClosed) {
  for (const char* text : {"a 'b", "a '"}) {
    EXPECT_THAT(ParseError(text).ToString(), HasSubstr("opens with ' is not closed")) << text;
  }
  for (const char* text : {"a \"b", "a \"b\\"}) {
    EXPECT_THAT(ParseError(text).ToString(), HasSubstr("opens with \" is not closed")) << text;
  }
  EXPECT_THAT(ParseError("a \\").ToString(), HasSubstr("ends in a backslash"));
}

absl::StatusOr<std::vector<PlannedStage>> Plan(std::string_view text) {
  return PlanStages(Parse(text));
}

TEST(PlanStagesTest, KnowsEachProgramThatIsCovered) {
  const auto stages = Plan(
      "lt-proc -w m | apertium-tagger -g $2 t | apertium-pretransfer -z | apertium-transfer -n r c "
      "| "
      "lt-proc -b d | lrx-proc -m l | apertium-transfer -b r c | apertium-transfer r c d | "
      "apertium-interchunk r c | apertium-postchunk r c | lt-proc $1 g | lt-proc -p p | lt-proc -t "
      "t "
      "| lt-proc -x t | lt-proc -e m");
  ASSERT_TRUE(stages.ok()) << stages.status();
  std::vector<StageKind> kinds;
  for (const PlannedStage& stage : *stages) kinds.push_back(stage.kind);
  EXPECT_THAT(kinds,
              ElementsAre(StageKind::kAnalysis, StageKind::kTagger, StageKind::kPretransfer,
                          StageKind::kTransfer, StageKind::kBilingual, StageKind::kLexicalSelection,
                          StageKind::kTransfer, StageKind::kTransfer, StageKind::kInterchunk,
                          StageKind::kPostchunk, StageKind::kGeneration, StageKind::kPostgeneration,
                          StageKind::kTransliteration, StageKind::kTransliteration,
                          StageKind::kDecomposition));
  EXPECT_TRUE((*stages)[0].Has('w'));
  EXPECT_THAT((*stages)[2].options, IsEmpty());
  EXPECT_THAT((*stages)[2].files, IsEmpty());
  EXPECT_THAT((*stages)[5].options, IsEmpty());
  EXPECT_THAT((*stages)[7].files, ElementsAre("r", "c", "d"));
  EXPECT_TRUE((*stages)[10].Has('n'));
}

TEST(PlanStagesTest, KnowsTheProgramsThatHaveNoLibrary) {
  const auto stages =
      Plan("/opt/bin/cg-proc -w -d g | cg-proc -1 -n -g g | lsx-proc -z s | apertium-anaphora a");
  ASSERT_TRUE(stages.ok()) << stages.status();
  const PlannedStage expected[] = {{StageKind::kProgram, "w", {"g"}, "cg-proc"},
                                   {StageKind::kProgram, "1ng", {"g"}, "cg-proc"},
                                   {StageKind::kProgram, "", {"s"}, "lsx-proc"},
                                   {StageKind::kProgram, "", {"a"}, "apertium-anaphora"}};
  ASSERT_EQ(stages->size(), std::size(expected));
  for (size_t i = 0; i < stages->size(); ++i) {
    EXPECT_EQ((*stages)[i].kind, expected[i].kind) << i;
    EXPECT_EQ((*stages)[i].options, expected[i].options) << i;
    EXPECT_EQ((*stages)[i].files, expected[i].files) << i;
    EXPECT_EQ((*stages)[i].program, expected[i].program) << i;
  }
  EXPECT_EQ(PackageOfProgram("cg-proc"), "cg3");
  EXPECT_EQ(PackageOfProgram("lsx-proc"), "apertium-separable");
  EXPECT_EQ(PackageOfProgram("apertium-anaphora"), "apertium-anaphora");
}

TEST(PlanStagesTest, TellsTaggersApart) {
  EXPECT_EQ((*Plan("apertium-tagger -g t"))[0].kind, StageKind::kTagger);
  for (const char* text : {"apertium-tagger -gx t", "apertium-tagger -x -g t"}) {
    EXPECT_EQ((*Plan(text))[0].kind, StageKind::kPerceptronTagger) << text;
  }
}

TEST(PlanStagesTest, BilingualAndGenerationTogetherIsBilingual) {
  for (const char* text : {"lt-proc $1 -b d", "lt-proc -bn d"}) {
    const PlannedStage stage = (*Plan(text))[0];
    EXPECT_EQ(stage.kind, StageKind::kBilingual) << text;
    EXPECT_TRUE(stage.Has('n')) << text;
  }
  EXPECT_FALSE((*Plan("lt-proc -b -g d"))[0].Has('n'));
}

TEST(PlanStagesTest, NamesWhatIsNotCovered) {
  for (const char* text : {"rtx-proc g", "apertium-posttransfer", "sed x"}) {
    const absl::Status status = Plan(text).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented) << text;
    EXPECT_THAT(status.ToString(), HasSubstr(std::string(text, strcspn(text, " "))));
  }
  for (const char* text :
       {"lt-proc -W m", "lt-proc -bp m", "lt-proc -ng m", "apertium-tagger t",
        "apertium-tagger -wg t", "apertium-tagger -x t", "apertium-pretransfer -e",
        "apertium-transfer -t r c d", "lt-proc --null-flush m", "cg-proc -t g", "cg-proc -s 2 g",
        "lsx-proc -r s", "apertium-anaphora -d a"}) {
    EXPECT_EQ(Plan(text).status().code(), absl::StatusCode::kUnimplemented) << text;
  }
}

TEST(PlanStagesTest, CountsFiles) {
  for (const char* text :
       {"lt-proc", "lt-proc a b", "apertium-transfer r c", "apertium-interchunk r",
        "apertium-transfer -b r c d", "apertium-pretransfer x", "cg-proc -w", "lsx-proc a b"}) {
    const absl::Status status = Plan(text).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(status.ToString(), HasSubstr("instead of"));
  }
}

TEST(TranslatesTest, NeedsTransferAndAGenerationWithTheCallersMarks) {
  EXPECT_TRUE(Translates(Parse("lt-proc a | apertium-transfer b | lt-proc $1 c")));
  EXPECT_FALSE(Translates(Parse("lt-proc a | apertium-transfer b | lt-proc -g c")));
  EXPECT_FALSE(Translates(Parse("lt-proc a | lt-proc $1 c")));
}

TEST(ReadPlanTest, NamesAFileThatIsMissing) {
  const absl::Status status = ReadPlan("/nowhere/eng-spa.mode").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(status.ToString(),
              AllOf(HasSubstr("/nowhere/eng-spa.mode"), HasSubstr("No such file")));
}

}  // namespace
}  // namespace souvenir::compute
