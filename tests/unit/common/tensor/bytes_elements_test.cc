#include "common/tensor/bytes_elements.h"

#include <gtest/gtest.h>

#include <string>

namespace souvenir {
namespace {

using namespace std::string_literals;

TEST(BytesElementsTest, FramesWithALittleEndianLength) {
  EXPECT_EQ(FrameBytesElement("ab"), "\x02\0\0\0ab"s);
  EXPECT_EQ(FrameBytesElement(""), "\0\0\0\0"s);
  EXPECT_EQ(FrameBytesElement(std::string(300, 'x')).substr(0, 4), "\x2c\x01\0\0"s);
}

TEST(BytesElementsTest, ReadsBackWhatWasAppended) {
  std::string data;
  for (const std::string& element : {"one"s, ""s, "\0two"s}) AppendBytesElement(element, &data);
  BytesElementReader reader(data);
  EXPECT_EQ(reader.remaining(), data.size());
  EXPECT_EQ(reader.Next(), "one");
  EXPECT_EQ(reader.Next(), "");
  EXPECT_FALSE(reader.complete());
  EXPECT_EQ(reader.Next(), "\0two"s);
  EXPECT_TRUE(reader.complete());
  EXPECT_EQ(reader.Next(), std::nullopt);
}

TEST(BytesElementsTest, StopsWhereTheFramingBreaks) {
  for (const std::string& data : {"\x01"s, "\x01\0\0"s, "\x01\0\0\0"s, "\x05\0\0\0four"s,
                                  "\xff\xff\xff\xff"s, "\xff\xff\xff\xffx"s}) {
    BytesElementReader reader(data);
    EXPECT_EQ(reader.Next(), std::nullopt);
    EXPECT_FALSE(reader.complete());
    EXPECT_EQ(reader.remaining(), data.size());
  }
}

}  // namespace
}  // namespace souvenir
