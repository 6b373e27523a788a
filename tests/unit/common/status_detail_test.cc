#include "common/status_detail.h"

#include <gtest/gtest.h>

#include <string>

namespace souvenir {
namespace {

TEST(StatusDetailTest, ADetailTravelsWithTheStatusAndIsNoPartOfItsMessage) {
  const absl::Status status =
      WithDetail(absl::UnavailableError("compute cannot be reached"), "compute at 10.0.0.1:8011");
  const absl::Status copy = status;
  EXPECT_EQ(copy.message(), "compute cannot be reached");
  EXPECT_EQ(DetailOf(copy), "compute at 10.0.0.1:8011");
  EXPECT_EQ(Explanation(copy), "compute at 10.0.0.1:8011");
  EXPECT_EQ(DetailOf(absl::InternalError("x")), "");
  EXPECT_EQ(Explanation(absl::InternalError("x")), "x");
}

TEST(WithoutPathsTest, OfAnAbsolutePathTheLastPartIsLeft) {
  EXPECT_EQ(WithoutPaths("cannot read /opt/models/m/1/model.pt: no such file"),
            "cannot read model.pt: no such file");
  EXPECT_EQ(WithoutPaths("/opt/a.txt"), "a.txt");
  EXPECT_EQ(WithoutPaths("no folder 'm' in '/opt/all models/'."), "no folder 'm' in 'all models'.");
  EXPECT_EQ(WithoutPaths("File \"/usr/lib/x.py\", line 3"), "File \"x.py\", line 3");
  EXPECT_EQ(WithoutPaths("path=/a/b, and (/c/d) or /e/f."), "path=b, and (d) or f.");
  EXPECT_EQ(WithoutPaths("file:/a/b"), "file:b");
}

TEST(WithoutPathsTest, WhatIsNoPathStays) {
  for (const char* text :
       {"", "words and/or n/a", "1/2 of it", "see https://a.example/b/c", "models/m/config.pbtxt",
        "./a/b", "../a", "a / b", "/", "km/h", "\xc3\xa9/a"}) {
    EXPECT_EQ(WithoutPaths(text), text);
  }
}

TEST(WithoutPathsTest, TheFormerMessageIsTheDetailUnlessItIsToBeDropped) {
  const absl::Status status = absl::NotFoundError("no /a/b");
  EXPECT_EQ(WithoutPaths(status, Detail::kKeep).message(), "no b");
  EXPECT_EQ(WithoutPaths(status, Detail::kKeep).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(DetailOf(WithoutPaths(status, Detail::kKeep)), "no /a/b");
  EXPECT_EQ(DetailOf(WithoutPaths(status, Detail::kDrop)), "");
  EXPECT_EQ(DetailOf(WithoutPaths(WithDetail(status, "known"), Detail::kDrop)), "known");
  EXPECT_TRUE(WithoutPaths(absl::OkStatus(), Detail::kKeep).ok());
}

}  // namespace
}  // namespace souvenir
