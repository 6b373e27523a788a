// The gateway before two real compute services, which come, go and differ.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/souvenir_names.h"
#include "gateway/gateway.h"
#include "tests/integration/compute_client.h"
#include "tests/integration/test_compute.h"

namespace souvenir {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

using compute::EchoRequest;

class EndpointsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (TestCompute& server : servers_) server.Start();
    StartGateway();
  }

  void TearDown() override {
    for (TestCompute& server : servers_) {
      if (server.backend != nullptr) server.backend->HoldRuns(false);
    }
    client_.reset();
    gateway_.reset();
  }

  void StartGateway() {
    config::v1::GatewayConfig config;
    config.set_listen_address("127.0.0.1:0");
    config.set_admin_address("127.0.0.1:0");
    config.set_metrics_address("");
    for (const TestCompute& server : servers_) {
      config.add_compute_addresses(server.address());
      config.mutable_upstream()->add_admin_addresses(server.admin_address());
    }
    config.mutable_upstream()->set_poll_interval_ms(20);
    config.set_drain_timeout_seconds(0);
    auto gateway = gateway::Gateway::Create(config, {});
    ASSERT_TRUE(gateway.ok()) << gateway.status();
    gateway_ = *std::move(gateway);
    client_ = std::make_unique<compute::ComputeClient>(gateway_->port());
    // The gateway knows both once it has asked both. ctest bounds this wait, like all waits here.
    for (size_t i = 0; i < servers_.size(); ++i) {
      WaitUntil([&] { return AskNew().ok() && servers_[i].backend->runs() > 0; });
    }
  }

  template <typename Condition>
  static void WaitUntil(const Condition& condition) {
    while (!condition()) std::this_thread::yield();
  }

  // Asks a question that was never asked before. `digest_` gets the digest of the model that
  // answered.
  grpc::Status AskNew(const std::string& model = "echo") {
    inference::ModelInferRequest request = EchoRequest({"text " + std::to_string(++texts_)});
    request.set_model_name(model);
    inference::ModelInferResponse response;
    const grpc::Status status = client_->Infer(request, &response);
    if (status.ok()) digest_ = response.parameters().at(kDigestName).string_param();
    return status;
  }
  std::future<grpc::Status> AskNewLater() {
    return client_->InferLater(EchoRequest({"text " + std::to_string(++texts_)}));
  }
  std::string NewDigest() {
    const grpc::Status status = AskNew();
    EXPECT_TRUE(status.ok()) << status.error_message();
    return digest_;
  }

  // Returns the digest in the gateway's catalog.
  std::string CatalogDigest() {
    grpc::ClientContext context;
    inference::ModelMetadataRequest request;
    request.set_name("echo");
    inference::ModelMetadataResponse response;
    EXPECT_TRUE(client_->stub().ModelMetadata(&context, request, &response).ok());
    return response.properties().at(kDigestName);
  }

  std::array<TestCompute, 2> servers_;
  std::unique_ptr<gateway::Gateway> gateway_;
  std::unique_ptr<compute::ComputeClient> client_;
  std::atomic<int> texts_{0};
  std::string digest_;
};

TEST_F(EndpointsTest, WhatComesAtOnceIsSpreadEvenly) {
  for (TestCompute& server : servers_) server.backend->HoldRuns(true);
  // Two calls may always be under way. How many more depends on which server answered first when
  // the model was asked for the first time.
  for (int round = 0; round < 5; ++round) {
    std::array<int, 2> before{};
    for (size_t i = 0; i < 2; ++i) before[i] = servers_[i].backend->runs();
    std::vector<std::future<grpc::Status>> calls;
    for (int i = 0; i < 2; ++i) calls.push_back(AskNewLater());
    for (size_t i = 0; i < 2; ++i) servers_[i].backend->WaitForRuns(before[i] + 1);
    for (TestCompute& server : servers_) server.backend->HoldRuns(false);
    for (auto& call : calls) EXPECT_TRUE(call.get().ok());
    for (TestCompute& server : servers_) server.backend->HoldRuns(true);
  }
}

TEST_F(EndpointsTest, NoCallFailsWhileOneGoesAndComesBack) {
  std::atomic<bool> enough{false};
  std::atomic<int> asked{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      while (!enough) {
        const grpc::Status status = AskNewLater().get();
        EXPECT_TRUE(status.ok()) << status.error_message();
        ++asked;
      }
    });
  }
  const auto ask_more = [&](int more) {
    const int until = asked + more;
    WaitUntil([&] { return asked >= until; });
  };
  ask_more(50);
  servers_[0].Stop();
  ask_more(100);
  servers_[0].Start("engine 1");
  WaitUntil([&] { return servers_[0].backend->runs() >= 10; });
  enough = true;
  for (std::thread& caller : callers) caller.join();
}

TEST_F(EndpointsTest, ACallThatKillsAWorkerIsMadeAtTheOther) {
  servers_[0].backend->SetRunStatus(absl::UnavailableError("the worker died"));
  for (int i = 0; i < 20; ++i) {
    const grpc::Status status = AskNew();
    EXPECT_TRUE(status.ok()) << status.error_message();
  }
}

TEST_F(EndpointsTest, CallsThatKillWorkersEverywhereTakeNoServiceFromOthers) {
  for (TestCompute& server : servers_) {
    server.backend->SetRunStatus(absl::UnavailableError("the worker died"));
  }
  for (int i = 0; i < 10; ++i) {
    const grpc::Status status = AskNew();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
    EXPECT_THAT(status.error_message(), HasSubstr("the worker died"));
  }
  // Neither is left alone, so both are asked as soon as their models work.
  std::array<int, 2> before{};
  for (size_t i = 0; i < 2; ++i) {
    servers_[i].backend->SetRunStatus(absl::OkStatus());
    before[i] = servers_[i].backend->runs();
  }
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(AskNew().ok());
  for (size_t i = 0; i < 2; ++i) EXPECT_GT(servers_[i].backend->runs(), before[i]) << i;
}

TEST_F(EndpointsTest, ReplicasAreReplacedOneAfterTheOther) {
  const std::string old = NewDigest();
  servers_[1].Stop();
  servers_[1].Start("engine 2");
  WaitUntil([&] { return CatalogDigest() != old; });
  const std::string renewed = CatalogDigest();
  const int runs = servers_[0].backend->runs();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(NewDigest(), renewed);
  EXPECT_EQ(servers_[0].backend->runs(), runs) << "only the one that has the new digest is asked";
  servers_[0].Stop();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(NewDigest(), renewed);
  servers_[0].Start("engine 2");
  WaitUntil([&] { return NewDigest() == renewed && servers_[0].backend->runs() > 0; });
}

TEST_F(EndpointsTest, WithAllAwayHitsAreServedAndMissesFailAtOnceAndNameAll) {
  const auto known = EchoRequest({"known"});
  inference::ModelInferResponse response;
  ASSERT_TRUE(client_->Infer(known, &response).ok());
  servers_[0].Stop();
  servers_[1].Stop();
  EXPECT_TRUE(client_->Infer(known, &response).ok());
  grpc::Status status = AskNew();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  // The error is this one once the gateway knows that both are away.
  WaitUntil([&] {
    status = AskNew();
    return status.error_message().find("none of 2 compute services answers") != std::string::npos;
  });
  EXPECT_THAT(status.error_message(), Not(HasSubstr("127.0.0.1")));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  inference::ServerReadyResponse ready;
  grpc::ClientContext context;
  ASSERT_TRUE(client_->stub().ServerReady(&context, {}, &ready).ok());
  EXPECT_TRUE(ready.ready()) << "for what it remembers";
}

TEST_F(EndpointsTest, AModelIsAskedWhereItIs) {
  servers_[1].Stop();
  servers_[1].Start("engine 1", {"other"});
  WaitUntil([&] { return AskNew("other").ok(); });
  const int runs = servers_[0].backend->runs();
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(AskNew("other").ok());
  EXPECT_EQ(servers_[0].backend->runs(), runs);
}

TEST_F(EndpointsTest, LoadingIsPassedOnToAll) {
  compute::ComputeClient admin(gateway_->admin_port());
  const auto load = [&](const std::string& model) {
    grpc::ClientContext context;
    inference::RepositoryModelLoadRequest request;
    request.set_model_name(model);
    inference::RepositoryModelLoadResponse response;
    return admin.stub().RepositoryModelLoad(&context, request, &response);
  };
  const std::array<int, 2> before = {servers_[0].backend->loads(), servers_[1].backend->loads()};
  const grpc::Status status = load("echo");
  EXPECT_TRUE(status.ok()) << status.error_message();
  for (size_t i = 0; i < 2; ++i) EXPECT_GT(servers_[i].backend->loads(), before[i]) << i;
  servers_[1].Stop();
  servers_[1].Start("engine 1", {"other"});
  const grpc::Status partly = load("other");
  EXPECT_THAT(partly.error_message(), AllOf(HasSubstr("1 of 2 compute services have done it"),
                                            Not(HasSubstr(servers_[0].admin_address()))));
}

TEST_F(EndpointsTest, StatisticsAreOfAll) {
  grpc::ClientContext context;
  inference::ModelStatisticsRequest request;
  request.set_name("echo");
  inference::ModelStatisticsResponse response;
  const grpc::Status status = client_->stub().ModelStatistics(&context, request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(response.model_stats_size(), 1);
  EXPECT_EQ(static_cast<int>(response.model_stats(0).inference_count()),
            servers_[0].backend->runs() + servers_[1].backend->runs());
}

}  // namespace
}  // namespace souvenir
