#include "cli/speech_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "cli/spoken_audio.h"
#include "tests/unit/cli/speech_fixture.h"

namespace souvenir::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class SpeechCommandTest : public SpeechTest {
 protected:
  SpeechCommandTest() : recording_(WriteFile("hello.flac", "a recording")) {}

  souvenir::v1::TranslateSpeechEvent& AddEvent() { return gateway_.speech.events.emplace_back(); }

  // Adds what is told of a segment, from its text to its recording.
  void AddSegment(int number, const std::string& text, const std::string& translation,
                  const std::string& audio) {
    auto& segment = *AddEvent().mutable_segment();
    segment.set_segment(number);
    segment.mutable_transcript()->set_text(text);
    segment.mutable_transcript()->mutable_start()->set_seconds(number);
    segment.mutable_transcript()->mutable_provenance()->set_kind(souvenir::v1::CACHE_KIND_MEMORY);
    auto& translated = *AddEvent().mutable_translation();
    translated.set_segment(number);
    translated.mutable_translation()->set_target_language("es");
    translated.mutable_translation()->set_text(translation);
    translated.mutable_translation()->mutable_provenance()->set_kind(souvenir::v1::CACHE_KIND_MISS);
    auto& speech = *AddEvent().mutable_speech();
    speech.set_segment(number);
    speech.set_target_language("es");
    speech.set_audio(audio);
    speech.set_sample_rate_hertz(22050);
  }

  int Ask(std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {"speech", recording_, "--from", "en",
                                          "--to",   "es",       "-o",     Path("out")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Run(arguments);
  }

  const std::string recording_;
};

TEST_F(SpeechCommandTest, WritesAFileForEachLanguageInTheOrderOfTheRecording) {
  AddSegment(1, "good bye", "adiós", "two ");
  AddSegment(0, "hello", "hola", "one ");
  AddEvent().mutable_summary()->set_segments(2);
  EXPECT_EQ(Ask({"--voice", "es=es-419"}), 0) << err_;
  EXPECT_EQ(ReadFile("out/hello.es.wav"), WavHeader(22050, 8) + "one two ");
  EXPECT_EQ(out_,
            "0:00.0    memory     hello\n"
            "  es      miss       hola\n"
            "0:01.0    memory     good bye\n"
            "  es      miss       adiós\n"
            "Written to " +
                Path("out/hello.es.wav") + ".\n");
  const auto& asked = gateway_.speech.asked_to_translate;
  ASSERT_EQ(asked.size(), 2u);
  EXPECT_EQ(asked[0].config().source_language(), "en");
  EXPECT_EQ(asked[0].config().target_languages(0), "es");
  EXPECT_EQ(asked[0].config().voices().at("es"), "es-419");
  EXPECT_EQ(asked[0].config().container(), souvenir::v1::AUDIO_CONTAINER_RAW);
  EXPECT_EQ(asked[1].audio(), "a recording");
}

TEST_F(SpeechCommandTest, AFileThatIsThereIsReplacedOnlyIfThatIsWanted) {
  AddSegment(0, "hello", "hola", "one ");
  ASSERT_EQ(Ask(), 0) << err_;
  EXPECT_EQ(Ask(), 2);
  EXPECT_THAT(err_, HasSubstr("out/hello.es.wav would be replaced"));
  EXPECT_EQ(Ask({"--yes", "-q"}), 0) << err_;
  EXPECT_THAT(out_, IsEmpty());
}

TEST_F(SpeechCommandTest, AStepThatFailedIsToldAndCostsNoOther) {
  AddSegment(0, "hello", "hola", "one ");
  auto& mute = *AddEvent().mutable_speech();
  mute.set_target_language("gl");
  mute.mutable_status()->set_code(5);
  mute.mutable_status()->set_message("no voice speaks 'gl'");
  EXPECT_EQ(Ask(), 1);
  EXPECT_THAT(err_, HasSubstr("NOT_FOUND: no voice speaks 'gl'"));
  EXPECT_EQ(ReadFile("out/hello.es.wav"), WavHeader(22050, 4) + "one ");
  EXPECT_EQ(ReadFile("out/hello.gl.wav"), "(none)");
}

TEST_F(SpeechCommandTest, ARefusalWritesNothing) {
  gateway_.speech.status = {grpc::StatusCode::NOT_FOUND, "nothing recognises speech in 'en'"};
  EXPECT_EQ(Ask(), 1);
  EXPECT_THAT(err_, HasSubstr("nothing recognises speech in 'en'"));
  EXPECT_EQ(ReadFile("out/hello.es.wav"), "(none)");
}

TEST_F(SpeechCommandTest, RefusesWhatItDoesNotUnderstand) {
  EXPECT_EQ(Ask({"--voice", "es-419"}), 2);
  EXPECT_THAT(err_, HasSubstr("LANGUAGE=NAME is expected"));
  EXPECT_EQ(Ask({"--format", "flac"}), 2);
  EXPECT_EQ(Run({"speech", Path("none.wav"), "--from", "en", "--to", "es"}), 1);
  EXPECT_THAT(err_, HasSubstr("none.wav"));
}

}  // namespace
}  // namespace souvenir::cli
