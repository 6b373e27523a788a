#include "common/sha256.h"

#include <gtest/gtest.h>
#include <openssl/sha.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace souvenir {
namespace {

std::string HashOf(const std::vector<std::string_view>& parts) {
  Sha256 hash;
  for (const std::string_view part : parts) hash.Add(part);
  return HexString(hash.Finish());
}

// Returns the bytes of `number`, lowest first.
std::string LittleEndian(uint64_t number) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>((number >> (8 * i)) & 0xff);
  return bytes;
}

TEST(Sha256Test, OfNothingIsTheKnownValue) {
  EXPECT_EQ(HashOf({}), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Sha256Test, HashesEachPartAfterItsLength) {
  const std::string bytes = LittleEndian(3) + "abc" + LittleEndian(7);
  Sha256Digest expected;
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), expected.data());
  Sha256 hash;
  hash.Add("abc");
  hash.Add(uint64_t{7});
  EXPECT_EQ(hash.Finish(), expected);
}

TEST(Sha256Test, IsTheSameHoweverPartsAreGathered) {
  for (size_t first = 0; first < 300; ++first) {
    for (const size_t second : {0u, 1u, 255u, 256u, 257u, 5000u}) {
      const std::string a(first, 'a');
      const std::string b(second, 'b');
      const std::string bytes = LittleEndian(first) + a + LittleEndian(second) + b;
      Sha256Digest expected;
      SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), expected.data());
      EXPECT_EQ(HashOf({a, b}), HexString(expected)) << first << " and " << second;
    }
  }
}

TEST(Sha256Test, PartsDoNotRunTogether) {
  EXPECT_NE(HashOf({"ab", "c"}), HashOf({"a", "bc"}));
  EXPECT_NE(HashOf({"ab"}), HashOf({"ab", ""}));
  EXPECT_EQ(HashOf({"ab", "c"}), HashOf({"ab", "c"}));
}

TEST(Sha256Test, HexIsLowerCaseAndComplete) {
  Sha256Digest digest{};
  digest[0] = 0xAB;
  digest[31] = 0x0F;
  EXPECT_EQ(HexString(digest), "ab" + std::string(60, '0') + "0f");
}

}  // namespace
}  // namespace souvenir
