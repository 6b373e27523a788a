#include "cache/fingerprint.h"

#include <gtest/gtest.h>

#include "tests/unit/cache/test_entries.h"

namespace souvenir::cache {
namespace {

TEST(FingerprintTest, HexIsReadBack) {
  const Fingerprint key = KeyOf("a");
  EXPECT_EQ(key.Hex().size(), 64u);
  EXPECT_EQ(Fingerprint::FromHex(key.Hex()), key);
}

TEST(FingerprintTest, UpperCaseIsRead) {
  EXPECT_EQ(Fingerprint::FromHex(std::string(64, 'A')), Fingerprint::FromHex(std::string(64, 'a')));
}

TEST(FingerprintTest, WhatIsNotSixtyFourHexDigitsIsRefused) {
  EXPECT_FALSE(Fingerprint::FromHex(""));
  EXPECT_FALSE(Fingerprint::FromHex(std::string(63, 'a')));
  EXPECT_FALSE(Fingerprint::FromHex(std::string(65, 'a')));
  EXPECT_FALSE(Fingerprint::FromHex(std::string(63, 'a') + "g"));
}

TEST(FingerprintTest, PartsDoNotRunTogether) {
  Sha256 first;
  first.Add("ab");
  first.Add("c");
  const Sha256Digest ab_c = first.Finish();
  Sha256 second;
  second.Add("a");
  second.Add("bc");
  EXPECT_NE(ab_c, second.Finish());
}

}  // namespace
}  // namespace souvenir::cache
