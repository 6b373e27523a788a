#include "compute-service/backends/audio/audio_backend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "common/config/text_proto.h"
#include "compute-service/repository/model_digest.h"
#include "tests/unit/compute-service/backends/audio/audio_fixture.h"

namespace souvenir::compute {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(AudioBackendTest, CompletesSegmentation) {
  const inference::ModelConfig config = DescribeAudio(kSegmentation).config;
  ASSERT_EQ(config.input_size(), 2);
  EXPECT_EQ(config.input(0).name(), "AUDIO");
  EXPECT_FALSE(config.input(0).optional());
  EXPECT_EQ(config.input(1).name(), "FORMAT");
  EXPECT_TRUE(config.input(1).optional());
  ASSERT_EQ(config.output_size(), 4);
  EXPECT_EQ(config.output(0).name(), "PCM");
  EXPECT_THAT(config.output(0).dims(), ElementsAre(-1));
  EXPECT_EQ(config.output(3).name(), "DURATION");
  EXPECT_THAT(config.output(3).dims(), ElementsAre(1));
  EXPECT_EQ(config.max_batch_size(), 0);
  EXPECT_TRUE(config.response_cache().enable());
  // Everything that the segments depend on.
  EXPECT_EQ(config.parameters().at("vad_margin_db").string_value(), "8");
  EXPECT_EQ(config.parameters().at("max_segment_ms").string_value(), "20000");
  EXPECT_EQ(config.parameters().at("max_seconds").string_value(), "7200");
  EXPECT_EQ(config.parameters().at("max_answer_bytes").string_value(), "16773120");
  // A complete configuration does not change.
  ModelDescription again{.config = config};
  ASSERT_TRUE(AudioEngine().Complete(&again).ok());
  EXPECT_EQ(again.config.DebugString(), config.DebugString());
}

TEST(AudioBackendTest, CompletesEncoding) {
  const inference::ModelConfig config = DescribeAudio(kEncoding).config;
  EXPECT_EQ(config.max_batch_size(), 8);
  EXPECT_EQ(config.input_size(), 3);
  EXPECT_EQ(config.output_size(), 1);
  EXPECT_EQ(config.parameters().at("row_exact").string_value(), "true");
  EXPECT_FALSE(config.parameters().contains("vad_margin_db"));
  EXPECT_TRUE(config.response_cache().enable());
}

TEST(AudioBackendTest, AnAnswerFitsIntoAMessageOfTheService) {
  AudioBackend backend({.max_message_bytes = 1 << 20});
  ModelDescription description;
  ASSERT_TRUE(ParseTextProto(kSegmentation, "test", &description.config).ok());
  ASSERT_TRUE(backend.Complete(&description).ok());
  EXPECT_EQ(description.config.parameters().at("max_answer_bytes").string_value(), "1044480");
}

TEST(AudioBackendTest, RefusesByNameWhatItDoesNotSupport) {
  const std::string segmentation = kSegmentation;
  const std::string encoding = kEncoding;
  const std::pair<std::string, std::string> cases[] = {
      {"backend: 'audio'", "parameter 'task' is missing; it must be one of segmentation, encoding"},
      {AudioParameter("task", "transcription"), "'task' is 'transcription'"},
      {segmentation + AudioParameter("vad_margin", "8"), "\"vad_margin\" is unknown"},
      {segmentation + AudioParameter("vad_margin_db", "0"), "from 1 to 60"},
      {segmentation + AudioParameter("vad_margin_db", "loud"), "'vad_margin_db' is 'loud'"},
      {segmentation + AudioParameter("vad_release_db", "9"), "release_db is 9"},
      {segmentation + AudioParameter("vad_least_dbfs", "1"), "from -100 to 0"},
      {segmentation + AudioParameter("max_seconds", "86401"), "from 1 to 86400"},
      {segmentation + AudioParameter("max_segment_ms", "999"), "from 1000 to 120000"},
      {segmentation + AudioParameter("padding_after_ms", "201"), "padding_after_ms is 201"},
      {segmentation + AudioParameter("isolation", "thread"), "isolation is \"thread\""},
      {segmentation + "max_batch_size: 1", "max_batch_size is 1; its task allows at most 0"},
      {segmentation + "input { name: 'AUDIO' data_type: TYPE_STRING dims: 1 }",
       "\"FORMAT\" of TYPE_STRING with dims [1], optional"},
      {segmentation + "output { name: 'TEXT' data_type: TYPE_STRING dims: 1 }",
       "\"PCM\" of TYPE_STRING with dims [-1]"},
      {encoding + "max_batch_size: 9", "max_batch_size is 9; its task allows at most 8"},
      {encoding + AudioParameter("max_seconds", "10"), "\"max_seconds\" is unknown"},
      {encoding + AudioParameter("row_exact", "yes"), "'row_exact' is 'yes'"},
  };
  for (const auto& [config, expected] : cases) {
    ModelDescription description;
    ASSERT_TRUE(ParseTextProto(config, "test", &description.config).ok()) << config;
    const absl::Status status = AudioEngine().Complete(&description);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << config;
    EXPECT_THAT(std::string(status.message()), HasSubstr(expected));
  }
}

TEST(AudioBackendTest, TheDigestFollowsEveryThreshold) {
  AudioEngine engine;
  std::set<std::string> digests;
  const std::string configs[] = {kSegmentation, kEncoding,
                                 kSegmentation + AudioParameter("vad_margin_db", "9"),
                                 kSegmentation + AudioParameter("min_gap_ms", "500"),
                                 kSegmentation + AudioParameter("max_segment_ms", "30000")};
  for (const std::string& config : configs) {
    const ModelDescription description = DescribeAudio(config);
    const auto digest = engine.Digest(description);
    ASSERT_TRUE(digest.ok()) << digest.status();
    digests.insert(ModelDigest(description, *digest));
  }
  EXPECT_EQ(digests.size(), std::size(configs));
  EXPECT_THAT(*engine.DigestedFiles(DescribeAudio(kSegmentation)), IsEmpty());
}

}  // namespace
}  // namespace souvenir::compute
