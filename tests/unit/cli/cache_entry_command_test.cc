#include "cli/cache_entry_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/tensor/bytes_elements.h"
#include "common/tensor/tensor_codec.h"
#include "tests/unit/cli/command_line_fixture.h"

namespace souvenir::cli {
namespace {

using ::testing::HasSubstr;

const std::string kKey(64, 'a');

class CacheEntryTest : public CommandLineTest {};

TEST_F(CacheEntryTest, CacheEntryShowsWhatIsKept) {
  auto& entry = gateway_.cache.entry;
  entry.set_key(kKey);
  entry.set_tier(souvenir::v1::CACHE_KIND_DISK);
  entry.set_model("m");
  entry.set_value_bytes(2048);
  entry.mutable_created_at()->set_seconds(absl::ToUnixSeconds(clock_.Now()) - 200);
  entry.mutable_compute_time()->set_nanos(2'500'000);
  EXPECT_EQ(Run({"cache", "entry", kKey}), 0);
  EXPECT_EQ(out_, "key      " + kKey +
                      "\n"
                      "tier     disk\n"
                      "model    m\n"
                      "size     2 KiB\n"
                      "created  2025-12-31 23:56:40 UTC (3 min 20 s ago)\n"
                      "expires  never\n"
                      "cost     2.5 ms\n");
  EXPECT_EQ(Run({"cache", "entry", std::string(64, 'b')}), 1);
  EXPECT_THAT(err_, HasSubstr("NOT_FOUND"));
}

TEST_F(CacheEntryTest, CacheEntryDecodesTheOutputs) {
  const std::vector<int64_t> shape = {1, 2};
  const std::string text = FrameBytesElement("señor\x1b") + FrameBytesElement("\xff");
  auto& entry = gateway_.cache.entry;
  entry.set_key(kKey);
  entry.set_value(EncodeTensors({TensorView{"text", DataType::kBytes, shape, text},
                                 TensorView{"count", DataType::kInt32, shape,
                                            std::string_view("\5\0\0\0\xff\xff\xff\xff", 8)}}));
  EXPECT_EQ(Run({"cache", "entry", kKey, "--with-value"}), 0);
  EXPECT_THAT(out_, HasSubstr("\ntext BYTES[1,2]\n  señor\\x1b\n  \\xff\n"
                              "count INT32[1,2]\n  5 -1\n"));
  EXPECT_EQ(Run({"cache", "entry", kKey, "--with-value", "--json"}), 0);
  EXPECT_THAT(
      out_,
      HasSubstr(
          R"("outputs":[{"name":"text","datatype":"BYTES","shape":[1,2],"data":["señor\u001b",)"
          R"({"b64":"/w=="}]},{"name":"count","datatype":"INT32","shape":[1,2],"data":[5,-1]}]})"));
  entry.set_value("of a later version");
  EXPECT_EQ(Run({"cache", "entry", kKey, "--with-value"}), 0);
  EXPECT_THAT(out_, HasSubstr("another version"));
}

TEST_F(CacheEntryTest, CacheEntryShowsARememberedRefusal) {
  auto& entry = gateway_.cache.entry;
  entry.set_key(kKey);
  entry.mutable_refusal()->set_code(grpc::StatusCode::INVALID_ARGUMENT);
  entry.mutable_refusal()->set_message("too\x1b long");
  EXPECT_EQ(Run({"cache", "entry", kKey}), 0);
  EXPECT_THAT(out_, HasSubstr("refusal  INVALID_ARGUMENT: too\\x1b long\n"));
}

}  // namespace
}  // namespace souvenir::cli
