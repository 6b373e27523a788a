// The compute service over real channels, with a backend that tests can hold up.

#include "compute-service/compute_service.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/tensor/bytes_elements.h"
#include "inference/grpc_service.grpc.pb.h"
#include "tests/fakes/fake_backend.h"
#include "tests/fakes/http_get.h"
#include "tests/integration/compute_client.h"

namespace souvenir::compute {
namespace {

namespace fs = std::filesystem;

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

class ComputeServiceTest : public ::testing::Test {
 protected:
  ComputeServiceTest() {
    std::string name = (fs::path(::testing::TempDir()) / "models.XXXXXX").string();
    directory_ = mkdtemp(name.data());
    Write("broken/config.pbtxt", "backend: \"fake\" model_warmup { name: \"w\" }");
    Write("echo/config.pbtxt",
          "backend: \"fake\" instance_group { count: 1 } "
          "parameters { key: \"max_queue_size\" value { string_value: \"2\" } }");
  }
  ~ComputeServiceTest() override {
    backend_->HoldRuns(false);
    backend_->HoldLoads(false);
    service_.reset();
    fs::remove_all(directory_);
  }

  void SetUp() override { Start(); }

  void Write(const std::string& path, const std::string& text) {
    fs::create_directories((directory_ / path).parent_path());
    std::ofstream(directory_ / path) << text;
  }

  void Start(uint32_t drain_seconds = 30) {
    config::v1::ComputeConfig config;
    config.set_listen_address("127.0.0.1:0");
    config.set_admin_address("127.0.0.1:0");
    config.set_metrics_address("127.0.0.1:0");
    config.set_model_repository(directory_.string());
    config.set_drain_timeout_seconds(drain_seconds);
    config.set_repository_poll_seconds(poll_seconds_);
    config.set_repository_settle_seconds(0);
    service_.reset();
    auto backend = std::make_unique<FakeBackend>();
    backend_ = backend.get();
    std::vector<std::unique_ptr<Backend>> backends;
    backends.push_back(std::move(backend));
    auto service = ComputeService::Create(config, std::move(backends));
    ASSERT_TRUE(service.ok()) << service.status();
    service_ = *std::move(service);
    public_ = std::make_unique<ComputeClient>(service_->port());
    admin_ = std::make_unique<ComputeClient>(service_->admin_port());
  }

  std::shared_ptr<ServedModel> Echo() { return *service_->repository().Find("echo", ""); }

  // Waits until `depth` requests wait for the model "echo".
  void WaitForDepth(size_t depth) {
    while (Echo()->Stats().depth != depth) std::this_thread::yield();
  }

  fs::path directory_;
  uint32_t poll_seconds_ = 0;
  FakeBackend* backend_ = nullptr;
  std::unique_ptr<ComputeService> service_;
  std::unique_ptr<ComputeClient> public_;
  std::unique_ptr<ComputeClient> admin_;
};

TEST_F(ComputeServiceTest, WhatWaitsForAVersionThatDoesNotLoadIsAnsweredByTheOneBehindIt) {
  Write("two/config.pbtxt", "backend: \"fake\"");
  Write("two/1/file", "");
  Write("two/2/file", "");
  Start();
  backend_->RefuseToLoadVersion(2);
  inference::ModelInferRequest request = EchoRequest({"one"});
  request.set_model_name("two");
  inference::ModelInferResponse response;
  const grpc::Status status = public_->Infer(request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.model_version(), "1");
  // A request that names the version gets its error.
  request.set_model_version("2");
  EXPECT_EQ(public_->Infer(request, &response).error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(ComputeServiceTest, AnIndexThatTheCallerKnowsIsNotToldAgain) {
  const auto stub = inference::GRPCInferenceService::NewStub(grpc::CreateChannel(
      "127.0.0.1:" + std::to_string(service_->port()), grpc::InsecureChannelCredentials()));
  std::string known;
  const auto models = [&] {
    grpc::ClientContext context;
    if (!known.empty()) context.AddMetadata("souvenir-known-revision", known);
    inference::RepositoryIndexResponse index;
    EXPECT_TRUE(public_->stub().RepositoryIndex(&context, {}, &index).ok());
    const auto& told = context.GetServerInitialMetadata();
    const auto revision = told.find("souvenir-revision");
    EXPECT_NE(revision, told.end());
    if (revision != told.end()) known.assign(revision->second.data(), revision->second.size());
    return index.models_size();
  };
  EXPECT_EQ(models(), 2);
  EXPECT_EQ(models(), 0);
  Write("late/config.pbtxt", "backend: \"fake\"");
  {
    grpc::ClientContext context;
    inference::RepositoryModelLoadRequest load;
    load.set_model_name("late");
    inference::RepositoryModelLoadResponse loaded;
    EXPECT_TRUE(admin_->stub().RepositoryModelLoad(&context, load, &loaded).ok());
  }
  EXPECT_EQ(models(), 3);
  EXPECT_EQ(models(), 0);
  known = "of another server";
  EXPECT_EQ(models(), 3);
}

TEST_F(ComputeServiceTest, AnswersInRawForm) {
  inference::ModelInferRequest request = EchoRequest({"one", "two"});
  request.set_id("id 7");
  inference::ModelInferResponse response;
  const grpc::Status status = public_->Infer(request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.id(), "id 7");
  EXPECT_EQ(response.model_name(), "echo");
  EXPECT_EQ(response.model_version(), "1");
  EXPECT_EQ(response.parameters().at("souvenir.compute_ns").int64_param(), 3'000'000);
  EXPECT_EQ(response.parameters().at("souvenir.digest").string_param().size(), 64u);
  ASSERT_EQ(response.outputs_size(), 1);
  EXPECT_EQ(response.outputs(0).name(), "echo");
  EXPECT_EQ(response.outputs(0).datatype(), "BYTES");
  EXPECT_EQ(response.outputs(0).shape(0), 2);
  EXPECT_EQ(response.raw_output_contents(0), FrameBytesElement("one") + FrameBytesElement("two"));
}

TEST_F(ComputeServiceTest, TypedContentsAreTheSameQuestion) {
  inference::ModelInferRequest request = EchoRequest({"one"});
  request.clear_raw_input_contents();
  request.mutable_inputs(0)->mutable_contents()->add_bytes_contents("one");
  inference::ModelInferResponse response;
  ASSERT_TRUE(public_->Infer(request, &response).ok());
  EXPECT_EQ(response.raw_output_contents(0), FrameBytesElement("one"));
}

TEST_F(ComputeServiceTest, RefusesWhatTheModelCannotTakeBeforeItReachesIt) {
  inference::ModelInferRequest request = EchoRequest({"1", "2", "3", "4", "5"});
  inference::ModelInferResponse response;
  grpc::Status status = public_->Infer(request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), AllOf(HasSubstr("'text'"), HasSubstr("5 rows")));

  request = EchoRequest({"1"});
  request.set_model_name("nope");
  status = public_->Infer(request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(status.error_message(), HasSubstr("broken, echo"));

  request.set_model_name("broken");
  status = public_->Infer(request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(status.error_message(), HasSubstr("model_warmup"));
  EXPECT_EQ(backend_->loads(), 0);
}

TEST_F(ComputeServiceTest, AStatusFitsIntoItsTrailerWhateverTheCallerSends) {
  inference::ModelInferRequest request = EchoRequest({"1"});
  request.mutable_inputs(0)->set_name(std::string(200'000, 'x'));
  inference::ModelInferResponse response;
  EXPECT_EQ(public_->Infer(request, &response).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(ComputeServiceTest, AFullQueueIsSaidAtOnce) {
  backend_->HoldRuns(true);
  std::vector<std::future<grpc::Status>> answers;
  answers.push_back(public_->InferLater(EchoRequest({"runs"})));
  backend_->WaitForRuns(1);
  answers.push_back(public_->InferLater(EchoRequest({"a"})));
  answers.push_back(public_->InferLater(EchoRequest({"b"})));
  WaitForDepth(2);
  inference::ModelInferResponse response;
  const grpc::Status status = public_->Infer(EchoRequest({"c"}), &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), HasSubstr("2 requests wait, at most 2 may"));
  backend_->HoldRuns(false);
  for (auto& answer : answers) EXPECT_TRUE(answer.get().ok());
}

TEST_F(ComputeServiceTest, WorkThatWaitsPastItsDeadlineNeverRuns) {
  backend_->HoldRuns(true);
  std::future<grpc::Status> running = public_->InferLater(EchoRequest({"runs"}));
  backend_->WaitForRuns(1);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(200));
  std::future<grpc::Status> late = public_->InferLater(EchoRequest({"late"}), &context);
  EXPECT_EQ(late.get().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  // The request leaves the queue by its deadline or because the caller has gone; the server may see
  // either first.
  WaitForDepth(0);
  backend_->HoldRuns(false);
  EXPECT_TRUE(running.get().ok());
  EXPECT_EQ(backend_->runs(), 1);
}

TEST_F(ComputeServiceTest, ADeadlineCountsAsSuchHoweverTheCallerGoes) {
  backend_->HoldRuns(true);
  std::future<grpc::Status> running = public_->InferLater(EchoRequest({"runs"}));
  backend_->WaitForRuns(1);
  constexpr int kCalls = 10;
  for (int i = 0; i < kCalls; ++i) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(30 + i));
    inference::ModelInferResponse response;
    EXPECT_EQ(public_->stub().ModelInfer(&context, EchoRequest({"late"}), &response).error_code(),
              grpc::StatusCode::DEADLINE_EXCEEDED);
    WaitForDepth(0);
  }
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(50));
  const auto stream = public_->stub().ModelStreamInfer(&context);
  ASSERT_TRUE(stream->Write(EchoRequest({"late"})));
  inference::ModelStreamInferResponse response;
  while (stream->Read(&response)) {
  }
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  const auto counted = [&](const std::string& line) {
    return HttpGet(service_->metrics_port(), "/metrics").find("\n" + line + "\n") !=
           std::string::npos;
  };
  while (
      !counted("souvenir_compute_request_seconds_count{method=\"ModelInfer\",code="
               "\"DEADLINE_EXCEEDED\"} 10")) {
    std::this_thread::yield();
  }
  while (
      !counted("souvenir_compute_request_seconds_count{method=\"ModelStreamInfer\",code="
               "\"DEADLINE_EXCEEDED\"} 1")) {
    std::this_thread::yield();
  }
  EXPECT_EQ(Echo()->Stats().expired, 11u);
  EXPECT_EQ(Echo()->Stats().cancelled, 0u);
  backend_->HoldRuns(false);
  EXPECT_TRUE(running.get().ok());
}

TEST_F(ComputeServiceTest, AModelThatIsNotThereIsNotReady) {
  for (const char* name : {"echo", "broken", "nope", ""}) {
    grpc::ClientContext context;
    inference::ModelReadyRequest request;
    request.set_name(name);
    inference::ModelReadyResponse response;
    EXPECT_TRUE(public_->stub().ModelReady(&context, request, &response).ok()) << name;
    EXPECT_EQ(response.ready(), std::string(name) == "echo") << name;
  }
}

TEST_F(ComputeServiceTest, TheServerIsReadyUnlessAllOfItsModelsAreBroken) {
  const auto ready = [&] {
    grpc::ClientContext context;
    inference::ServerReadyResponse response;
    EXPECT_TRUE(public_->stub().ServerReady(&context, {}, &response).ok());
    return response.ready();
  };
  EXPECT_TRUE(ready()) << "one is broken";
  fs::remove_all(directory_ / "echo");
  Start();
  EXPECT_FALSE(ready()) << "all are";
  fs::remove_all(directory_ / "broken");
  Start();
  EXPECT_TRUE(ready()) << "there are none, and some may be loaded";
}

TEST_F(ComputeServiceTest, CallersAreToldNoPathsAndTheLogIs) {
  Write("odd/config.pbtxt", "no_such_field: 1");
  testing::internal::CaptureStderr();
  Start();
  inference::ModelInferRequest request = EchoRequest({"x"});
  request.set_model_name("odd");
  inference::ModelInferResponse response;
  const grpc::Status infer = public_->Infer(request, &response);
  EXPECT_EQ(infer.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(infer.error_message(), AllOf(HasSubstr("config.pbtxt:1"), HasSubstr("'odd'"),
                                           Not(HasSubstr(directory_.string()))));
  EXPECT_THAT(public_->IndexOf("odd"), Not(HasSubstr(directory_.string())));
  grpc::ClientContext context;
  inference::RepositoryModelLoadRequest load;
  load.set_model_name("odd");
  inference::RepositoryModelLoadResponse loaded;
  const grpc::Status failed = admin_->stub().RepositoryModelLoad(&context, load, &loaded);
  EXPECT_FALSE(failed.ok());
  EXPECT_THAT(failed.error_message(), Not(HasSubstr(directory_.string())));
  load.set_model_name("nowhere");
  grpc::ClientContext unknown_context;
  EXPECT_THAT(admin_->stub().RepositoryModelLoad(&unknown_context, load, &loaded).error_message(),
              Not(HasSubstr(directory_.string())));
  backend_->SetLoadStatus(absl::NotFoundError("cannot read /opt/models/echo/1/model.pt"));
  EXPECT_THAT(public_->Infer(EchoRequest({"x"}), &response).error_message(),
              AllOf(HasSubstr("cannot read model.pt"), Not(HasSubstr("/opt"))));
  const std::string lines = testing::internal::GetCapturedStderr();
  EXPECT_THAT(lines, HasSubstr("detail=model 'odd': " + directory_.string()));
  EXPECT_THAT(lines, HasSubstr("/opt/models/echo/1/model.pt"));
}

TEST_F(ComputeServiceTest, WorkThatIsCancelledNeverRuns) {
  backend_->HoldRuns(true);
  std::future<grpc::Status> running = public_->InferLater(EchoRequest({"runs"}));
  backend_->WaitForRuns(1);
  grpc::ClientContext context;
  std::future<grpc::Status> waiting = public_->InferLater(EchoRequest({"waits"}), &context);
  WaitForDepth(1);
  context.TryCancel();
  EXPECT_EQ(waiting.get().error_code(), grpc::StatusCode::CANCELLED);
  WaitForDepth(0);
  EXPECT_EQ(Echo()->Stats().cancelled, 1u);
  backend_->HoldRuns(false);
  EXPECT_TRUE(running.get().ok());
  EXPECT_EQ(backend_->runs(), 1);
}

TEST_F(ComputeServiceTest, WorkThatIsCancelledWhileItsModelLoadsNeverRuns) {
  backend_->HoldLoads(true);
  grpc::ClientContext context;
  std::future<grpc::Status> waiting = public_->InferLater(EchoRequest({"waits"}), &context);
  backend_->WaitForLoads(1);
  EXPECT_EQ(public_->IndexOf("echo"), "LOADING: ");
  context.TryCancel();
  EXPECT_EQ(waiting.get().error_code(), grpc::StatusCode::CANCELLED);
  WaitForDepth(0);
  backend_->HoldLoads(false);
  inference::ModelInferResponse response;
  EXPECT_TRUE(public_->Infer(EchoRequest({"next"}), &response).ok());
  EXPECT_EQ(backend_->runs(), 1);
}

TEST_F(ComputeServiceTest, AStreamAnswersEachRequestWithItsId) {
  grpc::ClientContext context;
  const auto stream = public_->stub().ModelStreamInfer(&context);
  constexpr int kRequests = 200;
  std::thread writer([&] {
    for (int i = 0; i < kRequests; ++i) {
      inference::ModelInferRequest request = EchoRequest({std::to_string(i)});
      request.set_id(std::to_string(i));
      if (i == 5) request.mutable_inputs(0)->set_datatype("INT32");
      ASSERT_TRUE(stream->Write(request));
    }
    stream->WritesDone();
  });
  std::set<std::string> ids;
  inference::ModelStreamInferResponse response;
  while (stream->Read(&response)) {
    const std::string& id = response.infer_response().id();
    EXPECT_TRUE(ids.insert(id).second) << id;
    if (!response.error_message().empty()) {
      // The queue holds two requests, so some are refused.
      EXPECT_THAT(response.error_message(),
                  id == "5" ? HasSubstr("'text'") : HasSubstr("the queue is full"));
    } else {
      EXPECT_EQ(response.infer_response().raw_output_contents(0), FrameBytesElement(id));
    }
  }
  writer.join();
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(ids.size(), static_cast<size_t>(kRequests));
}

TEST_F(ComputeServiceTest, AStreamThatIsCancelledLeavesTheQueue) {
  backend_->HoldRuns(true);
  std::future<grpc::Status> running = public_->InferLater(EchoRequest({"runs"}));
  backend_->WaitForRuns(1);
  grpc::ClientContext context;
  const auto stream = public_->stub().ModelStreamInfer(&context);
  ASSERT_TRUE(stream->Write(EchoRequest({"a"})));
  ASSERT_TRUE(stream->Write(EchoRequest({"b"})));
  WaitForDepth(2);
  context.TryCancel();
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
  WaitForDepth(0);
  backend_->HoldRuns(false);
  EXPECT_TRUE(running.get().ok());
  EXPECT_EQ(backend_->runs(), 1);
}

TEST_F(ComputeServiceTest, AStopEndsAStreamThatIsIdleAtOnce) {
  grpc::ClientContext context;
  const auto stream = public_->stub().ModelStreamInfer(&context);
  ASSERT_TRUE(stream->Write(EchoRequest({"a"})));
  inference::ModelStreamInferResponse response;
  ASSERT_TRUE(stream->Read(&response));
  service_->Stop();
  EXPECT_FALSE(stream->Read(&response));
  const grpc::Status status = stream->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(status.error_message(), "the server is stopping");
}

TEST_F(ComputeServiceTest, AStopAnswersWhatAStreamHasUnderWayAndThenEndsIt) {
  backend_->HoldRuns(true);
  grpc::ClientContext context;
  const auto stream = public_->stub().ModelStreamInfer(&context);
  ASSERT_TRUE(stream->Write(EchoRequest({"a"})));
  backend_->WaitForRuns(1);
  std::thread stopper([&] { service_->Stop(); });
  while (public_->Health("") != "NOT_SERVING") std::this_thread::yield();
  backend_->HoldRuns(false);
  inference::ModelStreamInferResponse response;
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_EQ(response.error_message(), "");
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  stopper.join();
}

TEST_F(ComputeServiceTest, DescribesAModelWithoutLoadingIt) {
  grpc::ClientContext context;
  inference::ModelMetadataRequest request;
  request.set_name("echo");
  inference::ModelMetadataResponse metadata;
  ASSERT_TRUE(public_->stub().ModelMetadata(&context, request, &metadata).ok());
  EXPECT_EQ(metadata.name(), "echo");
  EXPECT_EQ(metadata.versions(0), "1");
  EXPECT_EQ(metadata.platform(), "fake");
  EXPECT_EQ(metadata.inputs(0).name(), "text");
  EXPECT_EQ(metadata.inputs(0).datatype(), "BYTES");
  EXPECT_THAT(metadata.inputs(0).shape(), ::testing::ElementsAre(-1, 1));
  EXPECT_THAT(metadata.outputs(0).shape(), ::testing::ElementsAre(-1, 1));
  EXPECT_EQ(metadata.properties().at("souvenir.digest"), Echo()->digest());
  EXPECT_FALSE(metadata.properties().contains("souvenir.hanging_row_limit_ms"));
  EXPECT_EQ(metadata.properties().at("souvenir.run_limit_ms"), "10000");

  grpc::ClientContext config_context;
  inference::ModelConfigRequest config_request;
  config_request.set_name("echo");
  inference::ModelConfigResponse config;
  ASSERT_TRUE(public_->stub().ModelConfig(&config_context, config_request, &config).ok());
  EXPECT_EQ(config.config().max_batch_size(), 4);
  EXPECT_EQ(config.config().input(0).name(), "text");
  EXPECT_EQ(backend_->loads(), 0);
}

TEST_F(ComputeServiceTest, AnErrorOfTheModelSaysThatTheServiceGoesOn) {
  const auto says_so = [&](const inference::ModelInferRequest& request, grpc::StatusCode expected) {
    grpc::ClientContext context;
    inference::ModelInferResponse response;
    const grpc::Status status = public_->stub().ModelInfer(&context, request, &response);
    EXPECT_EQ(status.error_code(), expected) << status.error_message();
    return context.GetServerTrailingMetadata().contains("souvenir-goes-on");
  };
  EXPECT_FALSE(says_so(EchoRequest({"x"}), grpc::StatusCode::OK));
  backend_->SetRunStatus(absl::UnavailableError("the worker died"));
  EXPECT_TRUE(says_so(EchoRequest({"x"}), grpc::StatusCode::UNAVAILABLE));
  inference::ModelInferRequest broken = EchoRequest({"x"});
  broken.set_model_name("broken");
  EXPECT_TRUE(says_so(broken, grpc::StatusCode::UNAVAILABLE));
}

TEST_F(ComputeServiceTest, ARefusalTellsTheDigestOfItsModel) {
  const auto digest = [&](const inference::ModelInferRequest& request, grpc::StatusCode expected) {
    grpc::ClientContext context;
    inference::ModelInferResponse response;
    const grpc::Status status = public_->stub().ModelInfer(&context, request, &response);
    EXPECT_EQ(status.error_code(), expected) << status.error_message();
    const auto& trailing = context.GetServerTrailingMetadata();
    const auto found = trailing.find("souvenir-digest");
    if (found == trailing.end()) return std::string("none");
    return std::string(found->second.data(), found->second.size());
  };
  backend_->RefuseInputsWith("bad");
  EXPECT_EQ(digest(EchoRequest({"bad"}), grpc::StatusCode::INVALID_ARGUMENT), Echo()->digest())
      << "refused by the engine";
  inference::ModelInferRequest unfit = EchoRequest({"x"});
  unfit.mutable_inputs(0)->set_name("other");
  EXPECT_EQ(digest(unfit, grpc::StatusCode::INVALID_ARGUMENT), Echo()->digest())
      << "refused for what the model declares";
  inference::ModelInferRequest unknown = EchoRequest({"x"});
  unknown.set_model_name("other");
  EXPECT_EQ(digest(unknown, grpc::StatusCode::NOT_FOUND), "none");
  EXPECT_EQ(digest(EchoRequest({"x"}), grpc::StatusCode::OK), "none");
}

TEST_F(ComputeServiceTest, TellsTheLimitOfTimeThatAModelHasForItself) {
  Write("short/config.pbtxt",
        "backend: \"fake\"\n"
        "parameters { key: \"run_limit_ms\" value { string_value: \"250\" } }");
  Write("short/1/file", "");
  Start();
  grpc::ClientContext context;
  inference::ModelMetadataRequest request;
  request.set_name("short");
  inference::ModelMetadataResponse metadata;
  const grpc::Status status = public_->stub().ModelMetadata(&context, request, &metadata);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(metadata.properties().at("souvenir.run_limit_ms"), "250");
}

TEST_F(ComputeServiceTest, ListsItsModelsWithTheirStates) {
  EXPECT_EQ(public_->IndexOf("echo"), "READY: loads on demand");
  EXPECT_THAT(public_->IndexOf("broken"),
              AllOf(HasSubstr("UNAVAILABLE: "), HasSubstr("model_warmup")));
  inference::ModelInferResponse response;
  ASSERT_TRUE(public_->Infer(EchoRequest({"x"}), &response).ok());
  EXPECT_EQ(public_->IndexOf("echo"), "READY: ");

  grpc::ClientContext context;
  inference::RepositoryIndexRequest request;
  request.set_ready(true);
  inference::RepositoryIndexResponse index;
  ASSERT_TRUE(public_->stub().RepositoryIndex(&context, request, &index).ok());
  ASSERT_EQ(index.models_size(), 1);
  EXPECT_EQ(index.models(0).name(), "echo");
}

TEST_F(ComputeServiceTest, CountsWhatAModelDid) {
  inference::ModelInferResponse response;
  ASSERT_TRUE(public_->Infer(EchoRequest({"a", "b", "c"}), &response).ok());
  grpc::ClientContext context;
  inference::ModelStatisticsRequest request;
  request.set_name("echo");
  inference::ModelStatisticsResponse statistics;
  ASSERT_TRUE(public_->stub().ModelStatistics(&context, request, &statistics).ok());
  ASSERT_EQ(statistics.model_stats_size(), 1);
  const inference::ModelStatistics& echo = statistics.model_stats(0);
  EXPECT_EQ(echo.inference_count(), 3u);
  EXPECT_EQ(echo.execution_count(), 1u);
  EXPECT_GT(echo.last_inference(), 0u);
  EXPECT_EQ(echo.inference_stats().success().count(), 1u);
  EXPECT_EQ(echo.batch_stats(0).batch_size(), 3u);

  const std::string page = HttpGet(service_->metrics_port(), "/metrics");
  EXPECT_THAT(page, HasSubstr("souvenir_compute_rows_total{model=\"echo\",version=\"1\"} 3"));
  EXPECT_THAT(page, HasSubstr("souvenir_compute_models{state=\"unavailable\"} 1"));
  EXPECT_THAT(page, HasSubstr("souvenir_compute_request_seconds_count{method=\"ModelInfer\","
                              "code=\"OK\"} 1"));
  EXPECT_THAT(page, HasSubstr("souvenir_compute_build_info"));
}

TEST_F(ComputeServiceTest, OnlyTheAdminPortLoadsAndUnloads) {
  inference::RepositoryModelLoadRequest load;
  load.set_model_name("echo");
  inference::RepositoryModelLoadResponse loaded;
  inference::RepositoryModelUnloadRequest unload;
  unload.set_model_name("echo");
  (*unload.mutable_parameters())["unload_dependents"].set_bool_param(false);
  inference::RepositoryModelUnloadResponse unloaded;
  {
    grpc::ClientContext context;
    const grpc::Status status = public_->stub().RepositoryModelLoad(&context, load, &loaded);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED);
    EXPECT_THAT(status.error_message(),
                HasSubstr("admin port only (" + std::to_string(service_->admin_port()) + ")"));
  }
  {
    grpc::ClientContext context;
    EXPECT_EQ(public_->stub().RepositoryModelUnload(&context, unload, &unloaded).error_code(),
              grpc::StatusCode::PERMISSION_DENIED);
  }
  {
    grpc::ClientContext context;
    ASSERT_TRUE(admin_->stub().RepositoryModelLoad(&context, load, &loaded).ok());
  }
  EXPECT_EQ(public_->IndexOf("echo"), "READY: ");
  EXPECT_EQ(public_->Health("echo"), "SERVING");
  {
    grpc::ClientContext context;
    ASSERT_TRUE(admin_->stub().RepositoryModelUnload(&context, unload, &unloaded).ok());
  }
  EXPECT_THAT(public_->IndexOf("echo"), HasSubstr("UNAVAILABLE: unloaded"));
  EXPECT_EQ(public_->Health("echo"), "NOT_SERVING");
  {
    grpc::ClientContext context;
    (*load.mutable_parameters())["config"].set_string_param("{}");
    const grpc::Status status = admin_->stub().RepositoryModelLoad(&context, load, &loaded);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_THAT(status.error_message(), HasSubstr("'config'"));
  }
}

TEST_F(ComputeServiceTest, SaysWhatItIs) {
  grpc::ClientContext context;
  inference::ServerMetadataResponse metadata;
  ASSERT_TRUE(public_->stub().ServerMetadata(&context, {}, &metadata).ok());
  EXPECT_EQ(metadata.name(), "souvenir-compute");
  EXPECT_FALSE(metadata.version().empty());
  EXPECT_THAT(metadata.extensions(), Contains("statistics"));
  for (ComputeClient* client : {public_.get(), admin_.get()}) {
    EXPECT_EQ(client->Health(""), "SERVING");
    EXPECT_EQ(client->Health("echo"), "SERVING");
    EXPECT_EQ(client->Health("broken"), "NOT_SERVING");
    EXPECT_EQ(client->Health("nope"), std::to_string(grpc::StatusCode::NOT_FOUND));
    EXPECT_THAT(client->Reflection(), AllOf(HasSubstr("inference.GRPCInferenceService"),
                                            HasSubstr("grpc.health.v1.Health")));
  }
}

TEST_F(ComputeServiceTest, AModelThatHasGoneHasNoHealth) {
  poll_seconds_ = 1;
  Start();
  EXPECT_EQ(public_->Health("echo"), "SERVING");
  fs::remove_all(directory_ / "echo");
  for (ComputeClient* client : {public_.get(), admin_.get()}) {
    while (client->Health("echo") == "SERVING") std::this_thread::yield();  // until the next look
    EXPECT_EQ(client->Health("echo"), std::to_string(grpc::StatusCode::NOT_FOUND));
  }
}

TEST_F(ComputeServiceTest, StopLetsRequestsEndAndRefusesNewOnes) {
  backend_->HoldRuns(true);
  std::future<grpc::Status> running = public_->InferLater(EchoRequest({"runs"}));
  backend_->WaitForRuns(1);
  std::future<grpc::Status> waiting = public_->InferLater(EchoRequest({"waits"}));
  WaitForDepth(1);
  std::thread stopper([this] { service_->Stop(); });
  while (public_->Health("") == "SERVING") std::this_thread::yield();
  inference::ModelInferResponse response;
  grpc::Status status;
  bool goes_on = false;
  do {  // health is NOT_SERVING before requests are refused
    grpc::ClientContext context;
    status = public_->stub().ModelInfer(&context, EchoRequest({"new"}), &response);
    goes_on = context.GetServerTrailingMetadata().contains("souvenir-goes-on");
  } while (status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_FALSE(goes_on);
  backend_->HoldRuns(false);
  stopper.join();
  EXPECT_TRUE(running.get().ok());
  EXPECT_TRUE(waiting.get().ok());
  EXPECT_EQ(backend_->live_instances(), 0);
  EXPECT_EQ(backend_->live_models(), 0);
  service_->Stop();
}

TEST_F(ComputeServiceTest, StopCancelsWhatOutlastsTheDrainTimeout) {
  Start(/*drain_seconds=*/0);
  backend_->HoldRuns(true);
  std::future<grpc::Status> running = public_->InferLater(EchoRequest({"runs"}));
  backend_->WaitForRuns(1);
  std::future<grpc::Status> waiting = public_->InferLater(EchoRequest({"waits"}));
  WaitForDepth(1);
  std::thread stopper([this] { service_->Stop(); });
  EXPECT_FALSE(waiting.get().ok());
  EXPECT_FALSE(running.get().ok());
  backend_->HoldRuns(false);
  stopper.join();
  EXPECT_EQ(backend_->runs(), 1);
}

TEST(ComputeServiceStartTest, SaysWhichAddressIsTaken) {
  config::v1::ComputeConfig config;
  config.set_listen_address("127.0.0.1:0");
  config.set_admin_address("127.0.0.1:0");
  config.set_metrics_address("");
  config.set_model_repository("/nonexistent");
  const auto first = ComputeService::Create(config, {});
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ((*first)->metrics_port(), 0);
  const std::string taken = "127.0.0.1:" + std::to_string((*first)->port());
  config.set_listen_address(taken);
  const absl::Status status = ComputeService::Create(config, {}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr(taken), HasSubstr("--listen"), Not(HasSubstr("\n"))));
}

}  // namespace
}  // namespace souvenir::compute
