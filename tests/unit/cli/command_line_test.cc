#include "cli/command_line.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/tensor/bytes_elements.h"
#include "common/tensor/tensor_codec.h"
#include "common/unique_fd.h"
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
    const int code = RunCommandLine(arguments, "9.8.7", console);
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

TEST_F(CommandLineTest, AnEmptyElementOfAListIsRefusedAndTakesNoWord) {
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

TEST_F(CommandLineTest, AListInBracketsIsOneElementAndNoList) {
  EXPECT_EQ(Run({"translate", "--from", "en", "--to", "[]", "hi"}, "of standard input"), 0);
  EXPECT_EQ(gateway_.translation.asked.text(), "hi");
  EXPECT_THAT(gateway_.translation.asked.target_languages(), ElementsAre("[]"));
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

TEST_F(CommandLineTest, AnArgumentThatIsNotUtf8IsRefusedByItsName) {
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

TEST_F(CommandLineTest, AnArgumentThatIsNotUtf8IsShownInPart) {
  EXPECT_EQ(Run({"models", std::string(100, 'a') + "\xff"}), 2);
  EXPECT_THAT(err_, HasSubstr("NAME: '" + std::string(40, 'a') +
                              "...' came, UTF-8 is expected; byte 100 is 0xff\n"));
}

TEST_F(CommandLineTest, ANameOfAFileMayBeAnyBytes) {
  const TemporaryDirectory directory;
  const std::string file = directory.path() + "/\xff";
  gateway_.cache.snapshot = "all that is known";
  EXPECT_EQ(Run({"cache", "export", file}), 0) << err_;
  EXPECT_EQ(ReadFile(file), "all that is known");
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

TEST_F(CommandLineTest, TranslationsComeInTheOrderAskedHoweverTheyArrive) {
  Answer("gl", "Ola", souvenir::v1::CACHE_KIND_MEMORY);
  Answer("es", "Hola", souvenir::v1::CACHE_KIND_MISS);
  Answer("pt-BR", "Olá", souvenir::v1::CACHE_KIND_MISS);
  // Languages may have any spelling, and a repeated one is answered once.
  EXPECT_EQ(Run({"translate", "-q", "--from", "en", "--to", "es,PT-br,es", "--to", "gl", "x"}), 0);
  EXPECT_EQ(out_, "Hola\nOlá\nOla\n");
  EXPECT_EQ(Run({"translate", "--from", "en", "--to", "es,pt-BR,gl", "x"}), 0);
  EXPECT_THAT(out_, StartsWith("es     miss           0 µs  Hola\npt-BR  "));
}

TEST_F(CommandLineTest, QuietKeepsTheLineOfATargetThatFailed) {
  souvenir::v1::Translation failed;
  failed.set_target_language("xx");
  failed.mutable_status()->set_code(grpc::StatusCode::NOT_FOUND);
  gateway_.translation.answers.push_back(failed);
  Answer("gl", "Ola", souvenir::v1::CACHE_KIND_MISS);
  EXPECT_EQ(Run({"translate", "-q", "--from", "en", "--to", "xx,gl", "x"}), 1);
  EXPECT_EQ(out_, "\nOla\n");
  EXPECT_THAT(err_, HasSubstr("xx  error"));
}

TEST_F(CommandLineTest, WhatArrivedIsShownThoughTheCallFails) {
  Answer("gl", "Ola", souvenir::v1::CACHE_KIND_MEMORY);
  gateway_.translation.status = {grpc::StatusCode::DEADLINE_EXCEEDED, "too late"};
  EXPECT_EQ(Run({"translate", "-q", "--from", "en", "--to", "es,gl", "x"}), 1);
  EXPECT_EQ(out_, "Ola\n");
}

TEST_F(CommandLineTest, BracketsOfATextStay) {
  EXPECT_EQ(Run({"translate", "--from", "en", "--to", "es", "[Hello, world]", "[]", "x"}), 0);
  EXPECT_EQ(gateway_.translation.asked.text(), "[Hello, world] [] x");
}

TEST_F(CommandLineTest, TheCacheIsSteeredByMetadata) {
  EXPECT_EQ(Run({"translate", "--from", "en", "--to", "es", "--tag", "a,b", "--tag=c", "--tenant",
                 "acme", "--cache-control", "max-age=60", "x"}),
            0);
  EXPECT_EQ(gateway_.translation.metadata["souvenir-tags"], "a,b,c");
  EXPECT_EQ(gateway_.translation.metadata["souvenir-tenant"], "acme");
  EXPECT_EQ(gateway_.translation.metadata["cache-control"], "max-age=60");
  EXPECT_EQ(Run({"--json", "translate", "--from", "en", "--to", "es", "--tag", "z", "x"}), 0);
  EXPECT_EQ(gateway_.translation.metadata["souvenir-tags"], "z");
  EXPECT_EQ(gateway_.translation.metadata.count("cache-control"), 0u);
  EXPECT_EQ(Run({"translate", "--from", "en", "--to", "es", "--tag", "año", "x"}), 2);
  EXPECT_THAT(err_, HasSubstr("--tag: 'año'"));
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

TEST_F(CommandLineTest, AMessageStaysInOneLineWhoeverWroteIt) {
  gateway_.translation.status = {grpc::StatusCode::INTERNAL, "broken\r\nsouvenir: all is well\n"};
  EXPECT_EQ(Run({"translate", "--from", "en", "--to", "es", "Hello"}), 1);
  EXPECT_EQ(err_, "souvenir: INTERNAL: broken\\r\\nsouvenir: all is well\\n\n");
  EXPECT_EQ(Run({"wea\nther"}), 2);
  EXPECT_THAT(err_, StartsWith("souvenir: unknown command 'wea\\nther'; there are translate"));
  EXPECT_THAT(err_, HasSubstr("\nTry souvenir --help.\n"));
  EXPECT_EQ(Run({"models", "no\nthing"}), 1);
  EXPECT_THAT(err_, StartsWith("souvenir: no model 'no\\nthing'"));
}

TEST_F(CommandLineTest, TheNameOfAServerStaysInTheLineOfTheMessage) {
  FakeCompute compute;
  ASSERT_TRUE(compute.started());
  compute.inference.server.set_name("two\nlines");
  compute.inference.server.set_version("1");
  EXPECT_EQ(RunAsIs({"languages", "--server", compute.address()}), 1);
  EXPECT_THAT(err_, HasSubstr("; it is two\\nlines 1\nA gateway's public port"));
}

TEST_F(CommandLineTest, ComputeBeingAwayIsNotTheGatewayBeingAway) {
  gateway_.translation.status = {grpc::StatusCode::UNAVAILABLE, "compute is away"};
  EXPECT_EQ(Run({"translate", "--from", "en", "--to", "es", "Hello"}), 1);
  EXPECT_THAT(err_, HasSubstr("UNAVAILABLE: compute is away"));
}

TEST_F(CommandLineTest, ALateAnswerHasItsOwnExitStatus) {
  const std::lock_guard<std::mutex> hold(gateway_.translation.holds_streams);
  EXPECT_EQ(Run({"--timeout", "1500ms", "translate", "--from", "en", "--to", "es", "Hello"}), 4);
  EXPECT_EQ(err_, "souvenir: no answer came from " + gateway_.address() +
                      " within --timeout 1.5s\n"
                      "A longer --timeout lets it take more time; 24h is the longest.\n");
}

TEST_F(CommandLineTest, ATimeoutThatIsTooShortToConnectBlamesNobody) {
  for (const char* timeout : {"0.0001", "1ns"}) {
    EXPECT_EQ(Run({"infer", "m", "hello", "--timeout", timeout}), 4) << err_;
    EXPECT_THAT(err_, StartsWith("souvenir: no answer came from " + gateway_.address() +
                                 " within --timeout "));
  }
}

TEST_F(CommandLineTest, ALimitOfAModelIsNoTimeoutOfTheCaller) {
  gateway_.translation.status = {grpc::StatusCode::DEADLINE_EXCEEDED,
                                 "model 'm': a row took longer than 10 s"};
  EXPECT_EQ(Run({"translate", "--from", "en", "--to", "es", "Hello"}), 1);
  EXPECT_EQ(err_, "souvenir: DEADLINE_EXCEEDED: model 'm': a row took longer than 10 s\n");
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
  EXPECT_EQ(RunAsIs({"cache", "clear", "--yes", "--admin", address}), 3);
  EXPECT_THAT(err_, HasSubstr("--admin"));
  EXPECT_THAT(err_, Not(HasSubstr("was not given")));
}

TEST_F(CommandLineTest, AnAdminPortThatWasDerivedIsSaidToBe) {
  EXPECT_EQ(RunAsIs({"cache", "clear", "--model", "m", "--server", "127.0.0.1:1"}), 3);
  EXPECT_THAT(err_, HasSubstr("no server at 127.0.0.1:3: "));
  EXPECT_THAT(err_, HasSubstr("127.0.0.1:3 was not given: its port is that of --server "
                              "127.0.0.1:1 plus 2.\n"));
}

TEST_F(CommandLineTest, AServerWithoutTheServiceIsNamed) {
  FakeCompute compute;
  ASSERT_TRUE(compute.started());
  compute.inference.server.set_name("souvenir-compute");
  compute.inference.server.set_version("1.2.3");
  EXPECT_EQ(RunAsIs({"languages", "--server", compute.address()}), 1);
  EXPECT_EQ(err_, "souvenir: the server at " + compute.address() +
                      " has no souvenir.v1.TranslationService; it is souvenir-compute 1.2.3\n"
                      "A gateway's public port (127.0.0.1:8001 by default) is named with --server "
                      "HOST:PORT.\n");
  EXPECT_EQ(RunAsIs({"cache", "clear", "--model", "m", "--admin", compute.address()}), 1);
  EXPECT_THAT(err_, HasSubstr("has no souvenir.v1.CacheService"));
  EXPECT_THAT(err_, HasSubstr("--admin HOST:PORT"));
}

// Our own services have their own messages for unsupported requests.
TEST_F(CommandLineTest, AMethodThatRefusesIsNoMissingService) {
  gateway_.translation.status = {grpc::StatusCode::UNIMPLEMENTED, "format: HTML is to come"};
  EXPECT_EQ(Run({"translate", "--from", "en", "--to", "es", "Hello"}), 1);
  EXPECT_EQ(err_, "souvenir: UNIMPLEMENTED: format: HTML is to come\n");
}

TEST_F(CommandLineTest, AnAddressIsHostAndPort) {
  EXPECT_EQ(RunAsIs({"languages", "--server", "http://127.0.0.1:8001"}), 2);
  EXPECT_THAT(err_, HasSubstr("without http://"));
  EXPECT_EQ(RunAsIs({"languages", "--server", "localhost"}), 2);
  EXPECT_THAT(err_, HasSubstr("--server: 'localhost' came, HOST:PORT is expected"));
  EXPECT_THAT(err_, HasSubstr("as in 127.0.0.1:8001"));
  EXPECT_EQ(RunAsIs({"cache", "stats", "--admin", "localhost"}), 2);
  EXPECT_THAT(err_, HasSubstr("--admin: 'localhost' came, HOST:PORT is expected, as in "
                              "127.0.0.1:8003"));
  setenv("SOUVENIR_ADMIN", "localhost", 1);
  EXPECT_EQ(RunAsIs({"cache", "clear", "--yes"}), 2);
  unsetenv("SOUVENIR_ADMIN");
  EXPECT_EQ(RunAsIs({"cache", "clear", "--yes", "--server", "unix:/nowhere"}), 2);
  EXPECT_THAT(err_, HasSubstr("--admin HOST:PORT"));
}

TEST_F(CommandLineTest, TheEnvironmentNamesTheServer) {
  setenv("SOUVENIR_SERVER", gateway_.address().c_str(), 1);
  setenv("SOUVENIR_ADMIN", gateway_.address().c_str(), 1);
  EXPECT_EQ(RunAsIs({"cache", "stats"}), 0);
  EXPECT_EQ(RunAsIs({"cache", "clear", "--model", "m"}), 0);
  unsetenv("SOUVENIR_SERVER");
  unsetenv("SOUVENIR_ADMIN");
}

TEST_F(CommandLineTest, AServerThatIsTypedIsNotClearedAtAnAdminPortOfTheEnvironment) {
  setenv("SOUVENIR_ADMIN", gateway_.address().c_str(), 1);
  EXPECT_NE(
      RunAsIs({"cache", "clear", "--model", "m", "--server", "127.0.0.1:1", "--timeout", "1"}), 0);
  EXPECT_EQ(RunAsIs({"cache", "clear", "--model", "m", "--server", "127.0.0.1:1", "--admin",
                     gateway_.address()}),
            0);
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
  EXPECT_EQ(out_, "Forgot every answer of m (0 µs).\n");
  EXPECT_EQ(Run({"cache", "clear", "--key", kKey}), 0);
  EXPECT_EQ(Run({"cache", "clear", "--tag", "release-7"}), 0);
  // The gateway does not count the entries of a tag.
  EXPECT_EQ(out_, "Forgot every answer with the tag release-7, if there was any (0 µs).\n");
  EXPECT_EQ(Run({"cache", "clear", "--tenant", "acme"}), 0);
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

TEST_F(CommandLineTest, CacheClearFailsWhereNothingMatches) {
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
  EXPECT_EQ(Run({"--json", "cache", "clear", "--model", "x"}), 1);
  EXPECT_EQ(out_, "{\"match\":\"INVALIDATE_MATCH_NOTHING\"}\n");
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
  EXPECT_EQ(Run({"cache", "export", "--yes", file}), 1);
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

TEST_F(CommandLineTest, AnExportReplacesASnapshotAndNothingElse) {
  const TemporaryDirectory directory;
  const std::string file = directory.path() + "/file";
  gateway_.cache.snapshot = "souvenir-snapshot-1\nof today";
  std::ofstream(file) << "listen_address: \"127.0.0.1:8001\"";
  EXPECT_EQ(Run({"cache", "export", file}), 2);
  EXPECT_THAT(err_, HasSubstr(file + " is there and is no snapshot"));
  EXPECT_THAT(err_, HasSubstr("--yes"));
  EXPECT_THAT(ReadFile(file), StartsWith("listen_address"));
  std::ofstream(file) << "souvenir-snapshot-1\nof yesterday";
  EXPECT_EQ(Run({"cache", "export", file}), 0);
  EXPECT_EQ(ReadFile(file), gateway_.cache.snapshot);
  std::ofstream(file, std::ios::trunc);
  EXPECT_EQ(Run({"cache", "export", file}), 0);  // an empty file, as mktemp makes it
}

TEST_F(CommandLineTest, AnExportToADeviceLeavesTheDevice) {
  gateway_.cache.snapshot = "all that is known";
  EXPECT_EQ(Run({"cache", "export", "/dev/null"}), 0);
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
}

TEST_F(CommandLineTest, AnExportRefusesWhatItCanNeitherReplaceNorWriteTo) {
  const TemporaryDirectory directory;
  EXPECT_EQ(Run({"cache", "export", directory.path()}), 1);
  EXPECT_EQ(err_, "souvenir: cannot write " + directory.path() +
                      ": it is a directory; a snapshot goes to a file, a pipe, or a device that is "
                      "no disk\n");
  EXPECT_FALSE(std::filesystem::exists(directory.path() + ".part"));
  const std::string path = directory.path() + "/socket";
  const UniqueFd listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un at = {};
  at.sun_family = AF_UNIX;
  ASSERT_LT(path.size(), sizeof(at.sun_path));
  path.copy(at.sun_path, path.size());
  ASSERT_EQ(bind(listener.get(), reinterpret_cast<sockaddr*>(&at), sizeof(at)), 0);
  EXPECT_EQ(Run({"cache", "export", path}), 1);
  EXPECT_THAT(err_, HasSubstr("it is a socket"));
}

TEST_F(CommandLineTest, AnExportDoesNotGoToATerminalWhateverItsName) {
  int master = -1;
  int terminal = -1;
  char name[64];
  ASSERT_EQ(openpty(&master, &terminal, name, nullptr, nullptr), 0);
  const UniqueFd owns_master(master);
  const UniqueFd owns_terminal(terminal);
  EXPECT_EQ(Run({"cache", "export", name}), 2);
  EXPECT_THAT(err_, HasSubstr("nothing for a terminal"));
}

TEST_F(CommandLineTest, TheOtherEndOfANamedPipeIsWaitedForWithAWord) {
  const TemporaryDirectory directory;
  const std::string pipe = directory.path() + "/pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  gateway_.cache.snapshot = "all that is known";
  std::string exported;
  std::thread reader([&] { exported = ReadFile(pipe); });
  EXPECT_EQ(Run({"cache", "export", pipe}), 0);
  EXPECT_EQ(err_, pipe + " is a pipe: the export begins when something reads from it.\n");
  reader.join();
  EXPECT_EQ(exported, "all that is known");
  std::thread writer([&] { std::ofstream(pipe) << "from a pipe"; });
  EXPECT_EQ(Run({"cache", "import", pipe}), 0);
  EXPECT_EQ(err_, pipe + " is a pipe: the import begins when something writes to it.\n");
  writer.join();
  EXPECT_EQ(gateway_.cache.snapshot, "from a pipe");
}

TEST_F(CommandLineTest, APipeWithoutANameIsUsedWithoutAWord) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd out(ends[0]);
  UniqueFd in(ends[1]);
  gateway_.cache.snapshot = "all that is known";
  EXPECT_EQ(Run({"cache", "export", "/dev/fd/" + std::to_string(in.get())}), 0);
  EXPECT_THAT(err_, IsEmpty());
  in.Close();
  gateway_.cache.snapshot = "";
  EXPECT_EQ(Run({"cache", "import", "/dev/fd/" + std::to_string(out.get())}), 0);
  EXPECT_THAT(err_, IsEmpty());
  EXPECT_EQ(gateway_.cache.snapshot, "all that is known");
}

TEST_F(CommandLineTest, WhatForgetsEverythingIsAskedForAtATerminal) {
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

TEST_F(CommandLineTest, WhatForgetsEverythingWantsAYesWhereNobodyCanBeAsked) {
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

TEST_F(CommandLineTest, ModelsAreLoadedAndUnloaded) {
  EXPECT_EQ(Run({"models", "load", "m"}), 0);
  EXPECT_EQ(out_, "Loaded m (0 µs).\n");
  EXPECT_EQ(Run({"models", "unload", "m"}), 0);
  EXPECT_EQ(out_, "Unloaded m (0 µs).\n");
  EXPECT_THAT(gateway_.inference.changed, ElementsAre("load m", "unload m"));
  gateway_.inference.index.add_models()->set_name("primes");
  gateway_.inference.change_status = {grpc::StatusCode::NOT_FOUND, "no model 'prims'"};
  EXPECT_EQ(Run({"models", "load", "prims"}), 1);
  EXPECT_EQ(err_, "souvenir: NOT_FOUND: no model 'prims' (did you mean 'primes'?)\n");
  EXPECT_EQ(Run({"models", "load"}), 2);
  gateway_.inference.changed.clear();
  EXPECT_EQ(Run({"models", "load", "m", "primes"}), 2);
  EXPECT_THAT(err_, HasSubstr("primes"));
  EXPECT_EQ(Run({"models", "unload", "m", "primes"}), 2);
  EXPECT_THAT(gateway_.inference.changed, ElementsAre());
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

TEST_F(CommandLineTest, CacheEntryDecodesTheOutputs) {
  const std::vector<int64_t> shape = {1, 2};
  const std::string text = FrameBytesElement("señor\x1b") + FrameBytesElement("\xff");
  auto& entry = gateway_.cache.entry;
  entry.set_key(kKey);
  entry.set_value(EncodeTensors({TensorView{"text", DataType::kBytes, shape, text},
                                 TensorView{"count", DataType::kInt32, shape,
                                            std::string_view("\5\0\0\0\xff\xff\xff\xff", 8)}}));
  EXPECT_EQ(Run({"cache", "entry", kKey, "--with-value"}), 0);
  EXPECT_THAT(out_, HasSubstr("\ntext BYTES[1,2]\n  señor\\x1b\n  \\xff\n"
                              "count INT32[1,2]\n  5 -1\n"));
  EXPECT_EQ(Run({"cache", "entry", kKey, "--with-value", "--json"}), 0);
  EXPECT_THAT(
      out_,
      HasSubstr(
          R"("outputs":[{"name":"text","datatype":"BYTES","shape":[1,2],"data":["señor\u001b",)"
          R"({"b64":"/w=="}]},{"name":"count","datatype":"INT32","shape":[1,2],"data":[5,-1]}]})"));
  entry.set_value("of a later version");
  EXPECT_EQ(Run({"cache", "entry", kKey, "--with-value"}), 0);
  EXPECT_THAT(out_, HasSubstr("another version"));
}

TEST_F(CommandLineTest, CacheEntryShowsARememberedRefusal) {
  auto& entry = gateway_.cache.entry;
  entry.set_key(kKey);
  entry.mutable_refusal()->set_code(grpc::StatusCode::INVALID_ARGUMENT);
  entry.mutable_refusal()->set_message("too\x1b long");
  EXPECT_EQ(Run({"cache", "entry", kKey}), 0);
  EXPECT_THAT(out_, HasSubstr("refusal  INVALID_ARGUMENT: too\\x1b long\n"));
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
