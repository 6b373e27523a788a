// `souvenir transcribe` with recordings that are sent piece by piece.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "cli/transcript_view.h"
#include "common/audio/wav_header.h"
#include "tests/fakes/sounds.h"
#include "tests/unit/cli/speech_fixture.h"

namespace souvenir::cli {
namespace {

using souvenir::v1::StreamTranscribeConfig;
using souvenir::v1::StreamTranscribeResponse;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string BytesOf(const std::vector<int16_t>& samples) {
  return {reinterpret_cast<const char*>(samples.data()), samples.size() * sizeof(int16_t)};
}

std::string Wav(const std::string& samples, uint32_t rate = 16'000) {
  return WavHeader(rate, static_cast<uint32_t>(samples.size())) + samples;
}

class TranscribeStreamTest : public SpeechTest {
 protected:
  void SetUp() override {
    SpeechTest::SetUp();
    AddSegment(1, "one");
    AddSegment(3, "two");
    StreamTranscribeResponse end;
    end.mutable_summary()->mutable_duration()->set_seconds(6);
    end.mutable_summary()->set_segments(2);
    gateway_.speech.stream_events.push_back(end);
  }

  void AddSegment(int64_t second, const std::string& text) {
    StreamTranscribeResponse event;
    event.mutable_segment()->mutable_start()->set_seconds(second);
    event.mutable_segment()->mutable_end()->set_seconds(second + 1);
    event.mutable_segment()->set_text(text);
    event.mutable_segment()->mutable_provenance()->set_kind(souvenir::v1::CACHE_KIND_MISS);
    gateway_.speech.stream_events.push_back(event);
  }

  const auto& streamed() { return gateway_.speech.asked_to_stream; }
};

TEST_F(TranscribeStreamTest, RawSamplesFromStandardInputAreSentAsTheyAre) {
  const std::string samples = BytesOf(Noise(1, 1'000));
  EXPECT_EQ(Run({"transcribe", "-", "--language", "en", "--engine", "pocketsphinx", "--encoding",
                 "s24le", "--rate", "44100", "--channels", "2"},
                samples),
            0)
      << err_;
  EXPECT_EQ(out_,
            "   0:01.0  miss       one\n"
            "   0:03.0  miss       two\n"
            "2 segments of 6.00 s in 0 µs: 2 miss\n");
  ASSERT_THAT(streamed(), SizeIs(1));
  const StreamTranscribeConfig& config = streamed()[0].config;
  EXPECT_EQ(config.encoding(), souvenir::v1::AUDIO_ENCODING_S24LE);
  EXPECT_EQ(config.sample_rate_hertz(), 44'100);
  EXPECT_EQ(config.channels(), 2);
  EXPECT_EQ(config.language(), "en");
  EXPECT_EQ(config.engine(), "pocketsphinx");
  EXPECT_FALSE(config.interim_results());
  EXPECT_TRUE(streamed()[0].audio == samples);
}

TEST_F(TranscribeStreamTest, AWavFileFromStandardInputMayHaveNoLength) {
  const std::string samples = BytesOf(Noise(1, 1'000));
  for (const char* length : {"\xff\xff\xff\xff", "\0\0\0\0"}) {
    std::string file = Wav(samples, 22'050);
    file.replace(40, 4, length, 4);
    EXPECT_EQ(Run({"transcribe", "-", "-q"}, file), 0) << err_;
    EXPECT_EQ(out_, "one\ntwo\n");
    ASSERT_FALSE(streamed().empty());
    EXPECT_EQ(streamed().back().config.sample_rate_hertz(), 22'050);
    EXPECT_TRUE(streamed().back().audio == samples);
  }
}

TEST_F(TranscribeStreamTest, AWrongHeaderIsToldBeforeAnythingIsAsked) {
  std::string file = Wav("abcd");
  file[22] = 99;  // channels
  EXPECT_EQ(Run({"transcribe", "-"}, file), 1);
  EXPECT_THAT(err_, HasSubstr("the WAV file has 99 channels; 1 to 8 are supported"));
  EXPECT_EQ(Run({"transcribe", "-"}, Wav("").substr(0, 30)), 1);
  EXPECT_THAT(err_, HasSubstr("ends before its samples"));
  EXPECT_THAT(streamed(), IsEmpty());
}

TEST_F(TranscribeStreamTest, ALongFileIsDecodedAndSentAsSpeech) {
  // Six minutes are too long for one message, and 16-bit samples at 16 kHz stay what they are.
  const std::string samples = BytesOf(Silence(6 * 60, 7));
  const std::string file = WriteFile("long.wav", Wav(samples));
  EXPECT_EQ(Run({"transcribe", "-q", file}), 0) << err_;
  EXPECT_EQ(out_, "one\ntwo\n");
  ASSERT_THAT(streamed(), SizeIs(1));
  EXPECT_EQ(streamed()[0].config.encoding(), souvenir::v1::AUDIO_ENCODING_S16LE);
  EXPECT_EQ(streamed()[0].config.sample_rate_hertz(), 16'000);
  EXPECT_EQ(streamed()[0].config.channels(), 1);
  EXPECT_TRUE(streamed()[0].audio == samples);
  EXPECT_THAT(gateway_.speech.asked, IsEmpty());
  // The same from a pipe.
  EXPECT_EQ(Run({"transcribe", "-q", "-"}, Wav(samples)), 0) << err_;
  EXPECT_TRUE(streamed().back().audio == samples);
}

TEST_F(TranscribeStreamTest, ASmallFileMayBeALongRecording) {
  const std::string samples(8'000 * 6 * 60, 'x');
  const std::string file = WriteFile("long.raw", samples);
  EXPECT_EQ(Run({"transcribe", "-q", "--encoding", "mulaw", "--rate", "8000", file}), 0) << err_;
  ASSERT_THAT(streamed(), SizeIs(1));
  EXPECT_EQ(streamed()[0].config.encoding(), souvenir::v1::AUDIO_ENCODING_MULAW);
  EXPECT_TRUE(streamed()[0].audio == samples);
}

TEST_F(TranscribeStreamTest, EveryRecordingIsSentSoIfAskedFor) {
  const std::string samples = BytesOf(Noise(1, 1'000));
  const std::string a = WriteFile("a.wav", Wav(samples));
  const std::string b = WriteFile("b.wav", Wav(samples, 48'000));
  EXPECT_EQ(Run({"transcribe", "--stream", a, b}), 0) << err_;
  EXPECT_EQ(out_, "==> " + a +
                      " <==\n   0:01.0  miss       one\n   0:03.0  miss       two\n"
                      "2 segments of 6.00 s in 0 µs: 2 miss\n\n==> " +
                      b +
                      " <==\n   0:01.0  miss       one\n   0:03.0  miss       two\n"
                      "2 segments of 6.00 s in 0 µs: 2 miss\n");
  ASSERT_THAT(streamed(), SizeIs(2));
  const size_t sizes = streamed()[0].audio.size() + streamed()[1].audio.size();
  EXPECT_NEAR(static_cast<double>(sizes), static_cast<double>(samples.size()) * 4 / 3, 4);
}

TEST_F(TranscribeStreamTest, DocumentsAreWrittenAsAWhole) {
  const std::string file = WriteFile("a.wav", Wav("abcd"));
  EXPECT_EQ(Run({"transcribe", "--stream", "--srt", file}), 0) << err_;
  EXPECT_EQ(out_,
            "1\n00:00:01,000 --> 00:00:02,000\none\n\n"
            "2\n00:00:03,000 --> 00:00:04,000\ntwo\n");
  EXPECT_EQ(Run({"--json", "transcribe", "--stream", file}), 0) << err_;
  EXPECT_THAT(out_, AllOf(HasSubstr("\"text\":\"one\""), HasSubstr("\"duration\":\"6s\"")));
  EXPECT_EQ(std::count(out_.begin(), out_.end(), '\n'), 1);
  EXPECT_EQ(Run({"transcribe", "--stream", file, "-o", Path("a.txt")}), 0) << err_;
  EXPECT_EQ(ReadFile("a.txt"), "one\ntwo\n");
}

TEST_F(TranscribeStreamTest, ACallThatFailsHasItsSegmentsBefore) {
  gateway_.speech.stream_events.pop_back();
  gateway_.speech.stream_refusal = {grpc::StatusCode::RESOURCE_EXHAUSTED, "the lane is full"};
  EXPECT_EQ(Run({"transcribe", "-q", "--stream", WriteFile("a.wav", Wav("abcd"))}), 1);
  EXPECT_EQ(out_, "one\ntwo\n");
  EXPECT_EQ(err_, "souvenir: RESOURCE_EXHAUSTED: the lane is full\n");
}

TEST_F(TranscribeStreamTest, AFileThatCannotBeReadIsToldWithoutACall) {
  const std::string file = WriteFile("long.wav", std::string(9u << 20, 'x'));
  EXPECT_EQ(Run({"transcribe", file}), 1);
  EXPECT_THAT(err_, AllOf(HasSubstr(file + ", 9437184 bytes, is not an audio file"),
                          HasSubstr("supported: WAV")));
  EXPECT_THAT(streamed(), IsEmpty());
}

TEST_F(TranscribeStreamTest, ATerminalWantsInterimResultsOfWhatComes) {
  out_is_terminal_ = true;
  EXPECT_EQ(Run({"transcribe", "-"}, Wav("abcd")), 0) << err_;
  EXPECT_EQ(Run({"transcribe", "--stream", WriteFile("a.wav", Wav("abcd"))}), 0) << err_;
  ASSERT_THAT(streamed(), SizeIs(2));
  EXPECT_TRUE(streamed()[0].config.interim_results());
  EXPECT_FALSE(streamed()[1].config.interim_results());
}

TEST_F(TranscribeStreamTest, AnInterimResultIsOneShortLine) {
  souvenir::v1::TranscriptSegment segment;
  segment.mutable_start()->set_seconds(61);
  segment.set_text("good\nmorning\x1b");
  EXPECT_EQ(ShowInterim(segment), "   1:01.0  good\\nmorning\\x1b");
  segment.set_text("\u00e9" + std::string(59, 'x'));
  EXPECT_EQ(ShowInterim(segment), "   1:01.0  ... " + std::string(59, 'x'));
}

}  // namespace
}  // namespace souvenir::cli
