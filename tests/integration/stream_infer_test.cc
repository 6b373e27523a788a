// ModelStreamInfer of the gateway, before a real compute service.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <thread>

#include "common/tensor/bytes_elements.h"
#include "gateway/gateway.h"
#include "souvenir/v1/stats.grpc.pb.h"
#include "tests/integration/compute_client.h"
#include "tests/integration/test_compute.h"

namespace souvenir {
namespace {

using ::testing::HasSubstr;

using Stream =
    grpc::ClientReaderWriter<inference::ModelInferRequest, inference::ModelStreamInferResponse>;

// Long enough that a test that waits for it exceeds ctest's time limit.
constexpr uint32_t kDrainSeconds = 3600;

class StreamInferTest : public ::testing::Test {
 protected:
  void SetUp() override {
    compute_.Start();
    config::v1::GatewayConfig config;
    config.set_listen_address("127.0.0.1:0");
    config.set_admin_address("127.0.0.1:0");
    config.set_metrics_address("");
    config.set_compute_address(compute_.address());
    config.mutable_upstream()->set_poll_interval_ms(20);
    config.set_drain_timeout_seconds(kDrainSeconds);
    auto gateway = gateway::Gateway::Create(config, {});
    ASSERT_TRUE(gateway.ok()) << gateway.status();
    gateway_ = *std::move(gateway);
    client_ = std::make_unique<compute::ComputeClient>(gateway_->port());
    stats_ = v1::StatsService::NewStub(grpc::CreateChannel(
        "127.0.0.1:" + std::to_string(gateway_->port()), grpc::InsecureChannelCredentials()));
    inference::ModelInferResponse response;
    while (!client_->Infer(compute::EchoRequest({"known"}), &response).ok()) {
      std::this_thread::yield();  // until the gateway knows compute
    }
  }

  void TearDown() override {
    compute_.backend->HoldRuns(false);
    gateway_.reset();
  }

  static inference::ModelInferRequest Request(const std::string& text) {
    inference::ModelInferRequest request = compute::EchoRequest({text});
    request.set_id("id of " + text);
    return request;
  }

  v1::FlightStats Flights() {
    grpc::ClientContext context;
    v1::GetStatsResponse stats;
    EXPECT_TRUE(stats_->GetStats(&context, {}, &stats).ok());
    return stats.flights();
  }
  void WaitForFlights(uint64_t count) {
    while (Flights().in_progress() != count) std::this_thread::yield();
  }

  TestCompute compute_;
  std::unique_ptr<gateway::Gateway> gateway_;
  std::unique_ptr<compute::ComputeClient> client_;
  std::unique_ptr<v1::StatsService::Stub> stats_;
  grpc::ClientContext context_;
};

TEST_F(StreamInferTest, EachRequestIsAnsweredOnceWithItsIdAndItsError) {
  const auto stream = client_->stub().ModelStreamInfer(&context_);
  constexpr int kRequests = 300;
  std::thread writer([&] {
    for (int i = 0; i < kRequests; ++i) {
      inference::ModelInferRequest request = compute::EchoRequest({std::to_string(i % 100)});
      request.set_id(std::to_string(i));
      if (i == 5) request.mutable_inputs(0)->set_datatype("INT32");
      if (i == 7) request.set_model_name("nothing");
      ASSERT_TRUE(stream->Write(request));
    }
    stream->WritesDone();
  });
  std::set<std::string> ids;
  inference::ModelStreamInferResponse response;
  while (stream->Read(&response)) {
    const inference::ModelInferResponse& answer = response.infer_response();
    EXPECT_TRUE(ids.insert(answer.id()).second) << answer.id();
    if (answer.id() == "5") {
      EXPECT_THAT(response.error_message(), HasSubstr("'text'"));
    } else if (answer.id() == "7") {
      EXPECT_THAT(response.error_message(), HasSubstr("no model 'nothing'"));
    } else {
      EXPECT_EQ(response.error_message(), "");
      EXPECT_EQ(answer.raw_output_contents(0),
                FrameBytesElement(std::to_string(std::stoi(answer.id()) % 100)));
    }
  }
  writer.join();
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(ids.size(), static_cast<size_t>(kRequests));
  size_t rows = 0;
  for (const std::string& run : compute_.backend->inputs()) {
    for (BytesElementReader texts(run); texts.Next();) ++rows;
  }
  EXPECT_EQ(rows, size_t{1 + 100}) << "each text once, and the one of the set-up";
}

TEST_F(StreamInferTest, WhatIsRememberedDoesNotWaitForWhatIsComputed) {
  compute_.backend->HoldRuns(true);
  const auto stream = client_->stub().ModelStreamInfer(&context_);
  ASSERT_TRUE(stream->Write(Request("new")));
  ASSERT_TRUE(stream->Write(Request("known")));
  inference::ModelStreamInferResponse response;
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_EQ(response.infer_response().id(), "id of known");
  compute_.backend->HoldRuns(false);
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_EQ(response.infer_response().id(), "id of new");
  stream->WritesDone();
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(StreamInferTest, ABatchIsAskedByRows) {
  const auto stream = client_->stub().ModelStreamInfer(&context_);
  ASSERT_TRUE(stream->Write(compute::EchoRequest({"known", "new", "known"})));
  inference::ModelStreamInferResponse response;
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_EQ(response.infer_response().raw_output_contents(0),
            FrameBytesElement("known") + FrameBytesElement("new") + FrameBytesElement("known"));
  EXPECT_EQ(compute_.backend->inputs().back(), FrameBytesElement("new"));
  stream->WritesDone();
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(StreamInferTest, WhatAClientLeavesIsFinished) {
  compute_.backend->HoldRuns(true);
  const auto stream = client_->stub().ModelStreamInfer(&context_);
  for (const char* text : {"a", "b", "c"}) ASSERT_TRUE(stream->Write(Request(text)));
  WaitForFlights(3);
  context_.TryCancel();
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
  compute_.backend->HoldRuns(false);
  WaitForFlights(0);
}

TEST_F(StreamInferTest, TheDeadlineOfAStreamIsThatOfItsRequests) {
  compute_.backend->HoldRuns(true);
  context_.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(300));
  const auto stream = client_->stub().ModelStreamInfer(&context_);
  ASSERT_TRUE(stream->Write(Request("slow")));
  inference::ModelStreamInferResponse response;
  while (stream->Read(&response)) {
    EXPECT_THAT(response.error_message(), HasSubstr("deadline"));
  }
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  compute_.backend->HoldRuns(false);
  WaitForFlights(0);
}

TEST_F(StreamInferTest, NoMoreAreUnderWayThanTheLimit) {
  compute_.backend->HoldRuns(true);
  const auto stream = client_->stub().ModelStreamInfer(&context_);
  constexpr int kRequests = 500;
  constexpr uint64_t kLimit = 64;
  std::thread writer([&] {
    for (int i = 0; i < kRequests; ++i) ASSERT_TRUE(stream->Write(Request(std::to_string(i))));
    stream->WritesDone();
  });
  WaitForFlights(kLimit);
  compute_.backend->HoldRuns(false);
  int answers = 0;
  inference::ModelStreamInferResponse response;
  while (stream->Read(&response)) {
    ++answers;
    EXPECT_LE(Flights().in_progress(), kLimit);
  }
  writer.join();
  EXPECT_EQ(answers, kRequests);
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(StreamInferTest, AStopEndsAStreamThatIsIdle) {
  const auto stream = client_->stub().ModelStreamInfer(&context_);
  ASSERT_TRUE(stream->Write(Request("known")));
  inference::ModelStreamInferResponse response;
  ASSERT_TRUE(stream->Read(&response));
  gateway_->Stop();
  EXPECT_FALSE(stream->Read(&response));
  const grpc::Status status = stream->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(status.error_message(), "the gateway is stopping");
}

TEST_F(StreamInferTest, AStopWaitsForWhatIsUnderWayAndThenEndsTheStream) {
  compute_.backend->HoldRuns(true);
  const auto stream = client_->stub().ModelStreamInfer(&context_);
  ASSERT_TRUE(stream->Write(Request("slow")));
  compute_.backend->WaitForRuns(2);
  std::thread stopper([&] { gateway_->Stop(); });
  // The gateway is stopping when a request is refused.
  inference::ModelInferResponse known;
  while (client_->Infer(Request("known"), &known).ok()) {
  }
  compute_.backend->HoldRuns(false);
  inference::ModelStreamInferResponse response;
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_EQ(response.infer_response().id(), "id of slow");
  EXPECT_EQ(response.error_message(), "");
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  stopper.join();
}

TEST_F(StreamInferTest, ATenantThatIsNotTrustedIsToldToBeIgnored) {
  context_.AddMetadata("souvenir-tenant", "acme");
  const auto stream = client_->stub().ModelStreamInfer(&context_);
  stream->WritesDone();
  EXPECT_TRUE(stream->Finish().ok());
  const auto& told = context_.GetServerInitialMetadata();
  ASSERT_EQ(told.count("souvenir-tenant"), 1u);
  EXPECT_EQ(told.find("souvenir-tenant")->second, "ignored");
}

TEST_F(StreamInferTest, MetadataThatMakesNoSenseEndsTheStreamAtOnce) {
  context_.AddMetadata("cache-control", "max-age=soon");
  const auto stream = client_->stub().ModelStreamInfer(&context_);
  inference::ModelStreamInferResponse response;
  EXPECT_FALSE(stream->Read(&response));
  const grpc::Status status = stream->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("max-age"));
}

}  // namespace
}  // namespace souvenir
