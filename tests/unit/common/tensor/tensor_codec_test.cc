#include "common/tensor/tensor_codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace souvenir {
namespace {

using namespace std::string_literals;
using ::testing::ElementsAre;

const Tensor kText{"text", DataType::kBytes, {2, 1}, "\x01\0\0\0a\0\0\0\0"s};
const Tensor kScore{"score", DataType::kFp64, {}, "12345678"};

std::string Encoded() { return EncodeTensors({{kText.view(), kScore.view()}}); }

TEST(TensorCodecTest, ReadsBackWhatItWrote) {
  const std::string bytes = Encoded();
  const auto decoded = DecodedTensors::Decode(bytes);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  ASSERT_EQ(decoded->size(), 2u);
  EXPECT_EQ((*decoded)[0].name, "text");
  EXPECT_EQ((*decoded)[0].datatype, DataType::kBytes);
  EXPECT_THAT((*decoded)[0].shape, ElementsAre(2, 1));
  EXPECT_EQ((*decoded)[0].data, kText.data);
  EXPECT_TRUE((*decoded)[1].shape.empty());
  EXPECT_EQ(decoded->Find("score")->data, "12345678");
  EXPECT_EQ(decoded->Find("other"), std::nullopt);
}

// These bytes are on disks. They may change only together with the schema version of the disk tier.
TEST(TensorCodecTest, WritesTheFormatThatIsOnDisks) {
  const Tensor tensor{"ab", DataType::kInt16, {1}, "xy"};
  EXPECT_EQ(EncodeTensors({{tensor.view()}}),
            "\x01"          // tensors
            "\x07\x01\x01"  // datatype, dimensions, the dimension
            "\x02"
            "ab"
            "\x02"
            "xy"s);
}

TEST(TensorCodecTest, NoTensorsAreAByte) {
  EXPECT_EQ(EncodeTensors({}), "\0"s);
  EXPECT_EQ(DecodedTensors::Decode("\0"s)->size(), 0u);
}

TEST(TensorCodecTest, RefusesEveryPrefix) {
  const std::string bytes = Encoded();
  for (size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_FALSE(DecodedTensors::Decode(bytes.substr(0, length)).ok()) << length;
  }
}

TEST(TensorCodecTest, RefusesWhatNobodyWrote) {
  EXPECT_FALSE(DecodedTensors::Decode(Encoded() + "x").ok());
  std::string no_datatype = Encoded();
  no_datatype[1] = 0;
  EXPECT_FALSE(DecodedTensors::Decode(no_datatype).ok());
  const std::string most = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"s;  // 2^64-1
  EXPECT_FALSE(DecodedTensors::Decode(most).ok()) << "tensors";
  EXPECT_FALSE(DecodedTensors::Decode("\x01\x07"s + most).ok()) << "dimensions";
  EXPECT_FALSE(DecodedTensors::Decode("\x01\x07\x01\x01"s + most).ok()) << "name";
  EXPECT_FALSE(DecodedTensors::Decode("\x01\x07\x01\x01\0"s + most).ok()) << "data";
}

}  // namespace
}  // namespace souvenir
