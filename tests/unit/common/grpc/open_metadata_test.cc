#include "common/grpc/open_metadata.h"

#include <gtest/gtest.h>

namespace souvenir {
namespace {

TEST(OpenMetadataTest, TheOpenCallsOfAConnectionMayHoldSoMuch) {
  const int one = 0;
  const int other = 0;
  OpenMetadata metadata(1000);
  for (uint32_t stream = 1; stream <= 128; stream += 2) {
    EXPECT_TRUE(metadata.Add(&one, stream, 1000)) << stream;
  }
  EXPECT_FALSE(metadata.Add(&one, 129, 1));
  EXPECT_TRUE(metadata.Add(&other, 1, 1000)) << "each connection by itself";
  metadata.Remove(&one, 129);
  metadata.Remove(&one, 1);
  EXPECT_EQ(metadata.bytes(&one), 63'000u);
  EXPECT_TRUE(metadata.Add(&one, 131, 600));
  EXPECT_TRUE(metadata.Add(&one, 131, 400)) << "a call may have a second block";
  EXPECT_FALSE(metadata.Add(&one, 133, 1));
  metadata.Remove(&one, 131);
  metadata.Remove(&one, 131);
  metadata.Remove(&one, 135);
  EXPECT_EQ(metadata.bytes(&one), 63'001u);
}

}  // namespace
}  // namespace souvenir
