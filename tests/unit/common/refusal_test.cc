#include "common/refusal.h"

#include <gtest/gtest.h>

#include "common/status_detail.h"

namespace souvenir {
namespace {

TEST(RefusalTest, ADigestTravelsWithTheStatusAndIsNoPartOfItsMessage) {
  const absl::Status status = WithModelDigest(absl::InvalidArgumentError("not this"), "d1");
  const absl::Status copy = status;
  EXPECT_EQ(copy.message(), "not this");
  EXPECT_EQ(ModelDigestOf(copy), "d1");
  EXPECT_EQ(DetailOf(copy), "");
  EXPECT_EQ(ModelDigestOf(WithDetail(copy, "row 3")), "d1");
  EXPECT_EQ(ModelDigestOf(absl::InvalidArgumentError("not this")), "");
}

}  // namespace
}  // namespace souvenir
