#include "gateway/upstream/grpc_upstream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "common/grpc/grpc_server.h"
#include "common/refusal.h"
#include "common/status_detail.h"
#include "inference/grpc_service.grpc.pb.h"

namespace souvenir::gateway {
namespace {

using ::testing::HasSubstr;

// A foreign server with one model, which answers as a test tells it.
struct Server final : inference::GRPCInferenceService::Service {
  grpc::Status RepositoryIndex(grpc::ServerContext* context,
                               const inference::RepositoryIndexRequest*,
                               inference::RepositoryIndexResponse* response) override {
    if (!revision.empty()) {
      context->AddInitialMetadata("souvenir-revision", revision);
      const auto known = context->client_metadata().find("souvenir-known-revision");
      if (known != context->client_metadata().end() && known->second == revision) return index;
    }
    for (const std::string& name : odd_names) {
      auto* const odd = response->add_models();
      odd->set_name(name);
      odd->set_state("READY");
    }
    auto* const model = response->add_models();
    model->set_name("theirs");
    model->set_version("1");
    model->set_state("READY");
    return index;
  }
  grpc::Status ModelMetadata(grpc::ServerContext*, const inference::ModelMetadataRequest* request,
                             inference::ModelMetadataResponse* response) override {
    ++described;
    response->set_name(request->name());
    response->add_versions("1");
    return metadata;
  }
  grpc::Status ModelConfig(grpc::ServerContext*, const inference::ModelConfigRequest* request,
                           inference::ModelConfigResponse* response) override {
    response->mutable_config()->set_name(request->name());
    response->mutable_config()->mutable_response_cache()->set_enable(true);
    return config;
  }

  grpc::Status ModelInfer(grpc::ServerContext* context, const inference::ModelInferRequest*,
                          inference::ModelInferResponse*) override {
    if (goes_on) context->AddTrailingMetadata("souvenir-goes-on", "true");
    if (!digest.empty()) context->AddTrailingMetadata("souvenir-digest", digest);
    return infer;
  }

  std::vector<std::string> odd_names;
  std::string revision;
  std::atomic<int> described{0};
  grpc::Status index;
  grpc::Status metadata;
  grpc::Status config;
  grpc::Status infer;
  bool goes_on = false;
  std::string digest;
};

class GrpcUpstreamTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto started = GrpcServer::Start({.address = "127.0.0.1:0", .services = {&answers_}});
    ASSERT_TRUE(started.ok()) << started.status();
    server_ = *std::move(started);
    upstream_ = std::make_unique<GrpcUpstream>(
        GrpcUpstream::Options{.address = "127.0.0.1:" + std::to_string(server_->port())});
  }

  absl::StatusOr<KnownModelsPtr> Describe(bool thorough = false) {
    return upstream_->Describe(
        {.names = {"theirs"}, .timeout = absl::Minutes(1), .thorough = thorough});
  }

  // Returns the status of a call of the model.
  absl::Status Infer() {
    auto inference = std::make_shared<Inference>();
    inference->model = "theirs";
    std::promise<absl::Status> ended;
    upstream_->Infer(inference, absl::Minutes(1), [&](absl::StatusOr<InferenceAnswer> answer) {
      ended.set_value(answer.status());
    });
    return ended.get_future().get();
  }

  // Returns the only model of the description.
  souvenir::state::v1::KnownModel Model() {
    const auto models = Describe();
    EXPECT_TRUE(models.ok()) << models.status();
    if (!models.ok()) return {};
    EXPECT_EQ((*models)->models_size(), 1);
    return (*models)->models_size() == 1 ? (*models)->models(0) : souvenir::state::v1::KnownModel();
  }

  Server answers_;
  std::unique_ptr<GrpcServer> server_;
  std::unique_ptr<GrpcUpstream> upstream_;
};

TEST_F(GrpcUpstreamTest, DescribesAModel) {
  const auto model = Model();
  EXPECT_EQ(model.state(), "READY");
  EXPECT_EQ(model.metadata().name(), "theirs");
  EXPECT_TRUE(model.config().response_cache().enable());
}

TEST_F(GrpcUpstreamTest, WhatHasNotChangedIsNotAskedForAgain) {
  answers_.revision = "a-1";
  for (int i = 0; i < 5; ++i) {
    const auto model = Model();
    EXPECT_EQ(model.state(), "READY");
    EXPECT_TRUE(model.config().response_cache().enable());
  }
  EXPECT_EQ(answers_.described, 1);
  answers_.revision = "a-2";
  EXPECT_EQ(Model().metadata().name(), "theirs");
  EXPECT_EQ(answers_.described, 2);
  // An incomplete description does not count.
  answers_.revision = "a-3";
  answers_.metadata = {grpc::StatusCode::INTERNAL, "not now"};
  EXPECT_EQ(Model().state(), "UNAVAILABLE");
  answers_.metadata = grpc::Status::OK;
  EXPECT_EQ(Model().state(), "READY");
  EXPECT_EQ(answers_.described, 4);
}

TEST_F(GrpcUpstreamTest, AServerWithoutRevisionsIsAskedForAll) {
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Model().state(), "READY");
  EXPECT_EQ(answers_.described, 3);
}

TEST_F(GrpcUpstreamTest, LooksThatFindNoChangeShareOneDescription) {
  const KnownModelsPtr first = *Describe();
  EXPECT_EQ(*Describe(), first);
  answers_.config = {grpc::StatusCode::UNIMPLEMENTED, "not here"};
  const KnownModelsPtr second = *Describe();
  EXPECT_NE(second, first);
  EXPECT_FALSE(second->models(0).has_config());
  answers_.revision = "a-1";
  const KnownModelsPtr third = *Describe();
  EXPECT_EQ(third, second);
  answers_.revision = "a-2";
  EXPECT_EQ(*Describe(), third);  // the change concerns nothing that is asked for
}

TEST_F(GrpcUpstreamTest, OfManyModelsWithoutRevisionsOnlyWhatHasChangedIsAskedForAtOnce) {
  for (int i = 0; i < 999; ++i)
    answers_.odd_names.push_back(std::string("m").append(std::to_string(i)));
  const KnownModelsPtr first = *Describe();
  EXPECT_EQ(first->models_size(), 1000);
  EXPECT_EQ(answers_.described, 1000);
  // All other models are asked for in turn.
  for (const int described : {1256, 1512, 1768, 2024}) {
    EXPECT_EQ(*Describe(), first);
    EXPECT_EQ(answers_.described, described);
  }
  answers_.odd_names[999 - 1] = "new";
  const KnownModelsPtr second = *Describe();
  EXPECT_EQ(answers_.described, 2024 + 256 + 1);
  EXPECT_EQ(second->models(998).metadata().name(), "new");
  ASSERT_TRUE(Describe(/*thorough=*/true).ok());
  EXPECT_EQ(answers_.described, 2024 + 256 + 1 + 1000);
  // A model that could not be described is asked for again until it can be.
  answers_.odd_names.push_back("late");
  answers_.metadata = {grpc::StatusCode::INTERNAL, "not now"};
  ASSERT_TRUE(Describe(/*thorough=*/true).ok());
  answers_.metadata = grpc::Status::OK;
  const KnownModelsPtr third = *Describe();
  for (const auto& model : third->models()) EXPECT_TRUE(model.has_metadata()) << model.name();
}

TEST_F(GrpcUpstreamTest, ALookThatIsGivenUpAsksForNoMore) {
  Cancellation cancellation;
  cancellation.Cancel();
  EXPECT_EQ(upstream_->Describe({.timeout = absl::Minutes(1), .cancellation = &cancellation})
                .status()
                .code(),
            absl::StatusCode::kCancelled);
  EXPECT_EQ(answers_.described, 0);
  EXPECT_EQ(Model().state(), "READY");
}

TEST_F(GrpcUpstreamTest, AServerNeedHaveNeitherAnIndexNorConfigurations) {
  answers_.index = answers_.config = {grpc::StatusCode::UNIMPLEMENTED, "not here"};
  const auto model = Model();
  EXPECT_EQ(model.state(), "READY");
  EXPECT_EQ(model.version(), "1");
  EXPECT_FALSE(model.has_config());
}

TEST_F(GrpcUpstreamTest, AModelThatCannotBeDescribedIsUnavailable) {
  answers_.metadata = {grpc::StatusCode::INTERNAL, "it is broken"};
  const auto model = Model();
  EXPECT_EQ(model.state(), "UNAVAILABLE");
  EXPECT_EQ(model.reason(), "it is broken");
  EXPECT_FALSE(model.has_metadata());
}

// A server that stops may answer the first question and cancel the next. With half a description
// the model would count as not cached.
TEST_F(GrpcUpstreamTest, AServerThatStopsHasDescribedNothing) {
  for (grpc::Status Server::*const asked : {&Server::index, &Server::metadata, &Server::config}) {
    for (const auto code : {grpc::StatusCode::CANCELLED, grpc::StatusCode::UNAVAILABLE}) {
      answers_.*asked = {code, "it stops"};
      const auto models = Describe();
      ASSERT_FALSE(models.ok()) << (*models)->ShortDebugString();
      EXPECT_TRUE(absl::IsUnavailable(models.status())) << models.status();
      EXPECT_THAT(std::string(models.status().message()), HasSubstr("it stops"));
      EXPECT_THAT(DetailOf(models.status()), HasSubstr(std::to_string(server_->port())));
      answers_.*asked = grpc::Status::OK;
    }
  }
}

TEST_F(GrpcUpstreamTest, ARefusalCarriesTheDigestOfItsModel) {
  answers_.infer = {grpc::StatusCode::INVALID_ARGUMENT, "not this: /a/b"};
  EXPECT_EQ(ModelDigestOf(Infer()), "") << "a foreign server tells none";
  answers_.digest = "d1";
  EXPECT_EQ(ModelDigestOf(Infer()), "d1");
  answers_.digest = std::string(129, 'd');
  EXPECT_EQ(ModelDigestOf(Infer()), "") << "too long to be one";
  answers_.digest = "d1";
  answers_.infer = {grpc::StatusCode::INTERNAL, "broken"};
  EXPECT_EQ(ModelDigestOf(Infer()), "") << "it is no refusal";
}

// With such a name the message is not even well-formed. Only that model is lost.
TEST_F(GrpcUpstreamTest, ANameThatIsNoneCostsNoOtherModel) {
  answers_.odd_names = {"\xff\xfe", "a\nb", std::string(300, 'x'), ""};
  const auto model = Model();
  EXPECT_EQ(model.name(), "theirs");
  EXPECT_EQ(model.state(), "READY");
  EXPECT_EQ(upstream_->left_out(), 4);
  answers_.odd_names = {""};
  EXPECT_TRUE(Describe().ok());
  EXPECT_EQ(upstream_->left_out(), 1);
}

// gRPC reports a connection that breaks as if the server had sent the error.
TEST_F(GrpcUpstreamTest, OnlyAServerThatSaysSoGoesOnAfterALostCall) {
  for (const auto code : {grpc::StatusCode::UNAVAILABLE, grpc::StatusCode::CANCELLED}) {
    answers_.infer = {code, "it is lost"};
    const absl::Status lost = Infer();
    EXPECT_TRUE(absl::IsUnavailable(lost)) << lost;
    EXPECT_TRUE(HasRowFault(lost, RowFault::kLostWithServer)) << lost;
    EXPECT_FALSE(HasRowFault(lost, RowFault::kLostAtServer)) << lost;
  }
  answers_.goes_on = true;
  answers_.infer = {grpc::StatusCode::UNAVAILABLE, "the worker died"};
  const absl::Status died = Infer();
  EXPECT_THAT(std::string(died.message()), HasSubstr("the worker died"));
  EXPECT_TRUE(HasRowFault(died, RowFault::kLostAtServer)) << died;
  EXPECT_FALSE(HasRowFault(died, RowFault::kLostWithServer)) << died;
}

TEST_F(GrpcUpstreamTest, AServerThatCannotBeReachedHasLostNoRow) {
  server_->Shutdown(absl::ZeroDuration());
  const absl::Status lost = Infer();
  EXPECT_TRUE(absl::IsUnavailable(lost)) << lost;
  EXPECT_FALSE(HasRowFault(lost)) << lost;
}

TEST_F(GrpcUpstreamTest, WhatItsCallersAreToldHasNoAddressAndNoPath) {
  answers_.metadata = {grpc::StatusCode::NOT_FOUND, "no such file: /opt/models/m/1/model.pt"};
  EXPECT_EQ(Model().reason(), "no such file: model.pt");
  server_->Shutdown(absl::ZeroDuration());
  const absl::Status away = Describe().status();
  EXPECT_EQ(away, WithDetail(absl::UnavailableError("compute cannot be reached"), DetailOf(away)));
  EXPECT_THAT(DetailOf(away), HasSubstr("compute at 127.0.0.1:"));
}

}  // namespace
}  // namespace souvenir::gateway
