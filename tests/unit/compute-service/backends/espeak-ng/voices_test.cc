#include "compute-service/backends/espeak-ng/voices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/fakes/temporary_directory.h"

namespace souvenir::compute {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

class VoicesTest : public testing::Test {
 protected:
  void Write(const std::string& file, std::string_view text) {
    const std::string path = directory_.path() + "/lang/" + file;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path, std::ios::binary) << text;
  }

  std::vector<Voice> Read() {
    absl::StatusOr<std::vector<Voice>> voices = ReadVoices(directory_.path());
    EXPECT_TRUE(voices.ok()) << voices.status();
    return *std::move(voices);
  }

  TemporaryDirectory directory_;
};

TEST_F(VoicesTest, AVoiceIsReadFromItsFile) {
  Write("gmw/en",
        "name English (Great Britain)\nlanguage en-gb  2\nlanguage en 2\n\nphonemes en\n");
  Write("iro/chr", "  name Cherokee // a comment\r\nlanguage chr-US-Qaaa-x-west 5\n");
  const std::vector<Voice> voices = Read();
  ASSERT_THAT(voices, SizeIs(2));
  EXPECT_EQ(voices[0].name, "chr-us-qaaa-x-west");
  EXPECT_EQ(voices[0].description, "Cherokee");
  EXPECT_EQ(voices[1].name, "en-gb");
  EXPECT_EQ(voices[1].language, "en-GB");
  EXPECT_EQ(voices[1].file, "gmw/en");
  EXPECT_EQ(VoicesJson({voices[0]}), R"([{"name":"chr-us-qaaa-x-west","language":"chr-US",)"
                                     R"("description":"Cherokee"}])");
}

TEST_F(VoicesTest, EachVoiceHasANameOfItsOwn) {
  Write("sit/yue", "language yue\n");
  Write("sit/yue-Latn-jyutping", "language yue\n");
  Write("zzz/yue", "language yue\n");
  const std::vector<Voice> voices = Read();
  ASSERT_THAT(voices, SizeIs(2)) << "the third has no name left";
  EXPECT_EQ(voices[0].name, "yue");
  EXPECT_EQ(voices[0].file, "sit/yue");
  EXPECT_EQ(voices[1].name, "yue-latn-jyutping");
}

TEST_F(VoicesTest, ATagThatIsNotWellFormedIsShortened) {
  Write("en-US-nyc", "language en-us-nyc\n");
  EXPECT_EQ(Read()[0].language, "en-US");
}

TEST_F(VoicesTest, FilesThatAreNoVoicesAreLeftOut) {
  Write("good", "language eo");
  Write("empty", "");
  Write("nameless", "name No language\n");
  Write("path", "language ../../etc\n");
  Write("long", "language " + std::string(41, 'a') + "\n");
  Write("big", "language de\n" + std::string(100'000, ' '));
  Write("bytes", std::string("\0\xff\xfe language\n", 13));
  std::filesystem::create_directory(directory_.path() + "/lang/folder");
  const std::vector<Voice> voices = Read();
  ASSERT_THAT(voices, SizeIs(1));
  EXPECT_EQ(voices[0].description, "eo");
}

TEST_F(VoicesTest, ThereIsAnEndToVoices) {
  for (int i = 0; i < 600; ++i) Write("v" + std::to_string(i), "language x" + std::to_string(i));
  EXPECT_THAT(Read(), SizeIs(500));
}

TEST_F(VoicesTest, AnUnknownVoiceIsToldWithNearOnes) {
  const absl::StatusOr<std::vector<Voice>> voices = ReadVoices(SOUVENIR_ESPEAK_NG_DATA);
  ASSERT_TRUE(voices.ok());
  EXPECT_EQ(FindVoice(*voices, "pt-br")->file, "roa/pt-BR");
  const auto message = [&](std::string_view name) {
    const absl::Status status = FindVoice(*voices, name).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    return std::string(status.message());
  };
  EXPECT_EQ(message("fr"), "there is no voice 'fr'; near it are: fr-be, fr-ch, fr-fr");
  EXPECT_THAT(message("PT-BR"), HasSubstr("near it are: pt, pt-br"));
  EXPECT_THAT(message("espanol"), Not(HasSubstr("near it")));
  EXPECT_THAT(message("vi-vn-x-sout"), HasSubstr("vi-vn-x-south"));
  // There is no Galician voice.
  EXPECT_THAT(message("gl"), AllOf(HasSubstr("there is no voice 'gl'; there are: af, am"),
                                   HasSubstr(" es,"), HasSubstr(" pt,")));
  EXPECT_THAT(message("\x1b[31m" + std::string(1000, 'x')),
              AllOf(HasSubstr("'\\x1b[31mxx"), SizeIs(testing::Lt(1500u))));
  for (const char* name : {"", "roa/es", "es+f2", "../../../etc/passwd", "mb-es1", "EN-US"}) {
    EXPECT_FALSE(FindVoice(*voices, name).ok()) << name;
  }
}

TEST_F(VoicesTest, AFolderWithoutVoicesIsNamed) {
  EXPECT_THAT(std::string(ReadVoices("/nowhere").status().message()), HasSubstr("/nowhere/lang"));
}

}  // namespace
}  // namespace souvenir::compute
