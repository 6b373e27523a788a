// The gateway over real channels, before a real compute service whose backend tests can hold up.

#include "gateway/gateway.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/mutex.h"
#include "common/tensor/bytes_elements.h"
#include "compute-service/compute_service.h"
#include "inference/grpc_service.grpc.pb.h"
#include "souvenir/v1/cache.grpc.pb.h"
#include "souvenir/v1/stats.grpc.pb.h"
#include "souvenir/v1/translation.grpc.pb.h"
#include "tests/fakes/fake_backend.h"
#include "tests/fakes/http_get.h"
#include "tests/unit/cache/test_entries.h"

namespace souvenir {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Returns a model that "translates" by giving the text back, with the interface of a translation
// model.
compute::ModelDescription EchoTranslation(const std::string& name, const std::string& source,
                                          const std::string& target) {
  compute::ModelDescription description;
  description.config = compute::EchoConfig(name);
  description.config.mutable_output(0)->set_name("translation");
  description.config.mutable_response_cache()->set_enable(true);
  auto& parameters = *description.config.mutable_parameters();
  parameters["row_exact"].set_string_value("true");
  parameters["task"].set_string_value("translation");
  parameters["source_language"].set_string_value(source);
  parameters["target_language"].set_string_value(target);
  return description;
}

class GatewayTest : public ::testing::Test {
 protected:
  void SetUp() override {
    StartCompute(0);
    StartGateway();
    WaitForModels();
  }

  void TearDown() override {
    if (backend_ != nullptr) backend_->HoldRuns(false);
    gateway_.reset();
    compute_.reset();
  }

  void StartCompute(int port) {
    config::v1::ComputeConfig config;
    config.set_listen_address("127.0.0.1:" + std::to_string(port));
    config.set_admin_address("127.0.0.1:0");
    config.set_metrics_address("");
    config.set_model_repository("");
    config.mutable_pool()->set_instances(2);
    auto backend = std::make_unique<compute::FakeBackend>();
    backend_ = backend.get();
    backend->Offer(EchoTranslation("fake-en-es", "en", "es"));
    backend->Offer(EchoTranslation("fake-en-gl", "en", "gl"));
    backend->SetDigest(digest_);
    std::vector<std::unique_ptr<compute::Backend>> backends;
    backends.push_back(std::move(backend));
    auto service = compute::ComputeService::Create(config, std::move(backends));
    ASSERT_TRUE(service.ok()) << service.status();
    compute_ = *std::move(service);
    compute_port_ = compute_->port();
  }

  void StopCompute() {
    compute_.reset();
    backend_ = nullptr;
  }

  void StartGateway() {
    gateway_.reset();
    config::v1::GatewayConfig config;
    config.set_listen_address("127.0.0.1:0");
    config.set_admin_address("127.0.0.1:0");
    config.set_metrics_address("127.0.0.1:0");
    config.set_compute_address("127.0.0.1:" + std::to_string(compute_port_));
    config.mutable_upstream()->set_admin_address("127.0.0.1:" +
                                                 std::to_string(compute_->admin_port()));
    config.mutable_upstream()->set_poll_interval_ms(20);
    config.set_drain_timeout_seconds(drain_seconds_);
    config.mutable_disk()->set_directory(directory_.path());
    config.mutable_disk()->set_limit_bytes(16u << 20);
    if (snapshot_idle_ms_ > 0) {
      config.mutable_snapshots()->set_max_streams(1);
      config.mutable_snapshots()->set_idle_timeout_ms(snapshot_idle_ms_);
    }
    auto gateway = gateway::Gateway::Create(config, {});
    ASSERT_TRUE(gateway.ok()) << gateway.status();
    gateway_ = *std::move(gateway);
    Connect();
  }

  void Connect() {
    const auto channel = grpc::CreateChannel("127.0.0.1:" + std::to_string(gateway_->port()),
                                             grpc::InsecureChannelCredentials());
    const auto admin = grpc::CreateChannel("127.0.0.1:" + std::to_string(gateway_->admin_port()),
                                           grpc::InsecureChannelCredentials());
    translation_ = v1::TranslationService::NewStub(channel);
    inference_ = inference::GRPCInferenceService::NewStub(channel);
    admin_inference_ = inference::GRPCInferenceService::NewStub(admin);
    stats_ = v1::StatsService::NewStub(channel);
    cache_ = v1::CacheService::NewStub(admin);
  }

  // Returns the number of the line of the metrics page that begins with `line`; 0 if there is none.
  double Metric(const std::string& line) {
    const std::string page = HttpGet(gateway_->metrics_port(), "/metrics");
    const size_t at = page.find("\n" + line + " ");
    return at == std::string::npos ? 0 : std::stod(page.substr(at + line.size() + 2));
  }
  void WaitForMetric(const std::string& line, double value) {
    while (Metric(line) != value) std::this_thread::yield();
  }

  // Waits until the gateway, which polls on a thread of its own, knows the models. ctest bounds the
  // wait.
  void WaitForModels() {
    for (;;) {
      grpc::ClientContext context;
      v1::ListLanguagesResponse languages;
      ASSERT_TRUE(translation_->ListLanguages(&context, {}, &languages).ok());
      if (languages.pairs_size() == 2) return;
      std::this_thread::yield();
    }
  }

  v1::TranslateResponse Translate(const std::string& text, const std::vector<std::string>& targets,
                                  grpc::Status* status = nullptr) {
    grpc::ClientContext context;
    v1::TranslateRequest request;
    request.set_text(text);
    request.set_source_language("en");
    for (const std::string& target : targets) request.add_target_languages(target);
    v1::TranslateResponse response;
    const grpc::Status ended = translation_->Translate(&context, request, &response);
    if (status != nullptr) {
      *status = ended;
    } else {
      EXPECT_TRUE(ended.ok()) << ended.error_message();
    }
    return response;
  }

  // Replaces the gateway by one without data.
  void StartEmptyGateway() {
    gateway_.reset();
    std::filesystem::remove_all(directory_.path());
    StartGateway();
  }

  std::string Export() {
    grpc::ClientContext context;
    const auto reader = cache_->Export(&context, {});
    std::string bytes;
    for (v1::ExportResponse response; reader->Read(&response);) bytes += response.data();
    const grpc::Status status = reader->Finish();
    EXPECT_TRUE(status.ok()) << status.error_message();
    return bytes;
  }

  grpc::Status Import(const std::string& snapshot, v1::ImportResponse* response) {
    grpc::ClientContext context;
    const auto writer = cache_->Import(&context, response);
    v1::ImportRequest request;
    for (size_t at = 0; at < snapshot.size(); at += 100) {
      request.set_data(snapshot.substr(at, 100));
      if (!writer->Write(request)) break;
    }
    writer->WritesDone();
    return writer->Finish();
  }

  v1::CacheKind KindOf(const std::string& text) {
    return Translate(text, {"es"}).translations(0).provenance().kind();
  }

  uint32_t drain_seconds_ = 30;
  uint32_t snapshot_idle_ms_ = 0;  // 0: the default
  std::string digest_ = "engine 1";
  TemporaryDirectory directory_;
  int compute_port_ = 0;
  compute::FakeBackend* backend_ = nullptr;  // owned by the compute service
  std::unique_ptr<compute::ComputeService> compute_;
  std::unique_ptr<gateway::Gateway> gateway_;
  std::unique_ptr<v1::TranslationService::Stub> translation_;
  std::unique_ptr<inference::GRPCInferenceService::Stub> inference_;
  std::unique_ptr<inference::GRPCInferenceService::Stub> admin_inference_;
  std::unique_ptr<v1::StatsService::Stub> stats_;
  std::unique_ptr<v1::CacheService::Stub> cache_;
};

TEST_F(GatewayTest, AStopEndsAnImportWhoseCallerIsIdle) {
  StartGateway();
  WaitForModels();
  grpc::ClientContext context;
  v1::ImportResponse response;
  const auto silent = cache_->Import(&context, &response);
  Export();  // on the same connection: when it ends, the import has begun
  gateway_->Stop();
  const grpc::Status status = silent->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(status.error_message(), HasSubstr("the gateway is stopping; 0 entries"));
}

TEST_F(GatewayTest, AnImportOrExportWhoseCallerIsIdleFreesItsThread) {
  snapshot_idle_ms_ = 50;
  StartGateway();
  WaitForModels();
  {
    grpc::ClientContext context;
    v1::ImportResponse response;
    const auto silent = cache_->Import(&context, &response);
    const grpc::Status status = silent->Finish();  // without WritesDone()
    EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
    EXPECT_THAT(status.error_message(), HasSubstr("the caller was idle for 50ms"));
  }
  {
    // A caller that sends next to nothing is as good as idle.
    grpc::ClientContext context;
    v1::ImportResponse response;
    const auto trickling = cache_->Import(&context, &response);
    v1::ImportRequest request;
    request.set_data("s");  // a snapshot begins so
    while (trickling->Write(request)) request.clear_data();
    const grpc::Status status = trickling->Finish();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  }
  for (int i = 0; i < 40; ++i)
    KindOf(std::string(60'000, static_cast<char>('a' + i % 26)) + std::to_string(i));
  {
    // The export is larger than what this connection takes before the client reads.
    grpc::ChannelArguments small_window;
    small_window.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 64 << 10);
    small_window.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
    const auto stub = v1::CacheService::NewStub(
        grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(gateway_->admin_port()),
                                  grpc::InsecureChannelCredentials(), small_window));
    grpc::ClientContext context;
    const auto stalled = stub->Export(&context, {});
    v1::ExportResponse response;
    ASSERT_TRUE(stalled->Read(&response));
    const std::string snapshot = Export();  // waits until the thread is free
    EXPECT_GT(snapshot.size(), 40u * 60'000);
    while (stalled->Read(&response)) {
    }
    EXPECT_FALSE(stalled->Finish().ok());
  }
}

TEST_F(GatewayTest, MissesThenHitsThenPartialHitsThenDiskHits) {
  EXPECT_EQ(KindOf("hello"), v1::CACHE_KIND_MISS);
  EXPECT_EQ(KindOf("hello"), v1::CACHE_KIND_MEMORY);
  const auto both = Translate("hello", {"gl", "es"});
  ASSERT_EQ(both.translations_size(), 2);
  EXPECT_EQ(both.translations(0).target_language(), "gl");
  EXPECT_EQ(both.translations(0).provenance().kind(), v1::CACHE_KIND_MISS);
  EXPECT_EQ(both.translations(1).provenance().kind(), v1::CACHE_KIND_MEMORY);
  EXPECT_EQ(both.translations(1).text(), "hello");
  EXPECT_EQ(both.translations(1).provenance().compute_time().nanos(), 3'000'000);
  EXPECT_EQ(backend_->runs(), 2);
  StartGateway();
  EXPECT_EQ(KindOf("hello"), v1::CACHE_KIND_DISK);
  EXPECT_EQ(KindOf("hello"), v1::CACHE_KIND_MEMORY);
}

TEST_F(GatewayTest, ASnapshotWarmsAnEmptyGateway) {
  ASSERT_EQ(KindOf("hello"), v1::CACHE_KIND_MISS);
  ASSERT_EQ(KindOf("again"), v1::CACHE_KIND_MISS);
  const std::string snapshot = Export();
  StartEmptyGateway();
  v1::ImportResponse response;
  ASSERT_TRUE(Import(snapshot, &response).ok());
  EXPECT_EQ(response.entries(), 2u);
  EXPECT_EQ(response.taken(), 2u);
  WaitForModels();
  EXPECT_EQ(KindOf("hello"), v1::CACHE_KIND_MEMORY);
  EXPECT_EQ(KindOf("again"), v1::CACHE_KIND_MEMORY);
  EXPECT_EQ(backend_->runs(), 2);
  ASSERT_TRUE(Import(snapshot, &response).ok());
  EXPECT_EQ(response.taken(), 0u) << "all of it is known already";
  StartGateway();
  EXPECT_EQ(KindOf("hello"), v1::CACHE_KIND_DISK);
}

TEST_F(GatewayTest, ADamagedSnapshotIsRefusedAndWhatCameBeforeStays) {
  ASSERT_EQ(KindOf("hello"), v1::CACHE_KIND_MISS);
  std::string snapshot = Export();
  StartEmptyGateway();
  v1::ImportResponse response;
  const grpc::Status cut_off = Import(snapshot.substr(0, snapshot.size() - 3), &response);
  EXPECT_EQ(cut_off.error_code(), grpc::StatusCode::DATA_LOSS);
  EXPECT_THAT(cut_off.error_message(), HasSubstr("cut off after byte"));
  EXPECT_THAT(cut_off.error_message(), HasSubstr("; 1 entries before that were imported"));
  WaitForModels();
  EXPECT_EQ(KindOf("hello"), v1::CACHE_KIND_MEMORY);
}

TEST_F(GatewayTest, WithComputeAwayHitsAreServedAfterARestartAndMissesAreRefusedAtOnce) {
  ASSERT_EQ(KindOf("known"), v1::CACHE_KIND_MISS);
  StopCompute();
  EXPECT_EQ(KindOf("known"), v1::CACHE_KIND_MEMORY);
  gateway_.reset();
  StartCompute(0);  // for its ports; it is stopped below
  StartGateway();
  StopCompute();
  EXPECT_EQ(KindOf("known"), v1::CACHE_KIND_DISK);
  grpc::Status status;
  Translate("new", {"es"}, &status);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(status.error_message(), "compute cannot be reached");
  const auto mixed = Translate("known", {"es", "gl"});
  EXPECT_EQ(mixed.translations(0).text(), "known");
  EXPECT_EQ(mixed.translations(1).status().code(), grpc::StatusCode::UNAVAILABLE)
      << mixed.translations(1).status().message();
}

TEST_F(GatewayTest, TargetsAreComputedInParallel) {
  backend_->HoldRuns(true);
  std::thread caller([&] { EXPECT_EQ(Translate("hello", {"es", "gl"}).translations_size(), 2); });
  backend_->WaitForRuns(2);  // both run before either ends
  backend_->HoldRuns(false);
  caller.join();
  EXPECT_EQ(backend_->most_running(), 2);
}

TEST_F(GatewayTest, StreamedTargetsComeAsTheyAreReadyRememberedOnesFirst) {
  ASSERT_EQ(KindOf("hello"), v1::CACHE_KIND_MISS);
  backend_->HoldRuns(true);
  grpc::ClientContext context;
  v1::TranslateRequest request;
  request.set_text("hello");
  request.set_source_language("en");
  for (const char* target : {"gl", "es", "xx"}) request.add_target_languages(target);
  const auto reader = translation_->StreamTranslate(&context, request);
  v1::Translation first;
  v1::Translation second;
  v1::Translation third;
  ASSERT_TRUE(reader->Read(&first));
  EXPECT_EQ(first.target_language(), "xx");
  EXPECT_EQ(first.status().code(), grpc::StatusCode::NOT_FOUND);
  ASSERT_TRUE(reader->Read(&second));
  EXPECT_EQ(second.target_language(), "es");
  backend_->HoldRuns(false);
  ASSERT_TRUE(reader->Read(&third));
  EXPECT_EQ(third.target_language(), "gl");
  EXPECT_EQ(third.text(), "hello");
  EXPECT_FALSE(reader->Read(&third));
  EXPECT_TRUE(reader->Finish().ok());
}

TEST_F(GatewayTest, ManyAtOnceAreComputedOnce) {
  backend_->HoldRuns(true);
  std::vector<std::thread> callers;
  std::atomic<int> misses{0};
  std::atomic<int> joined{0};
  for (int i = 0; i < 40; ++i) {
    callers.emplace_back([&] {
      const auto kind = KindOf("the same");
      if (kind == v1::CACHE_KIND_MISS) ++misses;
      if (kind == v1::CACHE_KIND_COALESCED) ++joined;
    });
  }
  for (;;) {  // until all calls wait for the one that runs
    grpc::ClientContext context;
    v1::GetStatsResponse stats;
    ASSERT_TRUE(stats_->GetStats(&context, {}, &stats).ok());
    if (stats.flights().joined() == 39) break;
    std::this_thread::yield();
  }
  backend_->HoldRuns(false);
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(misses, 1);
  EXPECT_EQ(joined, 39);
  EXPECT_EQ(backend_->runs(), 1);
}

TEST_F(GatewayTest, WhatACallerLeavesIsFinishedAndRemembered) {
  backend_->HoldRuns(true);
  v1::TranslateRequest request;
  request.set_text("slow");
  request.set_source_language("en");
  request.add_target_languages("es");
  grpc::ClientContext context;
  std::thread caller([&] {
    v1::TranslateResponse response;
    EXPECT_EQ(translation_->Translate(&context, request, &response).error_code(),
              grpc::StatusCode::CANCELLED);
  });
  backend_->WaitForRuns(1);
  context.TryCancel();
  caller.join();
  backend_->HoldRuns(false);
  for (;;) {
    grpc::ClientContext stats_context;
    v1::GetStatsResponse stats;
    ASSERT_TRUE(stats_->GetStats(&stats_context, {}, &stats).ok());
    if (stats.flights().in_progress() == 0) break;
    std::this_thread::yield();
  }
  grpc::ClientContext again;
  v1::TranslateResponse response;
  ASSERT_TRUE(translation_->Translate(&again, request, &response).ok());
  EXPECT_EQ(response.translations(0).provenance().kind(), v1::CACHE_KIND_MEMORY);
  EXPECT_EQ(backend_->runs(), 1);
}

TEST_F(GatewayTest, ADeadlineCountsAsSuchHoweverTheCallerGoes) {
  backend_->HoldRuns(true);
  constexpr int kCalls = 20;
  for (int i = 0; i < kCalls; ++i) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(30 + i));
    v1::TranslateRequest request;
    request.set_text("slow");
    request.set_source_language("en");
    request.add_target_languages("es");
    v1::TranslateResponse response;
    EXPECT_EQ(translation_->Translate(&context, request, &response).error_code(),
              grpc::StatusCode::DEADLINE_EXCEEDED);
  }
  for (const char* name : {"request_seconds_count", "answers_total"}) {
    WaitForMetric(std::string("souvenir_gateway_") + name +
                      "{method=\"Translate\",code=\"DEADLINE_EXCEEDED\"}",
                  kCalls);
  }
  EXPECT_EQ(Metric("souvenir_gateway_request_seconds_count{method=\"Translate\",code="
                   "\"CANCELLED\"}"),
            0);
  // A stream learns of its deadline on another path. A stream that the client cancels is CANCELLED.
  {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(30));
    v1::TranslateRequest request;
    request.set_text("slow");
    request.set_source_language("en");
    request.add_target_languages("es");
    const auto reader = translation_->StreamTranslate(&context, request);
    v1::Translation translation;
    while (reader->Read(&translation)) {
    }
    EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  }
  WaitForMetric(
      "souvenir_gateway_request_seconds_count{method=\"StreamTranslate\",code=\"DEADLINE_EXCEEDED"
      "\"}",
      1);
  {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::hours(1));
    v1::TranslateRequest request;
    request.set_text("slow");
    request.set_source_language("en");
    request.add_target_languages("es");
    const auto reader = translation_->StreamTranslate(&context, request);
    context.TryCancel();
    v1::Translation translation;
    while (reader->Read(&translation)) {
    }
    EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
  {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(50));
    const auto stream = inference_->ModelStreamInfer(&context);
    inference::ModelInferRequest request;
    request.set_model_name("fake-en-es");
    auto* const input = request.add_inputs();
    input->set_name("text");
    input->set_datatype("BYTES");
    input->add_shape(1);
    input->add_shape(1);
    AppendBytesElement("slow", request.add_raw_input_contents());
    ASSERT_TRUE(stream->Write(request));
    inference::ModelStreamInferResponse response;
    while (stream->Read(&response)) {
    }
    EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  }
  WaitForMetric(
      "souvenir_gateway_request_seconds_count{method=\"ModelStreamInfer\",code=\"DEADLINE_EXCEEDED"
      "\"}",
      1);
  backend_->HoldRuns(false);
}

TEST_F(GatewayTest, EachAnswerOfACallCountsByItsOwnStatus) {
  EXPECT_EQ(Translate("hello", {"es", "gl", "xx"}).translations_size(), 3);
  EXPECT_EQ(Metric("souvenir_gateway_answers_total{method=\"Translate\",code=\"OK\"}"), 2);
  EXPECT_EQ(Metric("souvenir_gateway_answers_total{method=\"Translate\",code=\"NOT_FOUND\"}"), 1);
  EXPECT_EQ(Metric("souvenir_gateway_request_seconds_count{method=\"Translate\",code=\"OK\"}"), 1);
  StopCompute();
  // Cached answers are served beside those that cannot be computed.
  ASSERT_EQ(KindOf("hello"), v1::CACHE_KIND_MEMORY);
  grpc::Status status;
  Translate("new", {"es", "gl"}, &status);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(Metric("souvenir_gateway_answers_total{method=\"Translate\",code=\"UNAVAILABLE\"}"), 2);
}

TEST_F(GatewayTest, ATenantThatIsNotTrustedIsToldToBeIgnored) {
  v1::TranslateRequest request;
  request.set_text("new");
  request.set_source_language("en");
  request.add_target_languages("es");
  for (const bool sends : {true, false}) {
    grpc::ClientContext context;
    if (sends) context.AddMetadata("souvenir-tenant", "acme");
    v1::TranslateResponse response;
    ASSERT_TRUE(translation_->Translate(&context, request, &response).ok());
    EXPECT_EQ(context.GetServerInitialMetadata().count("souvenir-tenant"), sends ? 1u : 0u);
    grpc::ClientContext stream_context;
    if (sends) stream_context.AddMetadata("souvenir-tenant", "acme");
    const auto reader = translation_->StreamTranslate(&stream_context, request);
    v1::Translation translation;
    while (reader->Read(&translation)) {
    }
    ASSERT_TRUE(reader->Finish().ok());
    EXPECT_EQ(stream_context.GetServerInitialMetadata().count("souvenir-tenant"), sends ? 1u : 0u);
  }
}

TEST_F(GatewayTest, AStreamThatIsRefusedIsLoggedUnderItsRequest) {
  testing::internal::CaptureStderr();
  StopCompute();
  grpc::ClientContext context;
  context.AddMetadata("x-request-id", "order-9");
  v1::TranslateRequest request;
  request.set_text("new");
  request.set_source_language("en");
  request.add_target_languages("es");
  const auto reader = translation_->StreamTranslate(&context, request);
  v1::Translation translation;
  while (reader->Read(&translation))
    EXPECT_THAT(translation.status().message(), Not(HasSubstr("127.")));
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  const std::string lines = testing::internal::GetCapturedStderr();
  EXPECT_THAT(lines, HasSubstr("StreamTranslate"));
  EXPECT_THAT(lines, HasSubstr("order-9"));
  EXPECT_THAT(lines, HasSubstr("compute at 127.0.0.1:")) << "the rest of what the caller was told";
}

TEST_F(GatewayTest, AModelThatIsNotThereIsNotReady) {
  for (const char* name : {"fake-en-es", "unknown", ""}) {
    grpc::ClientContext context;
    inference::ModelReadyRequest request;
    request.set_name(name);
    inference::ModelReadyResponse response;
    EXPECT_TRUE(inference_->ModelReady(&context, request, &response).ok()) << name;
    EXPECT_EQ(response.ready(), std::string(name) == "fake-en-es") << name;
  }
}

TEST_F(GatewayTest, StatisticsHaveWhatTheCacheSparedCompute) {
  for (int i = 0; i < 3; ++i) ASSERT_EQ(KindOf("text " + std::to_string(i)), v1::CACHE_KIND_MISS);
  for (int i = 0; i < 7; ++i) ASSERT_EQ(KindOf("text 0"), v1::CACHE_KIND_MEMORY);
  grpc::ClientContext context;
  inference::ModelStatisticsRequest request;
  request.set_name("fake-en-es");
  inference::ModelStatisticsResponse response;
  ASSERT_TRUE(inference_->ModelStatistics(&context, request, &response).ok());
  ASSERT_EQ(response.model_stats_size(), 1);
  const inference::InferStatistics& stats = response.model_stats(0).inference_stats();
  EXPECT_EQ(stats.cache_hit().count(), 7u);
  EXPECT_GT(stats.cache_hit().ns(), 0u);
  EXPECT_EQ(stats.cache_miss().count(), 3u);
  EXPECT_EQ(stats.success().count(), 10u);
  EXPECT_EQ(response.model_stats(0).inference_count(), 3u) << "it includes no hits, as in Triton";
}

TEST_F(GatewayTest, ALoadIsDoneWhenTheGatewayHasWhatWasLoaded) {
  ASSERT_EQ(KindOf("hello"), v1::CACHE_KIND_MISS);
  for (int i = 2; i < 6; ++i) {
    backend_->SetDigest("engine " + std::to_string(i));
    inference::RepositoryModelLoadRequest load;
    load.set_model_name("fake-en-es");
    inference::RepositoryModelLoadResponse loaded;
    grpc::ClientContext context;
    const grpc::Status status = admin_inference_->RepositoryModelLoad(&context, load, &loaded);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(KindOf("hello"), v1::CACHE_KIND_MISS) << "the former model's answer";
    EXPECT_EQ(KindOf("hello"), v1::CACHE_KIND_MEMORY);
  }
  inference::RepositoryModelUnloadRequest unload;
  unload.set_model_name("fake-en-es");
  inference::RepositoryModelUnloadResponse unloaded;
  grpc::ClientContext context;
  ASSERT_TRUE(admin_inference_->RepositoryModelUnload(&context, unload, &unloaded).ok());
  grpc::ClientContext ready_context;
  inference::ModelReadyRequest request;
  request.set_name("fake-en-es");
  inference::ModelReadyResponse response;
  ASSERT_TRUE(inference_->ModelReady(&ready_context, request, &response).ok());
  EXPECT_FALSE(response.ready());
}

TEST_F(GatewayTest, AnAdminAddressThatWasDerivedIsSaidToBe) {
  config::v1::GatewayConfig config;
  config.set_listen_address("127.0.0.1:0");
  config.set_admin_address("127.0.0.1:0");
  config.set_metrics_address("127.0.0.1:0");
  config.set_compute_address("127.0.0.1:1");  // nothing listens there, nor on port 3
  for (const bool given : {false, true}) {
    if (given) config.mutable_upstream()->set_admin_address("127.0.0.1:3");
    auto gateway = gateway::Gateway::Create(config, {});
    ASSERT_TRUE(gateway.ok()) << gateway.status();
    gateway_ = *std::move(gateway);
    Connect();
    inference::RepositoryModelLoadRequest load;
    load.set_model_name("m");
    inference::RepositoryModelLoadResponse loaded;
    grpc::ClientContext context;
    const grpc::Status status = admin_inference_->RepositoryModelLoad(&context, load, &loaded);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
    EXPECT_EQ(status.error_message(),
              given ? "compute cannot be reached"
                    : "compute cannot be reached; its admin address was not given, and is that of "
                      "compute with a port that is 2 higher; upstream.admin_address sets another");
  }
}

TEST_F(GatewayTest, AModelThatWasUnloadedIsNotServedFromTheCacheEither) {
  ASSERT_EQ(KindOf("hello"), v1::CACHE_KIND_MISS);
  ASSERT_EQ(KindOf("hello"), v1::CACHE_KIND_MEMORY);
  {
    inference::RepositoryModelUnloadRequest unload;
    unload.set_model_name("fake-en-es");
    inference::RepositoryModelUnloadResponse unloaded;
    grpc::ClientContext context;
    ASSERT_TRUE(admin_inference_->RepositoryModelUnload(&context, unload, &unloaded).ok());
  }
  grpc::Status status;
  Translate("hello", {"es"}, &status);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(status.error_message(),
            "model 'fake-en-es' is unloaded; `souvenir models load fake-en-es` loads it again");
  {
    inference::RepositoryModelLoadRequest load;
    load.set_model_name("fake-en-es");
    inference::RepositoryModelLoadResponse loaded;
    grpc::ClientContext context;
    ASSERT_TRUE(admin_inference_->RepositoryModelLoad(&context, load, &loaded).ok());
  }
  EXPECT_EQ(KindOf("hello"), v1::CACHE_KIND_MEMORY) << "what is remembered was kept";
  // A stop of compute is not an unload: cached answers are served.
  StopCompute();
  EXPECT_EQ(KindOf("hello"), v1::CACHE_KIND_MEMORY);
}

TEST_F(GatewayTest, AModelThatIsReplacedAnswersAnewWithoutAnyCall) {
  ASSERT_EQ(KindOf("hello"), v1::CACHE_KIND_MISS);
  const int port = compute_port_;
  StopCompute();
  digest_ = "engine 2";
  StartCompute(port);
  for (;;) {  // until a poll or an answer has brought the new digest
    grpc::Status status;
    const auto response = Translate("hello", {"es"}, &status);
    ASSERT_TRUE(status.ok()) << status.error_message();
    if (response.translations(0).provenance().kind() == v1::CACHE_KIND_MISS) break;
    std::this_thread::yield();
  }
  EXPECT_EQ(KindOf("hello"), v1::CACHE_KIND_MEMORY);
  EXPECT_EQ(backend_->runs(), 1);
}

TEST_F(GatewayTest, InvalidationHoldsAcrossARestart) {
  ASSERT_EQ(KindOf("hello"), v1::CACHE_KIND_MISS);
  const std::string key = Translate("hello", {"es"}).translations(0).provenance().key();
  grpc::ClientContext get_context;
  v1::GetEntryRequest get;
  get.set_key(key);
  v1::GetEntryResponse entry;
  ASSERT_TRUE(cache_->GetEntry(&get_context, get, &entry).ok());
  EXPECT_EQ(entry.model(), "fake-en-es");
  EXPECT_TRUE(entry.value().empty());

  grpc::ClientContext context;
  v1::InvalidateRequest request;
  request.set_key(key);
  v1::InvalidateResponse response;
  ASSERT_TRUE(cache_->Invalidate(&context, request, &response).ok());
  grpc::ClientContext again;
  EXPECT_EQ(cache_->GetEntry(&again, get, &entry).error_code(), grpc::StatusCode::NOT_FOUND);
  StartGateway();
  EXPECT_EQ(KindOf("hello"), v1::CACHE_KIND_MISS);
}

TEST_F(GatewayTest, AnInvalidationSaysWhetherAnythingMatched) {
  const auto match = [&](const std::function<void(v1::InvalidateRequest*)>& set) {
    grpc::ClientContext context;
    v1::InvalidateRequest request;
    set(&request);
    v1::InvalidateResponse response;
    EXPECT_TRUE(cache_->Invalidate(&context, request, &response).ok());
    return response.match();
  };
  const std::string key = Translate("Hello", {"es"}).translations(0).provenance().key();
  EXPECT_EQ(match([&](auto* request) { request->set_key(key); }), v1::INVALIDATE_MATCH_FOUND);
  EXPECT_EQ(match([&](auto* request) { request->set_key(key); }), v1::INVALIDATE_MATCH_NOTHING);
  EXPECT_EQ(match([](auto* request) { request->set_model("fake-en-es"); }),
            v1::INVALIDATE_MATCH_FOUND);
  EXPECT_EQ(match([](auto* request) { request->set_model("fake-en-se"); }),
            v1::INVALIDATE_MATCH_NOTHING);
  EXPECT_EQ(match([](auto* request) { request->set_tag("any"); }),
            v1::INVALIDATE_MATCH_UNSPECIFIED);
  EXPECT_EQ(match([](auto* request) { request->set_tenant(""); }), v1::INVALIDATE_MATCH_FOUND);
  EXPECT_EQ(match([](auto* request) { request->set_tenant("acme"); }),
            v1::INVALIDATE_MATCH_NOTHING);
  EXPECT_EQ(match([](auto* request) { request->set_all(true); }), v1::INVALIDATE_MATCH_FOUND);
}

TEST_F(GatewayTest, AnInvalidationOfWhatNoRequestCanHaveIsRefused) {
  const auto refused = [&](const std::function<void(v1::InvalidateRequest*)>& set) {
    grpc::ClientContext context;
    v1::InvalidateRequest request;
    set(&request);
    v1::InvalidateResponse response;
    const grpc::Status status = cache_->Invalidate(&context, request, &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    return status.error_message();
  };
  EXPECT_EQ(refused([](auto* request) { request->set_tag(""); }),
            "tag: a name of 0 bytes came, 1 to 256 are expected");
  EXPECT_THAT(refused([](auto* request) { request->set_tag("a,b"); }),
              HasSubstr("tag: 'a,b' came"));
  EXPECT_EQ(refused([](auto* request) { request->set_tag(std::string(300, 'x')); }),
            "tag: a name of 300 bytes came, 1 to 256 are expected");
  EXPECT_EQ(refused([](auto* request) { request->set_tenant(std::string(300, 'x')); }),
            "tenant: a name of 300 bytes came, 1 to 256 are expected");
  EXPECT_EQ(refused([](auto* request) { request->set_model(""); }),
            "model: the name is empty; a name of 1 to 255 bytes without control characters is "
            "expected");
}

TEST_F(GatewayTest, BatchesOfAnyMixAreTheSameBytesAsUncachedOnes) {
  const auto direct = inference::GRPCInferenceService::NewStub(grpc::CreateChannel(
      "127.0.0.1:" + std::to_string(compute_port_), grpc::InsecureChannelCredentials()));
  std::mt19937 random(7);
  for (int round = 0; round < 100; ++round) {
    inference::ModelInferRequest request;
    request.set_model_name("fake-en-es");
    request.set_id(std::to_string(round));
    auto* const input = request.add_inputs();
    input->set_name("text");
    input->set_datatype("BYTES");
    const int rows = 1 + static_cast<int>(random() % 4);
    input->add_shape(rows);
    input->add_shape(1);
    std::string* const data = request.add_raw_input_contents();
    for (int row = 0; row < rows; ++row) {
      AppendBytesElement(std::string(random() % 5, static_cast<char>('a' + random() % 6)), data);
    }
    inference::ModelInferResponse cached;
    inference::ModelInferResponse uncached;
    grpc::ClientContext cached_context;
    grpc::ClientContext uncached_context;
    ASSERT_TRUE(inference_->ModelInfer(&cached_context, request, &cached).ok());
    ASSERT_TRUE(direct->ModelInfer(&uncached_context, request, &uncached).ok());
    EXPECT_EQ(cached.raw_output_contents(0), uncached.raw_output_contents(0));
    EXPECT_EQ(cached.outputs(0).SerializeAsString(), uncached.outputs(0).SerializeAsString());
    EXPECT_EQ(cached.id(), request.id());
    EXPECT_EQ(cached.model_version(), uncached.model_version());
    EXPECT_EQ(cached_context.GetServerInitialMetadata().count("souvenir-cache"), 1u);
  }
}

TEST_F(GatewayTest, ThePublicPortNamesTheAdminPortThatLoadsAndUnloads) {
  const std::string port = "(" + std::to_string(gateway_->admin_port()) + ")";
  inference::RepositoryModelLoadRequest load;
  load.set_model_name("fake-en-es");
  inference::RepositoryModelLoadResponse loaded;
  grpc::ClientContext load_context;
  grpc::Status status = inference_->RepositoryModelLoad(&load_context, load, &loaded);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_THAT(status.error_message(), testing::HasSubstr(port));
  inference::RepositoryModelUnloadRequest unload;
  unload.set_model_name("fake-en-es");
  inference::RepositoryModelUnloadResponse unloaded;
  grpc::ClientContext unload_context;
  status = inference_->RepositoryModelUnload(&unload_context, unload, &unloaded);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_THAT(status.error_message(), testing::HasSubstr(port));
}

TEST_F(GatewayTest, AStopDrainsWhatIsUnderWayAndRefusesWhatIsNew) {
  ASSERT_EQ(KindOf("known"), v1::CACHE_KIND_MISS);
  backend_->HoldRuns(true);
  std::thread caller([&] {
    grpc::Status status;
    const auto response = Translate("slow", {"es"}, &status);
    EXPECT_TRUE(status.ok()) << status.error_message();
    ASSERT_EQ(response.translations_size(), 1);
    EXPECT_EQ(response.translations(0).text(), "slow");
  });
  backend_->WaitForRuns(2);
  std::thread stopper([&] { gateway_->Stop(); });
  for (;;) {
    grpc::Status status;
    Translate("known", {"es"}, &status);
    if (status.error_code() == grpc::StatusCode::UNAVAILABLE) break;
  }
  backend_->HoldRuns(false);
  caller.join();
  stopper.join();
}

TEST_F(GatewayTest, AStopCancelsWhatTakesLongerThanTheDrainTimeout) {
  drain_seconds_ = 0;
  StartGateway();
  WaitForModels();
  backend_->HoldRuns(true);
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&, i] {
      grpc::Status status;
      Translate("slow " + std::to_string(i % 2), {"es", "gl"}, &status);
      EXPECT_FALSE(status.ok());
    });
  }
  backend_->WaitForRuns(2);
  gateway_->Stop();
  for (std::thread& caller : callers) caller.join();
  backend_->HoldRuns(false);
}

TEST_F(GatewayTest, AStopCancelsAModelLoadThatOutlastsTheDrainTimeout) {
  drain_seconds_ = 0;
  StartGateway();
  WaitForModels();
  const int loads = backend_->loads();
  backend_->HoldLoads(true);
  std::thread caller([&] {
    grpc::ClientContext context;
    inference::RepositoryModelLoadRequest load;
    load.set_model_name("fake-en-es");
    inference::RepositoryModelLoadResponse loaded;
    EXPECT_FALSE(admin_inference_->RepositoryModelLoad(&context, load, &loaded).ok());
  });
  backend_->WaitForLoads(loads + 1);
  gateway_->Stop();  // the load is still held: only a cancelled call lets it return
  caller.join();
  backend_->HoldLoads(false);
}

TEST_F(GatewayTest, ACallerWhoLeavesAModelLoadIsLetGo) {
  const int loads = backend_->loads();
  backend_->HoldLoads(true);
  grpc::ClientContext context;
  std::thread caller([&] {
    inference::RepositoryModelLoadRequest load;
    load.set_model_name("fake-en-es");
    inference::RepositoryModelLoadResponse loaded;
    EXPECT_EQ(admin_inference_->RepositoryModelLoad(&context, load, &loaded).error_code(),
              grpc::StatusCode::CANCELLED);
  });
  backend_->WaitForLoads(loads + 1);
  context.TryCancel();
  caller.join();
  // The gateway counts the call as ended, although the load is still held.
  WaitForMetric(
      R"(souvenir_gateway_request_seconds_count{method="RepositoryModelLoad",code="CANCELLED"})",
      1);
  backend_->HoldLoads(false);
}

TEST(GatewayWithoutComputeTest, SaysThatNothingIsKnownYetAndNotThatAModelIsAbsent) {
  config::v1::GatewayConfig config;
  config.set_listen_address("127.0.0.1:0");
  config.set_admin_address("127.0.0.1:0");
  config.set_metrics_address("");
  config.set_compute_address("127.0.0.1:1");
  auto gateway = gateway::Gateway::Create(config, {});
  ASSERT_TRUE(gateway.ok()) << gateway.status();
  const auto stub = inference::GRPCInferenceService::NewStub(grpc::CreateChannel(
      "127.0.0.1:" + std::to_string((*gateway)->port()), grpc::InsecureChannelCredentials()));
  grpc::ClientContext metadata_context;
  inference::ModelMetadataRequest metadata_request;
  metadata_request.set_name("m");
  inference::ModelMetadataResponse metadata;
  const grpc::Status described =
      stub->ModelMetadata(&metadata_context, metadata_request, &metadata);
  EXPECT_EQ(described.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(described.error_message(), HasSubstr("compute has never answered this gateway"));
  grpc::ClientContext config_context;
  inference::ModelConfigRequest config_request;
  config_request.set_name("m");
  inference::ModelConfigResponse model_config;
  EXPECT_EQ(stub->ModelConfig(&config_context, config_request, &model_config).error_code(),
            grpc::StatusCode::UNAVAILABLE);
}

}  // namespace
}  // namespace souvenir
