#include "cli/translate_command.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/unit/cli/command_line_fixture.h"

namespace souvenir::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

class TranslateCommandTest : public CommandLineTest {};

TEST_F(TranslateCommandTest, TranslateAsksForEveryTargetAndJoinsTheWords) {
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

TEST_F(TranslateCommandTest, AWordAfterATargetIsTextAndNoTarget) {
  EXPECT_EQ(Run({"translate", "--to", "es", "--from", "en", "Good", "--engine", "apertium"}), 0);
  EXPECT_EQ(gateway_.translation.asked.text(), "Good");
  EXPECT_EQ(gateway_.translation.asked.engine(), "apertium");
  EXPECT_EQ(Run({"translate", "--from", "en", "--to", "es", "--", "--to", "-x"}), 0);
  EXPECT_EQ(gateway_.translation.asked.text(), "--to -x");
}

TEST_F(TranslateCommandTest, TranslateReadsStandardInputButForItsLastLineFeed) {
  EXPECT_EQ(Run({"translate", "--from", "en", "--to", "es"}, "one\ntwo\n\n"), 0);
  EXPECT_EQ(gateway_.translation.asked.text(), "one\ntwo\n");
  EXPECT_EQ(Run({"translate", "--from", "en", "--to", "es", "-"}, "dash"), 0);
  EXPECT_EQ(gateway_.translation.asked.text(), "dash");
  EXPECT_THAT(err_, IsEmpty());
  terminal_ = true;
  EXPECT_EQ(Run({"translate", "--from", "en", "--to", "es"}, "typed"), 0);
  EXPECT_THAT(err_, HasSubstr("Ctrl-D"));
}

TEST_F(TranslateCommandTest, ATextThatIsNotUtf8IsNotSent) {
  EXPECT_EQ(Run({"translate", "--from", "en", "--to", "es"}, "ab\xff"), 2);
  EXPECT_THAT(err_, HasSubstr("byte 2 is 0xff"));
  EXPECT_EQ(gateway_.translation.asked.source_language(), "");
}

TEST_F(TranslateCommandTest, AFailedTargetIsShownAndMakesTheExitStatusOne) {
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

TEST_F(TranslateCommandTest, QuietPrintsTranslationsAlone) {
  Answer("es", "a\tb", souvenir::v1::CACHE_KIND_MISS);
  EXPECT_EQ(Run({"translate", "-q", "--from", "en", "--to", "es", "x"}), 0);
  EXPECT_EQ(out_, "a\tb\n");  // a pipe gets the text as it is
  terminal_ = true;
  EXPECT_EQ(Run({"translate", "-q", "--from", "en", "--to", "es", "x"}), 0);
  EXPECT_EQ(out_, "a\\tb\n");
}

TEST_F(TranslateCommandTest, TranslationsComeInTheOrderAskedHoweverTheyArrive) {
  Answer("gl", "Ola", souvenir::v1::CACHE_KIND_MEMORY);
  Answer("es", "Hola", souvenir::v1::CACHE_KIND_MISS);
  Answer("pt-BR", "Olá", souvenir::v1::CACHE_KIND_MISS);
  // Languages may have any spelling, and a repeated one is answered once.
  EXPECT_EQ(Run({"translate", "-q", "--from", "en", "--to", "es,PT-br,es", "--to", "gl", "x"}), 0);
  EXPECT_EQ(out_, "Hola\nOlá\nOla\n");
  EXPECT_EQ(Run({"translate", "--from", "en", "--to", "es,pt-BR,gl", "x"}), 0);
  EXPECT_THAT(out_, StartsWith("es     miss           0 µs  Hola\npt-BR  "));
}

TEST_F(TranslateCommandTest, QuietKeepsTheLineOfATargetThatFailed) {
  souvenir::v1::Translation failed;
  failed.set_target_language("xx");
  failed.mutable_status()->set_code(grpc::StatusCode::NOT_FOUND);
  gateway_.translation.answers.push_back(failed);
  Answer("gl", "Ola", souvenir::v1::CACHE_KIND_MISS);
  EXPECT_EQ(Run({"translate", "-q", "--from", "en", "--to", "xx,gl", "x"}), 1);
  EXPECT_EQ(out_, "\nOla\n");
  EXPECT_THAT(err_, HasSubstr("xx  error"));
}

TEST_F(TranslateCommandTest, WhatArrivedIsShownThoughTheCallFails) {
  Answer("gl", "Ola", souvenir::v1::CACHE_KIND_MEMORY);
  gateway_.translation.status = {grpc::StatusCode::DEADLINE_EXCEEDED, "too late"};
  EXPECT_EQ(Run({"translate", "-q", "--from", "en", "--to", "es,gl", "x"}), 1);
  EXPECT_EQ(out_, "Ola\n");
}

TEST_F(TranslateCommandTest, BracketsOfATextStay) {
  EXPECT_EQ(Run({"translate", "--from", "en", "--to", "es", "[Hello, world]", "[]", "x"}), 0);
  EXPECT_EQ(gateway_.translation.asked.text(), "[Hello, world] [] x");
}

TEST_F(TranslateCommandTest, TheCacheIsSteeredByMetadata) {
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

TEST_F(TranslateCommandTest, ATenantThatTheGatewayIgnoresIsTold) {
  const std::vector<std::string> ask = {"translate", "--from",   "en",   "--to",
                                        "es",        "--tenant", "acme", "Hello"};
  Answer("es", "Hola", souvenir::v1::CACHE_KIND_MISS);
  EXPECT_EQ(Run(ask), 0);
  EXPECT_THAT(err_, IsEmpty());
  gateway_.translation.headers = {{"souvenir-tenant", "ignored"}};
  for (const char* form : {"--timeout=30", "--json"}) {
    std::vector<std::string> arguments = ask;
    arguments.insert(arguments.begin(), form);
    EXPECT_EQ(Run(arguments), 0);
    EXPECT_THAT(err_, HasSubstr("the gateway ignored --tenant, because trust_tenant_header is off"))
        << form;
    EXPECT_THAT(out_, HasSubstr("Hola"));
  }
}

TEST_F(TranslateCommandTest, JsonIsTheWholeResponseInOneLineWithoutControls) {
  Answer("es", "Hola\x1b[2J", souvenir::v1::CACHE_KIND_DISK);
  EXPECT_EQ(Run({"translate", "--from", "en", "--to", "es", "Hello", "--json"}), 0);
  EXPECT_THAT(out_, Not(HasSubstr("\x1b")));
  EXPECT_EQ(out_.find('\n'), out_.size() - 1);
  souvenir::v1::TranslateResponse response;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(out_, &response).ok());
  EXPECT_EQ(response.translations(0).text(), "Hola\x1b[2J");
  EXPECT_EQ(response.translations(0).provenance().kind(), souvenir::v1::CACHE_KIND_DISK);
}

TEST_F(TranslateCommandTest, LanguagesListsPairsAndFilters) {
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

}  // namespace
}  // namespace souvenir::cli
