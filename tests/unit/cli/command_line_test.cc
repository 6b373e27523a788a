#include "cli/command_line.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "tests/fakes/manual_clock.h"
#include "tests/fakes/temporary_directory.h"
#include "tests/unit/cli/fake_gateway.h"

namespace souvenir::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

const std::string kKey(64, 'a');

std::string ReadFile(const std::string& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

class CommandLineTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(gateway_.started());
    unsetenv("SOUVENIR_SERVER");
    unsetenv("SOUVENIR_ADMIN");
  }

  // Runs the client against the fake gateway, with both of its ports.
  int Run(std::vector<std::string> arguments, const std::string& input = "") {
    arguments.insert(arguments.begin(),
                     {"--server", gateway_.address(), "--admin", gateway_.address()});
    return RunAsIs(arguments, input);
  }

  int RunAsIs(const std::vector<std::string>& arguments, const std::string& input = "") {
    std::istringstream in(input);
    std::ostringstream out;
    std::ostringstream err;
    Console console{.in = in,
                    .out = out,
                    .err = err,
                    .in_is_terminal = terminal_,
                    .out_is_terminal = terminal_,
                    .clock = &clock_};
    const int code = RunCommandLine(arguments, console);
    out_ = out.str();
    err_ = err.str();
    return code;
  }

  void Answer(const std::string& target, const std::string& text, souvenir::v1::CacheKind kind) {
    souvenir::v1::Translation translation;
    translation.set_target_language(target);
    translation.set_text(text);
    translation.mutable_provenance()->set_kind(kind);
    gateway_.translation.answers.push_back(translation);
  }

  FakeGateway gateway_;
  ManualClock clock_;
  bool terminal_ = false;
  std::string out_;
  std::string err_;
};

TEST_F(CommandLineTest, TranslateAsksForEveryTargetAndJoinsTheWords) {
  Answer("es", "Hola ahí", souvenir::v1::CACHE_KIND_MEMORY);
  Answer("gl", "Ola", souvenir::v1::CACHE_KIND_MISS);
  EXPECT_EQ(Run({"translate", "--from", "en", "--to", "es,gl", "--to", "fr", "Hello", "there"}), 0);
  EXPECT_EQ(gateway_.translation.asked.text(), "Hello there");
  EXPECT_EQ(gateway_.translation.asked.source_language(), "en");
  EXPECT_THAT(gateway_.translation.asked.target_languages(), ElementsAre("es", "gl", "fr"));
  EXPECT_EQ(out_,
            "es  memory         0 µs  Hola ahí\n"
            "gl  miss           0 µs  Ola\n"
            "2 targets in 0 µs: 1 memory, 1 miss\n");
  EXPECT_THAT(err_, IsEmpty());
}

TEST_F(CommandLineTest, AWordAfterATargetIsTextAndNoTarget) {
  EXPECT_EQ(Run({"translate", "--to", "es", "--from", "en", "Good", "--engine", "apertium"}), 0);
  EXPECT_EQ(gateway_.translation.asked.text(), "Good");
  EXPECT_EQ(gateway_.translation.asked.engine(), "apertium");
  EXPECT_EQ(Run({"translate", "--from", "en", "--to", "es", "--", "--to", "-x"}), 0);
  EXPECT_EQ(gateway_.translation.asked.text(), "--to -x");
}

TEST_F(CommandLineTest, TranslateReadsStandardInputButForItsLastLineFeed) {
  EXPECT_EQ(Run({"translate", "--from", "en", "--to", "es"}, "one\ntwo\n\n"), 0);
  EXPECT_EQ(gateway_.translation.asked.text(), "one\ntwo\n");
  EXPECT_EQ(Run({"translate", "--from", "en", "--to", "es", "-"}, "dash"), 0);
  EXPECT_EQ(gateway_.translation.asked.text(), "dash");
  EXPECT_THAT(err_, IsEmpty());
  terminal_ = true;
  EXPECT_EQ(Run({"translate", "--from", "en", "--to", "es"}, "typed"), 0);
  EXPECT_THAT(err_, HasSubstr("Ctrl-D"));
}

TEST_F(CommandLineTest, ATextThatIsNotUtf8IsNotSent) {
  EXPECT_EQ(Run({"translate", "--from", "en", "--to", "es"}, "ab\xff"), 2);
  EXPECT_THAT(err_, HasSubstr("byte 2 is 0xff"));
  EXPECT_EQ(gateway_.translation.asked.source_language(), "");
}

TEST_F(CommandLineTest, AFailedTargetIsShownAndMakesTheExitStatusOne) {
  souvenir::v1::Translation failed;
  failed.set_target_language("xx");
  failed.mutable_status()->set_code(grpc::StatusCode::NOT_FOUND);
  failed.mutable_status()->set_message("no pair en-xx");
  gateway_.translation.answers.push_back(failed);
  EXPECT_EQ(Run({"translate", "--from", "en", "--to", "xx", "Hello"}), 1);
  EXPECT_THAT(out_, HasSubstr("NOT_FOUND: no pair en-xx"));
  EXPECT_THAT(err_, HasSubstr("1 of 1 targets failed"));
  EXPECT_EQ(Run({"--json", "translate", "--from", "en", "--to", "xx", "Hello"}), 1);
  EXPECT_THAT(out_, HasSubstr("\"code\":5"));
}

TEST_F(CommandLineTest, QuietPrintsTranslationsAlone) {
  Answer("es", "a\tb", souvenir::v1::CACHE_KIND_MISS);
  EXPECT_EQ(Run({"translate", "-q", "--from", "en", "--to", "es", "x"}), 0);
  EXPECT_EQ(out_, "a\tb\n");  // a pipe gets the text as it is
  terminal_ = true;
  EXPECT_EQ(Run({"translate", "-q", "--from", "en", "--to", "es", "x"}), 0);
  EXPECT_EQ(out_, "a\\tb\n");
}

TEST_F(CommandLineTest, JsonIsTheWholeResponseInOneLineWithoutControls) {
  Answer("es", "Hola\x1b[2J", souvenir::v1::CACHE_KIND_DISK);
  EXPECT_EQ(Run({"translate", "--from", "en", "--to", "es", "Hello", "--json"}), 0);
  EXPECT_THAT(out_, Not(HasSubstr("\x1b")));
  EXPECT_EQ(out_.find('\n'), out_.size() - 1);
  souvenir::v1::TranslateResponse response;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(out_, &response).ok());
  EXPECT_EQ(response.translations(0).text(), "Hola\x1b[2J");
  EXPECT_EQ(response.translations(0).provenance().kind(), souvenir::v1::CACHE_KIND_DISK);
}

TEST_F(CommandLineTest, AServersErrorIsSaidWithItsCodeAndHarmless) {
  gateway_.translation.status = {grpc::StatusCode::INVALID_ARGUMENT, "text is \x1b]0;x\a long"};
  EXPECT_EQ(Run({"translate", "--from", "en", "--to", "es", "Hello"}), 1);
  EXPECT_EQ(err_, "souvenir: INVALID_ARGUMENT: text is \\x1b]0;x\\x07 long\n");
}

TEST_F(CommandLineTest, ComputeBeingAwayIsNotTheGatewayBeingAway) {
  gateway_.translation.status = {grpc::StatusCode::UNAVAILABLE, "compute is away"};
  EXPECT_EQ(Run({"translate", "--from", "en", "--to", "es", "Hello"}), 1);
  EXPECT_THAT(err_, HasSubstr("UNAVAILABLE: compute is away"));
}

TEST_F(CommandLineTest, ALateAnswerHasItsOwnExitStatus) {
  gateway_.translation.status = {grpc::StatusCode::DEADLINE_EXCEEDED, "too late"};
  EXPECT_EQ(Run({"translate", "--from", "en", "--to", "es", "Hello"}), 4);
}

TEST_F(CommandLineTest, NoServerGivesAHint) {
  std::string address;
  {
    FakeGateway gone;
    ASSERT_TRUE(gone.started());
    address = gone.address();
  }
  EXPECT_EQ(RunAsIs({"languages", "--server", address}), 3);
  EXPECT_THAT(err_, HasSubstr(address));
  EXPECT_THAT(err_, HasSubstr("scripts/serve"));
  EXPECT_EQ(RunAsIs({"cache", "clear", "--admin", address}), 3);
  EXPECT_THAT(err_, HasSubstr("--admin"));
}

TEST_F(CommandLineTest, TheEnvironmentNamesTheServer) {
  setenv("SOUVENIR_SERVER", gateway_.address().c_str(), 1);
  setenv("SOUVENIR_ADMIN", gateway_.address().c_str(), 1);
  EXPECT_EQ(RunAsIs({"cache", "stats"}), 0);
  EXPECT_EQ(RunAsIs({"cache", "clear", "--model", "m"}), 0);
  unsetenv("SOUVENIR_SERVER");
  unsetenv("SOUVENIR_ADMIN");
}

TEST_F(CommandLineTest, LanguagesListsPairsAndFilters) {
  EXPECT_EQ(Run({"languages"}), 1);
  EXPECT_THAT(err_, HasSubstr("souvenir-compute"));
  for (const auto& [source, target] : {std::pair{"en", "es"}, {"en", "gl"}, {"fr", "es"}}) {
    auto* pair = gateway_.translation.languages.add_pairs();
    pair->set_source_language(source);
    pair->set_target_language(target);
    pair->set_model("m");
  }
  EXPECT_EQ(Run({"languages"}), 0);
  EXPECT_EQ(out_, "from  to  model\nen    es  m\nen    gl  m\nfr    es  m\n");
  EXPECT_EQ(Run({"languages", "--from", "en", "--to", "es"}), 0);
  EXPECT_EQ(out_, "from  to  model\nen    es  m\n");
  EXPECT_EQ(Run({"languages", "--from", "xx"}), 1);
}

TEST_F(CommandLineTest, ModelsShowsSignatureDigestAndWhatCannotBeDescribed) {
  auto* ready = gateway_.inference.index.add_models();
  ready->set_name("apertium-eng-spa");
  ready->set_version("1");
  ready->set_state("READY");
  ready->set_reason("loads on demand");
  auto* away = gateway_.inference.index.add_models();
  away->set_name("broken");
  away->set_state("UNAVAILABLE");
  auto& metadata = gateway_.inference.metadata;
  metadata.set_name("apertium-eng-spa");
  auto* input = metadata.add_inputs();
  input->set_name("text");
  input->set_datatype("BYTES");
  input->add_shape(-1);
  input->add_shape(1);
  (*metadata.mutable_properties())["souvenir.digest"] = "0123456789abcdef";
  EXPECT_EQ(Run({"models"}), 0);
  EXPECT_EQ(
      out_,
      "model             version  state        digest        inputs            outputs  note\n"
      "apertium-eng-spa  1        READY        0123456789ab  text BYTES[-1,1]  -        loads "
      "on demand\n"
      "broken                     UNAVAILABLE  -             -                 -        "
      "UNAVAILABLE: broken is not loaded\n");
  EXPECT_EQ(Run({"models", "broken", "--json"}), 0);
  EXPECT_THAT(out_, StartsWith("{\"models\":[{\"index\":{\"name\":\"broken\""));
  EXPECT_EQ(Run({"models", "nothing"}), 1);
  EXPECT_THAT(err_, HasSubstr("no model 'nothing'"));
}

TEST_F(CommandLineTest, CacheClearSaysWhatItForgot) {
  EXPECT_EQ(Run({"cache", "clear", "--model", "m"}), 0);
  EXPECT_EQ(Run({"cache", "clear", "--key", kKey}), 0);
  EXPECT_EQ(Run({"cache", "clear", "--tag", "release-7"}), 0);
  EXPECT_EQ(Run({"cache", "clear", "--tenant", ""}), 0);
  EXPECT_EQ(out_, "Forgot every answer without a tenant (0 µs).\n");
  EXPECT_EQ(Run({"cache", "clear"}), 0);
  const auto& asked = gateway_.cache.invalidated;
  ASSERT_EQ(asked.size(), 5u);
  EXPECT_EQ(asked[0].model(), "m");
  EXPECT_EQ(asked[1].key(), kKey);
  EXPECT_EQ(asked[2].tag(), "release-7");
  EXPECT_EQ(asked[3].scope_case(), souvenir::v1::InvalidateRequest::kTenant);
  EXPECT_EQ(asked[3].tenant(), "");
  EXPECT_TRUE(asked[4].all());
  EXPECT_EQ(out_, "Forgot every answer (0 µs).\n");
  EXPECT_EQ(Run({"cache", "clear", "--key", kKey, "--model", "m"}), 2);
}

TEST_F(CommandLineTest, ASnapshotGoesToAFileAndComesFromOne) {
  const TemporaryDirectory directory;
  const std::string file = directory.path() + "/snapshot";
  gateway_.cache.snapshot = "all that is known";
  EXPECT_EQ(Run({"cache", "export", file}), 0);
  EXPECT_EQ(out_, "Exported 0.0 MB to " + file + ".\n");
  gateway_.cache.snapshot = "";
  EXPECT_EQ(Run({"cache", "import", file}), 0);
  EXPECT_EQ(gateway_.cache.snapshot, "all that is known");
  EXPECT_EQ(out_, "Imported 4 of 5 entries; the others were known already.\n");
  EXPECT_EQ(Run({"cache", "export", "-"}), 0);
  EXPECT_EQ(out_, "all that is known");
  EXPECT_EQ(Run({"--json", "cache", "import", "-"}, "from a pipe"), 0);
  EXPECT_EQ(gateway_.cache.snapshot, "from a pipe");
  EXPECT_EQ(out_, "{\"entries\":\"5\",\"taken\":\"4\"}\n");
}

TEST_F(CommandLineTest, AnExportThatFailsLeavesWhatWasThere) {
  const TemporaryDirectory directory;
  const std::string file = directory.path() + "/snapshot";
  std::ofstream(file) << "of yesterday";
  gateway_.cache.snapshot = "half";
  gateway_.cache.snapshot_status = {grpc::StatusCode::UNAVAILABLE, "the disk tier is away"};
  EXPECT_EQ(Run({"cache", "export", file}), 1);
  EXPECT_THAT(err_, HasSubstr("the disk tier is away"));
  EXPECT_THAT(ReadFile(file), "of yesterday");
  EXPECT_FALSE(std::filesystem::exists(file + ".part"));
}

TEST_F(CommandLineTest, ASnapshotThatCannotBeReadOrWrittenIsNamed) {
  const TemporaryDirectory directory;
  const std::string nowhere = directory.path() + "/no/file";
  EXPECT_EQ(Run({"cache", "export", nowhere}), 1);
  EXPECT_THAT(err_, HasSubstr("cannot write " + nowhere + ".part: No such file"));
  EXPECT_EQ(Run({"cache", "import", nowhere}), 1);
  EXPECT_THAT(err_, HasSubstr("cannot read " + nowhere + ": No such file"));
  EXPECT_EQ(Run({"cache", "import", directory.path()}), 1);
  EXPECT_THAT(err_, HasSubstr("it is a directory"));
  std::ofstream(directory.path() + "/empty");
  EXPECT_EQ(Run({"cache", "import", directory.path() + "/empty"}), 1);
  EXPECT_THAT(err_, HasSubstr("/empty is empty"));
  terminal_ = true;
  EXPECT_EQ(Run({"cache", "export", "-"}), 2);
  EXPECT_THAT(err_, HasSubstr("nothing for a terminal"));
}

TEST_F(CommandLineTest, ForgettingAllFromATerminalWantsAYes) {
  terminal_ = true;
  EXPECT_EQ(Run({"cache", "clear"}), 2);
  EXPECT_THAT(err_, HasSubstr("--yes"));
  EXPECT_TRUE(gateway_.cache.invalidated.empty());
  EXPECT_EQ(Run({"cache", "clear", "--yes"}), 0);
  EXPECT_EQ(gateway_.cache.invalidated.size(), 1u);
}

TEST_F(CommandLineTest, CacheEntryShowsWhatIsKept) {
  auto& entry = gateway_.cache.entry;
  entry.set_key(kKey);
  entry.set_tier(souvenir::v1::CACHE_KIND_DISK);
  entry.set_model("m");
  entry.set_value_bytes(2048);
  entry.mutable_created_at()->set_seconds(absl::ToUnixSeconds(clock_.Now()) - 200);
  entry.mutable_compute_time()->set_nanos(2'500'000);
  EXPECT_EQ(Run({"cache", "entry", kKey}), 0);
  EXPECT_EQ(out_, "key      " + kKey +
                      "\n"
                      "tier     disk\n"
                      "model    m\n"
                      "size     2 KiB\n"
                      "created  2025-12-31 23:56:40 UTC (3 min 20 s ago)\n"
                      "expires  never\n"
                      "cost     2.5 ms\n");
  EXPECT_EQ(Run({"cache", "entry", std::string(64, 'b')}), 1);
  EXPECT_THAT(err_, HasSubstr("NOT_FOUND"));
}

TEST_F(CommandLineTest, AWrongCommandLineSaysWhatIsWrong) {
  EXPECT_EQ(Run({}), 2);
  EXPECT_EQ(Run({"translate", "--from", "en", "Hello"}), 2);
  EXPECT_THAT(err_, HasSubstr("--to"));
  EXPECT_EQ(Run({"cache"}), 2);
  EXPECT_EQ(Run({"cache", "entry", "12"}), 2);
  EXPECT_THAT(err_, HasSubstr("64 hex digits"));
  EXPECT_EQ(Run({"languages", "--timeout", "soon"}), 2);
  EXPECT_THAT(err_, HasSubstr("'soon'"));
  EXPECT_EQ(Run({"languages", "--colour"}), 2);
  EXPECT_EQ(Run({"tranlsate"}), 2);
}

TEST_F(CommandLineTest, HelpAndVersionGoToStandardOutput) {
  EXPECT_EQ(Run({"--help"}), 0);
  EXPECT_THAT(out_, HasSubstr("Exit status:"));
  EXPECT_THAT(err_, IsEmpty());
  EXPECT_EQ(Run({"translate", "--help"}), 0);
  EXPECT_THAT(out_, HasSubstr("--from"));
  EXPECT_EQ(Run({"--version"}), 0);
  EXPECT_THAT(out_, StartsWith("souvenir "));
}

}  // namespace
}  // namespace souvenir::cli
