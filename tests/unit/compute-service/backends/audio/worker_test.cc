// The worker program, with files as strangers may send them.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "compute-service/backends/audio/audio_writer.h"
#include "tests/fakes/sounds.h"
#include "tests/unit/compute-service/backends/audio/audio_fixture.h"
#include "tests/unit/compute-service/backends/audio/hostile_files.h"
#include "tests/unit/compute-service/backends/audio/test_files.h"

namespace souvenir::compute {
namespace {

// Limit of a host and its workers. A sanitizer keeps what was freed.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr uint64_t kMostMemory = uint64_t{1} << 30;
#else
constexpr uint64_t kMostMemory = uint64_t{300} << 20;
#endif

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kRaw[] = "s16le;rate=16000";

class AudioWorkerTest : public ::testing::Test {
 protected:
  static std::unique_ptr<Model> Load(std::string_view config) {
    AudioBackend backend({.worker_program = SOUVENIR_WORKER_AUDIO});
    auto model = backend.Load(DescribeAudio(config), nullptr);
    EXPECT_TRUE(model.ok()) << model.status();
    return *std::move(model);
  }

  static std::unique_ptr<Instance> MakeInstance(Model& model) {
    auto instance = model.CreateInstance();
    EXPECT_TRUE(instance.ok()) << instance.status();
    return *std::move(instance);
  }

  static std::string Speech() {
    std::vector<int16_t> samples = Noise(0.5, 8);
    Append(Syllables(1, 2'000), &samples);
    Append(Noise(0.5, 8, 2), &samples);
    return PcmBytes(samples);
  }
};

TEST_F(AudioWorkerTest, CutsAsItDoesInThisProcess) {
  const auto model = Load(kSegmentation);
  const auto instance = MakeInstance(*model);
  const std::vector<int16_t> samples = SpokenRecording("goforward.raw");
  const auto answer = AskForSegments(*instance, MakeFile(FileKind::kFlac, samples));
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(*answer, *AskForSegments(*MakeAudioInstance(kSegmentation), PcmBytes(samples), kRaw));
  EXPECT_FALSE(answer->starts.empty());
}

TEST_F(AudioWorkerTest, EncodesTheSameBytesInEveryProcess) {
  const auto model = Load(kEncoding);
  const std::string pcm = Speech();
  for (const std::string container : {"wav", "flac", "ogg"}) {
    const std::vector<Tensor> inputs = {
        {"PCM", DataType::kBytes, {1, 1}, FrameBytesElement(pcm)},
        {"SAMPLE_RATE", DataType::kInt32, {1, 1}, FromElements<int32_t>({16'000})},
        {"CONTAINER", DataType::kBytes, {1, 1}, FrameBytesElement(container)}};
    const auto here = WriteAudioFile(pcm, 16'000, container);
    ASSERT_TRUE(here.ok()) << here.status();
    for (int process = 0; process < 2; ++process) {
      const auto instance = MakeInstance(*model);
      for (int call = 0; call < 2; ++call) {
        const auto outputs = RunAudio(*instance, inputs, {"AUDIO"});
        ASSERT_TRUE(outputs.ok()) << outputs.status();
        EXPECT_TRUE((*outputs)[0].data == FrameBytesElement(*here)) << container;
      }
    }
  }
}

// Each gets a right answer or an error that says what is wrong, in bounded time and memory, and the
// next request is served by the same process.
TEST_F(AudioWorkerTest, HostileFilesHarmNobody) {
  const auto model = Load(kSegmentation);
  const auto instance = MakeInstance(*model);
  const std::string speech = Speech();
  const auto expected = AskForSegments(*instance, speech, kRaw);
  ASSERT_TRUE(expected.ok()) << expected.status();
  ASSERT_EQ(expected->starts.size(), 1u);
  const std::vector<HostileFile> files = HostileFiles();
  EXPECT_GE(files.size(), 40u);
  for (const HostileFile& file : files) {
    SCOPED_TRACE(file.name);
    const auto answer = AskForSegments(*instance, file.audio, file.format);
    if (answer.ok()) {
      EXPECT_TRUE(file.expected.empty()) << "was not refused";
      ASSERT_EQ(answer->starts.size(), answer->ends.size());
      ASSERT_EQ(answer->starts.size(), answer->pcm.size());
      int64_t last = 0;
      for (size_t i = 0; i < answer->starts.size(); ++i) {
        EXPECT_LE(last, answer->starts[i]);
        EXPECT_LT(answer->starts[i], answer->ends[i]);
        EXPECT_EQ(answer->pcm[i].size(),
                  static_cast<size_t>(answer->ends[i] - answer->starts[i]) * 2);
        last = answer->ends[i];
      }
      EXPECT_LE(last, answer->duration);
    } else {
      EXPECT_TRUE(file.any || !file.expected.empty()) << answer.status();
      EXPECT_EQ(answer.status().code(), absl::StatusCode::kInvalidArgument) << answer.status();
      const std::string message(answer.status().message());
      EXPECT_THAT(message, HasSubstr(file.expected));
      EXPECT_LT(message.size(), 500u);
      for (const char c : message) EXPECT_TRUE(c >= ' ' && c < '\x7f') << message;
    }
    const auto next = AskForSegments(*instance, speech, kRaw);
    ASSERT_TRUE(next.ok()) << next.status();
    EXPECT_EQ(*next, *expected);
  }
  EXPECT_EQ(model->lost_workers(), 0u);
  EXPECT_LT(model->MemoryBytes(), kMostMemory);
}

TEST_F(AudioWorkerTest, AMessageHasNoContentOfTheFile) {
  const auto model = Load(kSegmentation);
  const auto instance = MakeInstance(*model);
  for (const std::string start : {"", "RIFF\xff\xff\xff\xffWAVE", "fLaC", "ID3"}) {
    const auto answer = AskForSegments(*instance, start + "my secret words my secret words");
    ASSERT_FALSE(answer.ok());
    EXPECT_THAT(std::string(answer.status().message()), Not(HasSubstr("secret")));
  }
}

}  // namespace
}  // namespace souvenir::compute
