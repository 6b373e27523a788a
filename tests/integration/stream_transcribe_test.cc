// StreamTranscribe of the gateway, before a real compute service whose recogniser hears the samples
// themselves.

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "common/audio/segment_cutter.h"
#include "gateway/gateway.h"
#include "souvenir/v1/speech.grpc.pb.h"
#include "souvenir/v1/stats.grpc.pb.h"
#include "tests/fakes/sounds.h"
#include "tests/integration/test_compute.h"

namespace souvenir {
namespace {

using ::testing::ElementsAreArray;
using ::testing::IsEmpty;

using Stream = grpc::ClientReaderWriter<v1::StreamTranscribeRequest, v1::StreamTranscribeResponse>;

constexpr uint32_t kDrainSeconds = 3600;  // a test that waits for it exceeds ctest's time limit

inference::ModelConfig Recogniser() {
  inference::ModelConfig config;
  config.set_name("ears-en");
  config.set_backend("fake");
  config.set_max_batch_size(4);
  config.mutable_response_cache()->set_enable(true);
  auto* const input = config.add_input();
  input->set_name("AUDIO");
  input->set_data_type(inference::TYPE_STRING);
  input->add_dims(1);
  auto* const output = config.add_output();
  output->set_name("TEXT");
  output->set_data_type(inference::TYPE_STRING);
  output->add_dims(1);
  auto& parameters = *config.mutable_parameters();
  parameters["task"].set_string_value("transcription");
  parameters["languages"].set_string_value("en");
  parameters["row_exact"].set_string_value("true");
  return config;
}

// Returns a recording with `count` segments, whose bytes are ASCII, as a text must be.
std::vector<int16_t> Talk(size_t count, uint64_t seed) {
  std::vector<int16_t> samples = Silence(0.5);
  for (size_t i = 0; i < count; ++i) {
    Append(Noise(0.6, 9'000, 100 * seed + i + 1), &samples);
    Append(Silence(0.6), &samples);
  }
  for (int16_t& sample : samples) sample = static_cast<int16_t>(sample & 0x7f7f);
  return samples;
}

std::string BytesOf(const std::vector<int16_t>& samples) {
  return {reinterpret_cast<const char*>(samples.data()), samples.size() * sizeof(int16_t)};
}

std::vector<std::string> TextsOf(const std::vector<int16_t>& samples) {
  std::vector<SpeechSegment> segments;
  const auto cutter = *SegmentCutter::Create({});
  cutter->Add(samples, &segments);
  cutter->Finish(&segments);
  std::vector<std::string> texts;
  for (const SpeechSegment& one : segments) texts.push_back(BytesOf(one.samples));
  return texts;
}

class StreamTranscribeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    compute_.Start("engine 1", {}, {Recogniser()});
    config::v1::GatewayConfig config;
    config.set_listen_address("127.0.0.1:0");
    config.set_admin_address("127.0.0.1:0");
    config.set_metrics_address("");
    config.set_compute_address(compute_.address());
    config.mutable_upstream()->set_poll_interval_ms(20);
    config.mutable_speech()->set_max_stream_segments(2);
    config.set_drain_timeout_seconds(kDrainSeconds);
    auto gateway = gateway::Gateway::Create(config, {});
    ASSERT_TRUE(gateway.ok()) << gateway.status();
    gateway_ = *std::move(gateway);
    const auto channel = grpc::CreateChannel("127.0.0.1:" + std::to_string(gateway_->port()),
                                             grpc::InsecureChannelCredentials());
    speech_ = v1::SpeechService::NewStub(channel);
    stats_ = v1::StatsService::NewStub(channel);
    while (!KnowsRecogniser()) std::this_thread::yield();
  }

  void TearDown() override {
    compute_.backend->HoldRuns(false);
    gateway_.reset();
  }

  bool KnowsRecogniser() {
    grpc::ClientContext context;
    v1::ListRecognizersResponse response;
    return speech_->ListRecognizers(&context, {}, &response).ok() &&
           response.recognizers_size() == 1;
  }

  // Returns true once the gateway stops. Before, a stream without a configuration is wrong.
  bool RefusesStreams() {
    grpc::ClientContext context;
    const auto stream = speech_->StreamTranscribe(&context);
    stream->WritesDone();
    return stream->Finish().error_code() == grpc::StatusCode::UNAVAILABLE;
  }

  v1::LaneStats Lane() {
    grpc::ClientContext context;
    v1::GetStatsResponse stats;
    EXPECT_TRUE(stats_->GetStats(&context, {}, &stats).ok());
    for (const v1::LaneStats& lane : stats.lanes()) {
      if (lane.lane() == "transcription") return lane;
    }
    return {};
  }
  void WaitUntilLaneIsEmpty() {
    while (Lane().requests() > 0) std::this_thread::yield();
    EXPECT_EQ(Lane().held_bytes(), 0u);
  }

  static bool WriteConfig(Stream& stream, bool interim = false) {
    v1::StreamTranscribeRequest request;
    request.mutable_config()->set_encoding(v1::AUDIO_ENCODING_S16LE);
    request.mutable_config()->set_sample_rate_hertz(16'000);
    request.mutable_config()->set_language("en");
    if (interim) {
      request.mutable_config()->set_interim_results(true);
      request.mutable_config()->mutable_interim_interval()->set_nanos(100'000'000);
    }
    return stream.Write(request);
  }

  // Sends a recording in pieces of random size. Returns false if the call has ended.
  static bool WriteAudio(Stream& stream, const std::string& bytes, std::mt19937_64* random) {
    v1::StreamTranscribeRequest request;
    for (size_t at = 0; at < bytes.size();) {
      const size_t size = 1 + (*random)() % 9'000;
      request.set_audio(bytes.substr(at, size));
      if (!stream.Write(request)) return false;
      at += size;
    }
    return true;
  }

  // Reads the texts of final segments, up to the end.
  static std::vector<std::string> ReadTexts(Stream& stream) {
    std::vector<std::string> texts;
    v1::StreamTranscribeResponse event;
    while (stream.Read(&event)) {
      if (!event.has_segment()) continue;
      EXPECT_EQ(event.segment().status().code(), 0) << event.segment().status().message();
      texts.push_back(event.segment().text());
    }
    return texts;
  }

  TestCompute compute_;
  std::unique_ptr<gateway::Gateway> gateway_;
  std::unique_ptr<v1::SpeechService::Stub> speech_;
  std::unique_ptr<v1::StatsService::Stub> stats_;
};

TEST_F(StreamTranscribeTest, SegmentsComeInOrder) {
  const std::vector<int16_t> samples = Talk(12, 1);
  ASSERT_EQ(TextsOf(samples).size(), 12u);
  grpc::ClientContext context;
  const auto stream = speech_->StreamTranscribe(&context);
  std::thread writer([&] {
    std::mt19937_64 random(1);
    EXPECT_TRUE(WriteConfig(*stream));
    EXPECT_TRUE(WriteAudio(*stream, BytesOf(samples), &random));
    stream->WritesDone();
  });
  EXPECT_THAT(ReadTexts(*stream), ElementsAreArray(TextsOf(samples)));
  writer.join();
  EXPECT_TRUE(stream->Finish().ok());
  WaitUntilLaneIsEmpty();
}

TEST_F(StreamTranscribeTest, ManyStreamsDoNotMeet) {
  std::vector<std::thread> callers;
  for (uint64_t caller = 1; caller <= 8; ++caller) {
    callers.emplace_back([this, caller] {
      for (uint64_t call = 0; call < 4; ++call) {
        const std::vector<int16_t> samples = Talk(3, 10 * caller + call % 2);
        grpc::ClientContext context;
        const auto stream = speech_->StreamTranscribe(&context);
        std::thread writer([&] {
          std::mt19937_64 random(caller);
          if (!WriteConfig(*stream, /*interim=*/call % 2 == 1)) return;
          if (WriteAudio(*stream, BytesOf(samples), &random)) stream->WritesDone();
        });
        EXPECT_THAT(ReadTexts(*stream), ElementsAreArray(TextsOf(samples)));
        writer.join();
        EXPECT_TRUE(stream->Finish().ok());
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  WaitUntilLaneIsEmpty();
}

TEST_F(StreamTranscribeTest, CallersMayGoAtAnyTime) {
  std::vector<std::thread> callers;
  for (uint64_t caller = 1; caller <= 8; ++caller) {
    callers.emplace_back([this, caller] {
      std::mt19937_64 random(caller);
      for (uint64_t call = 0; call < 10; ++call) {
        const std::string bytes = BytesOf(Talk(4, 50 + caller));
        grpc::ClientContext context;
        const auto stream = speech_->StreamTranscribe(&context);
        std::thread reader([&] { ReadTexts(*stream); });
        if (WriteConfig(*stream, /*interim=*/call % 2 == 1)) {
          WriteAudio(*stream, bytes.substr(0, random() % bytes.size()), &random);
        }
        if (call % 3 == 0) stream->WritesDone();
        context.TryCancel();
        reader.join();
        (void)stream->Finish();
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  WaitUntilLaneIsEmpty();
}

TEST_F(StreamTranscribeTest, NoMoreIsReadWhileSegmentsAreUnanswered) {
  compute_.backend->HoldRuns(true);
  const std::vector<int16_t> samples = Talk(200, 3);  // 8 MB
  grpc::ClientContext context;
  const auto stream = speech_->StreamTranscribe(&context);
  std::thread writer([&] {
    std::mt19937_64 random(1);
    EXPECT_TRUE(WriteConfig(*stream));
    EXPECT_TRUE(WriteAudio(*stream, BytesOf(samples), &random));
    stream->WritesDone();
  });
  while (Lane().waiting_rows() < 2) std::this_thread::yield();
  for (int look = 0; look < 100; ++look) {
    const v1::LaneStats lane = Lane();
    EXPECT_LE(lane.waiting_rows(), 4u);
    EXPECT_LT(lane.held_bytes(), 1u << 20);
  }
  compute_.backend->HoldRuns(false);
  EXPECT_THAT(ReadTexts(*stream), ElementsAreArray(TextsOf(samples)));
  writer.join();
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(StreamTranscribeTest, ACallerWhoIsNotReadFromMayGo) {
  compute_.backend->HoldRuns(true);
  const std::vector<int16_t> samples = Talk(200, 4);
  grpc::ClientContext context;
  const auto stream = speech_->StreamTranscribe(&context);
  std::thread writer([&] {
    std::mt19937_64 random(1);
    EXPECT_TRUE(WriteConfig(*stream));
    EXPECT_FALSE(WriteAudio(*stream, BytesOf(samples), &random));
  });
  while (Lane().waiting_rows() < 2) std::this_thread::yield();
  context.TryCancel();
  EXPECT_THAT(ReadTexts(*stream), IsEmpty());
  writer.join();
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
  compute_.backend->HoldRuns(false);
  WaitUntilLaneIsEmpty();
}

TEST_F(StreamTranscribeTest, AStopTellsWhatCameAndThenEndsTheStream) {
  compute_.backend->HoldRuns(true);
  const std::vector<int16_t> samples = Talk(1, 5);
  grpc::ClientContext context;
  const auto stream = speech_->StreamTranscribe(&context);
  std::mt19937_64 random(1);
  ASSERT_TRUE(WriteConfig(*stream));
  ASSERT_TRUE(WriteAudio(*stream, BytesOf(samples), &random));
  while (Lane().waiting_rows() < 1) std::this_thread::yield();
  std::thread stopper([&] { gateway_->Stop(); });
  while (!RefusesStreams()) std::this_thread::yield();
  compute_.backend->HoldRuns(false);
  EXPECT_THAT(ReadTexts(*stream), ElementsAreArray(TextsOf(samples)));
  const grpc::Status status = stream->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(status.error_message(), "the gateway is stopping");
  stopper.join();
}

TEST_F(StreamTranscribeTest, AStopEndsAStreamThatSentNothing) {
  grpc::ClientContext context;
  const auto stream = speech_->StreamTranscribe(&context);
  while (Lane().requests() == 0) std::this_thread::yield();
  gateway_->Stop();
  EXPECT_THAT(ReadTexts(*stream), IsEmpty());
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

}  // namespace
}  // namespace souvenir
