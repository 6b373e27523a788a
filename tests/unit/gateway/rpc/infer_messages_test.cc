#include "gateway/rpc/infer_messages.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/oip/message_tensors.h"
#include "common/tensor/bytes_elements.h"
#include "gateway/resolve/resolver.h"
#include "tests/fakes/fake_upstream.h"
#include "tests/fakes/manual_clock.h"
#include "tests/fakes/manual_executor.h"
#include "tests/unit/gateway/test_models.h"

namespace souvenir::gateway {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Shape = std::vector<int64_t>;

class TestCall final : private ResolveCall::Listener, public ResolveCall {
 public:
  TestCall() : ResolveCall(this) {}

  InferMessages messages;

 private:
  void OnAllAnswered() override {}
};

// Tests with one model, whose answers a test makes.
class InferMessagesTest : public testing::Test {
 protected:
  InferMessagesTest() {
    catalog_.Listen([this](const CatalogSnapshot& snapshot) { targets_.OnCatalog(snapshot); });
    souvenir::state::v1::KnownModels models;
    *models.add_models() = TextModel("m", "in", "out");
    // The output has any size.
    models.mutable_models(0)->mutable_metadata()->mutable_outputs(0)->set_shape(1, -1);
    catalog_.Update(models);
  }

  // Makes the upstream answer each row with a BYTES output of this shape; its elements are the
  // row's text.
  void AnswerRowsWith(Shape shape) {
    upstream_.AnswerAllWith([shape = std::move(shape)](const inference::ModelInferRequest& request,
                                                       inference::ModelInferResponse* response) {
      const auto tensors = MessageTensors::FromRequest(request);
      BytesElementReader reader(tensors->tensors().front().data);
      const std::string text(*reader.Next());
      std::string out;
      for (int64_t i = 0; i < *ElementCount(shape); ++i) AppendBytesElement(text, &out);
      AppendOutputs({TensorView{"out", DataType::kBytes, shape, out}}, response);
    });
  }

  // Asks for `texts`, one per row, with `parameters_`, and joins the answers.
  absl::StatusOr<inference::ModelInferResponse> Ask(const std::vector<std::string>& texts) {
    std::string framed;
    for (const std::string& text : texts) AppendBytesElement(text, &framed);
    const std::array<int64_t, 2> shape = {static_cast<int64_t>(texts.size()), 1};
    inference::ModelInferRequest request;
    request.set_model_name("m");
    AppendInputs({TensorView{"in", DataType::kBytes, shape, framed}}, &request);
    *request.mutable_parameters() = parameters_;
    const grpc::Slice slice(request.SerializeAsString());

    const auto call = std::make_shared<TestCall>();
    EXPECT_EQ(call->messages.Parse(grpc::ByteBuffer(&slice, 1), most_bytes_), absl::OkStatus());
    const absl::Status asked = call->messages.Ask({}, catalog_, targets_, call.get());
    if (!asked.ok()) return asked;
    priority_ = call->options.priority;
    resolver_.Resolve(call);
    executor_.RunAll();
    const absl::Status joined = call->messages.Join(*call);
    if (!joined.ok()) return joined;
    grpc::ByteBuffer written;
    MessageWriter::WriteTo(&written, [&](MessageWriter& out) { call->messages.Write(*call, out); });
    inference::ModelInferResponse response;
    EXPECT_EQ(ParseMessage(written, written.Length(), &response), absl::OkStatus());
    return response;
  }

  google::protobuf::Map<std::string, inference::InferParameter> parameters_;
  int64_t priority_ = 0;  // of the last call
  size_t most_bytes_ = 1u << 20;

 private:
  Catalog catalog_{Catalog::Options{}};
  TargetDirectory targets_;
  ManualClock clock_;
  TimerQueue timers_{&clock_, TimerQueue::Mode::kManual};
  std::unique_ptr<cache::TieredCache> cache_ =
      *cache::TieredCache::Create(cache::TieredCache::Options{});
  ManualExecutor executor_;
  FakeUpstream upstream_;
  Resolver resolver_{Resolver::Options{},
                     {&clock_, &timers_, cache_.get(), &executor_, &upstream_, &catalog_}};
};

TEST_F(InferMessagesTest, RowsAreOneBatchInTheirOrder) {
  AnswerRowsWith({1, 2});
  for (const char* text : {"b", "a"}) ASSERT_EQ(Ask({text}).status(), absl::OkStatus());
  const auto batch = Ask({"a", "b"});
  ASSERT_EQ(batch.status(), absl::OkStatus());
  EXPECT_THAT(batch->outputs(0).shape(), ElementsAre(2, 2));
  std::string expected;
  for (const char* text : {"a", "a", "b", "b"}) AppendBytesElement(text, &expected);
  EXPECT_EQ(batch->raw_output_contents(0), expected);
}

// The model claims to be row-exact, but its answer to one row has no valid dimension of rows.
TEST_F(InferMessagesTest, AnAnswerWithoutADimensionOfRowsIsNone) {
  for (const Shape& shape : {Shape{}, Shape{2}, Shape{0}}) {
    AnswerRowsWith(shape);
    const absl::Status status = Ask({"a"}).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
    EXPECT_THAT(std::string(status.message()),
                HasSubstr(fmt::format("shape {} came for 1 rows", ShapeString(shape))));
  }
}

TEST_F(InferMessagesTest, AnswersOfDifferentShapesMakeNoBatch) {
  AnswerRowsWith({1, 1});
  ASSERT_EQ(Ask({"a"}).status(), absl::OkStatus());
  AnswerRowsWith({1, 2});
  ASSERT_EQ(Ask({"b"}).status(), absl::OkStatus());
  const absl::Status status = Ask({"a", "b"}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("row 0 is BYTES of shape [1, 1] and row 1 is BYTES of shape [1, 2]"));
}

// Compute would refuse the parameter, but a cached answer does not reach compute.
TEST_F(InferMessagesTest, AParameterOfAWrongTypeIsRefusedBeforeTheCacheIsAsked) {
  AnswerRowsWith({1, 1});
  ASSERT_EQ(Ask({"a"}).status(), absl::OkStatus());
  for (const char* name : {"priority", "timeout"}) {
    for (const char* text : {"a", "b"}) {  // one that is cached, one that is not
      parameters_.clear();
      parameters_[name].set_string_param("5");
      absl::Status status = Ask({text}).status();
      EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
      EXPECT_EQ(status.message(), fmt::format("parameter '{}': a text came, an integer of 0 or "
                                              "more is expected",
                                              name));
      parameters_[name].set_int64_param(-1);
      EXPECT_EQ(Ask({text}).status().code(), absl::StatusCode::kInvalidArgument);
      parameters_[name].set_int64_param(7);
      EXPECT_EQ(Ask({text}).status(), absl::OkStatus());
    }
  }
  parameters_.clear();
  parameters_["priority"].set_uint64_param(UINT64_MAX);
  ASSERT_EQ(Ask({"a"}).status(), absl::OkStatus());
  EXPECT_EQ(priority_, INT64_MAX);
}

TEST_F(InferMessagesTest, AnswersThatAreTooLargeTogetherAreRefusedBeforeTheyAreJoined) {
  AnswerRowsWith({1, 1});
  most_bytes_ = 800;
  std::vector<std::string> texts;
  for (const char letter : {'a', 'b', 'c', 'd'}) {
    texts.emplace_back(200, letter);
    ASSERT_EQ(Ask({texts.back()}).status(), absl::OkStatus());
  }
  EXPECT_EQ(Ask({texts[0], texts[1], texts[2]}).status(), absl::OkStatus());
  const absl::Status refused = Ask(texts).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("ask for fewer rows at once"));
}

}  // namespace
}  // namespace souvenir::gateway
