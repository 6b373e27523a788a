#include "gateway/rpc/call_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace souvenir::gateway {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Headers = std::vector<std::pair<std::string, std::string>>;

absl::StatusOr<CallOptions> Read(const Headers& headers, bool trust_tenant = true) {
  std::multimap<grpc::string_ref, grpc::string_ref> metadata;
  for (const auto& [name, value] : headers) metadata.emplace(name, value);
  CallOptions options;
  const absl::Status read = ReadCallMetadata(metadata, trust_tenant, &options);
  if (!read.ok()) return read;
  return options;
}

std::string Refusal(const Headers& headers) {
  const absl::Status status = Read(headers).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  return std::string(status.message());
}

TEST(CallOptionsTest, ReadsWhatACallAsksFor) {
  const auto options =
      Read({{"cache-control", "no-store"}, {"souvenir-tags", "a, b"}, {"souvenir-tenant", "acme"}});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_TRUE(options->resolve.cache.no_store);
  EXPECT_THAT(options->resolve.tags, ElementsAre("a", "b"));
  EXPECT_EQ(options->tenant, "acme");
  EXPECT_FALSE(options->ignores_tenant);
}

TEST(CallOptionsTest, ATenantComesOnceOrNotAtAll) {
  EXPECT_EQ(Refusal({{"souvenir-tenant", "acme"}, {"souvenir-tenant", "other"}}),
            "souvenir-tenant: the header came several times, and one is expected");
  EXPECT_EQ(Refusal({{"souvenir-tenant", "acme"}, {"souvenir-tenant", "acme"}}),
            "souvenir-tenant: the header came several times, and one is expected");
  const auto ignored =
      Read({{"souvenir-tenant", "acme"}, {"souvenir-tenant", "other"}}, /*trust_tenant=*/false);
  ASSERT_TRUE(ignored.ok()) << ignored.status();
  EXPECT_EQ(ignored->tenant, "");
  EXPECT_TRUE(ignored->ignores_tenant);
  EXPECT_FALSE(Read({{"cache-control", "no-store"}}, /*trust_tenant=*/false)->ignores_tenant);
}

TEST(CallOptionsTest, ListsThatComeInPartsAreOneList) {
  const auto options = Read({{"cache-control", "no-store"},
                             {"cache-control", "max-age=7"},
                             {"souvenir-tags", "a"},
                             {"souvenir-tags", "b,c"}});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_TRUE(options->resolve.cache.no_store);
  EXPECT_EQ(options->resolve.cache.max_age, absl::Seconds(7));
  EXPECT_THAT(options->resolve.tags, ElementsAre("a", "b", "c"));
  EXPECT_THAT(Refusal({{"cache-control", "no-cache"}, {"cache-control", "no-cache"}}),
              HasSubstr("comes twice"));
}

TEST(CallOptionsTest, ATagIsOneNameOfAList) {
  EXPECT_TRUE(CheckTag("tag", "release 7").ok());
  EXPECT_TRUE(CheckTag("tag", std::string(256, 'x')).ok());
  EXPECT_EQ(std::string(CheckTag("tag", "a\xFF").message()),
            "tag: 'a\\xff' is no name: it is not UTF-8");
  EXPECT_FALSE(CheckTenant("tenant", "a\nb").ok());
  EXPECT_EQ(CheckTag("tag", "").message(), "tag: a name of 0 bytes came, 1 to 256 are expected");
  EXPECT_EQ(CheckTag("tag", std::string(300, 'x')).message(),
            "tag: a name of 300 bytes came, 1 to 256 are expected");
  for (const char* several : {"a,b", ",", " a", "a ", "a\n"}) {
    EXPECT_THAT(std::string(CheckTag("tag", several).message()),
                AllOf(HasSubstr("tag: '"), HasSubstr("a tag without commas")))
        << several;
  }
}

}  // namespace
}  // namespace souvenir::gateway
