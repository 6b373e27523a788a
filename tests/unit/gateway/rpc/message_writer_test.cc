#include "gateway/rpc/message_writer.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <string>

#include "gateway/rpc/raw_message.h"
#include "inference/grpc_service.pb.h"
#include "souvenir/v1/translation.pb.h"

namespace souvenir::gateway {
namespace {

using inference::InferParameter;
using inference::ModelInferResponse;
using OutputTensor = ModelInferResponse::InferOutputTensor;

// Returns the message that protobuf reads from the output of `write`.
template <typename Message, typename Write>
Message Read(const Write& write) {
  grpc::ByteBuffer bytes;
  MessageWriter::WriteTo(&bytes, write);
  Message message;
  EXPECT_TRUE(ParseMessage(bytes, bytes.Length(), &message).ok());
  return message;
}

TEST(MessageWriterTest, WritesWhatProtobufReads) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  const std::array<int64_t, 4> shape = {1, -1, 300, kMost};
  for (const size_t size : {1u, 127u, 128u, 16'384u, 3'000'000u}) {
    const std::string data(size, 'x');
    const auto message = Read<ModelInferResponse>([&](MessageWriter& out) {
      out.Field(ModelInferResponse::kModelNameFieldNumber, "m");
      out.Message(ModelInferResponse::kOutputsFieldNumber, [&](MessageWriter& out) {
        out.Field(OutputTensor::kNameFieldNumber, data);
        out.Packed(OutputTensor::kShapeFieldNumber, shape);
        out.Message(OutputTensor::kContentsFieldNumber, [](MessageWriter&) {});
      });
      out.Always(ModelInferResponse::kRawOutputContentsFieldNumber, "");
      out.Always(ModelInferResponse::kRawOutputContentsFieldNumber, data);
    });
    EXPECT_EQ(message.model_name(), "m");
    ASSERT_EQ(message.outputs_size(), 1);
    EXPECT_EQ(message.outputs(0).name(), data);
    EXPECT_EQ(
        std::vector<int64_t>(message.outputs(0).shape().begin(), message.outputs(0).shape().end()),
        std::vector<int64_t>(shape.begin(), shape.end()));
    EXPECT_TRUE(message.outputs(0).has_contents());
    ASSERT_EQ(message.raw_output_contents_size(), 2);
    EXPECT_EQ(message.raw_output_contents(0), "");
    EXPECT_EQ(message.raw_output_contents(1), data);
  }
}

TEST(MessageWriterTest, LeavesOutDefaultsUnlessToldNotTo) {
  grpc::ByteBuffer bytes;
  MessageWriter::WriteTo(&bytes, [](MessageWriter& out) {
    out.Field(v1::Provenance::kKindFieldNumber, 0);
    out.Field(v1::Provenance::kKeyFieldNumber, "");
    out.Packed(OutputTensor::kShapeFieldNumber, {});
  });
  EXPECT_EQ(bytes.Length(), 0);

  const auto zero = Read<InferParameter>(
      [](MessageWriter& out) { out.Always(InferParameter::kInt64ParamFieldNumber, 0); });
  EXPECT_EQ(zero.parameter_choice_case(), InferParameter::kInt64Param);
}

TEST(MessageWriterTest, ReplacesWhatTheBufferHeld) {
  const grpc::Slice old("old");
  grpc::ByteBuffer bytes(&old, 1);
  MessageWriter::WriteTo(&bytes, [](MessageWriter&) {});
  EXPECT_EQ(bytes.Length(), 0);
}

}  // namespace
}  // namespace souvenir::gateway
