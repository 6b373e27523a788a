#include "common/byte_codec.h"

#include <gtest/gtest.h>

namespace souvenir {
namespace {

using namespace std::string_literals;

std::string Number(uint64_t number) {
  ByteWriter writer(0);
  writer.Number(number);
  return std::move(writer).Finish();
}

TEST(ByteCodecTest, NumbersTakeAByteForEverySevenBits) {
  EXPECT_EQ(Number(0), "\0"s);
  EXPECT_EQ(Number(127), "\x7f");
  EXPECT_EQ(Number(128), "\x80\x01");
  EXPECT_EQ(Number(UINT64_MAX), "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
}

TEST(ByteCodecTest, NumbersOfAnySizeComeBack) {
  for (int bit = 0; bit < 64; ++bit) {
    for (const uint64_t number : {uint64_t{1} << bit, (uint64_t{1} << bit) - 1}) {
      const std::string bytes = Number(number);
      ByteReader reader(bytes);
      EXPECT_EQ(reader.Number(), number);
      EXPECT_TRUE(reader.ok() && reader.at_end()) << number;
      for (size_t size = 0; size < bytes.size(); ++size) {
        ByteReader cut_off(std::string_view(bytes).substr(0, size));
        EXPECT_EQ(cut_off.Number(), 0u);
        EXPECT_FALSE(cut_off.ok()) << number;
      }
    }
  }
}

TEST(ByteCodecTest, NumbersHaveOneFormOnly) {
  for (const std::string& bytes : {"\x80\x00"s, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"s,
                                   "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81\x01"s}) {
    ByteReader reader(bytes);
    reader.Number();
    EXPECT_FALSE(reader.ok());
  }
}

TEST(ByteCodecTest, NothingIsReadBehindWhatIsCutOff) {
  ByteWriter writer(0);
  writer.Text("text");
  writer.Fixed(uint32_t{7});
  const std::string bytes = std::move(writer).Finish();
  ByteReader whole(bytes);
  EXPECT_EQ(whole.Text(), "text");
  EXPECT_EQ(whole.Fixed<uint32_t>(), 7u);
  EXPECT_TRUE(whole.ok() && whole.at_end());

  ByteReader reader(std::string_view(bytes).substr(0, bytes.size() - 1));
  EXPECT_EQ(reader.Text(), "text");
  EXPECT_EQ(reader.Fixed<uint32_t>(), 0u);
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.Rest(), "");
}

}  // namespace
}  // namespace souvenir
