#include "gateway/resolve/freshness.h"

#include <gtest/gtest.h>

#include "tests/fakes/manual_clock.h"
#include "tests/unit/cache/test_entries.h"
#include "tests/unit/gateway/test_models.h"

namespace souvenir::gateway {
namespace {

cache::EntryPtr EntryMadeAt(absl::Time at, absl::StatusCode code = absl::StatusCode::kOk) {
  return cache::MakeEntry("a", "v", [&](cache::Entry::Fields& fields) {
    fields.created_at = at;
    fields.code = code;
    fields.origin = cache::Origin::Create({"", "m", "1", "digest-of-m"});
  });
}

// Returns a catalog with the model "m", and `policy` as its configuration.
std::unique_ptr<Catalog> CatalogWith(const config::v1::ModelPolicy& policy) {
  auto catalog = std::make_unique<Catalog>(Catalog::Options{.policies = {{"m", policy}}});
  souvenir::state::v1::KnownModels models;
  *models.add_models() = TextModel("m", "in", "out");
  catalog->Update(models);
  return catalog;
}

TEST(FreshnessPolicyTest, WhatIsExportedAndShownIsFreshByThePolicyOfNow) {
  ManualClock clock;
  const auto answer = EntryMadeAt(clock.Now());
  const auto refusal = EntryMadeAt(clock.Now(), absl::StatusCode::kInvalidArgument);
  clock.Advance(absl::Seconds(10));
  config::v1::ModelPolicy policy;
  EXPECT_TRUE(IsFresh(*answer, *CatalogWith(policy), clock));
  EXPECT_FALSE(IsFresh(*refusal, *CatalogWith(policy), clock));
  policy.set_ttl_seconds(10);
  policy.set_error_ttl_seconds(11);
  EXPECT_FALSE(IsFresh(*answer, *CatalogWith(policy), clock));
  EXPECT_TRUE(IsFresh(*refusal, *CatalogWith(policy), clock));
  EXPECT_FALSE(IsFresh(*EntryMadeAt(clock.Now() + absl::Seconds(1)), *CatalogWith(policy), clock));
}

TEST(FreshnessPolicyTest, TheConfigurationHoldsForAModelThatIsGone) {
  config::v1::ModelPolicy policy;
  policy.set_ttl_seconds(10);
  const auto catalog = CatalogWith(policy);
  EXPECT_EQ(catalog->FreshnessOf("m", "7").ttl, absl::Seconds(10)) << "another version";
  catalog->Update({});
  EXPECT_EQ(catalog->FreshnessOf("m", "1").ttl, absl::Seconds(10));
  EXPECT_EQ(catalog->FreshnessOf("another", "1").ttl, absl::InfiniteDuration());
}

TEST(FreshnessPolicyTest, NoLifetimeIsTooLong) {
  config::v1::ModelPolicy policy;
  for (const uint64_t forever :
       {uint64_t{0}, uint64_t{UINT32_MAX}, uint64_t{INT64_MAX} + 1, uint64_t{UINT64_MAX}}) {
    policy.set_ttl_seconds(forever);
    EXPECT_EQ(CatalogWith(policy)->FreshnessOf("m", "1").ttl, absl::InfiniteDuration()) << forever;
  }
  policy.set_error_ttl_seconds(UINT64_MAX);
  EXPECT_EQ(CatalogWith(policy)->FreshnessOf("m", "1").error_ttl, absl::InfiniteDuration());
  policy.set_error_ttl_seconds(0);
  EXPECT_EQ(CatalogWith(policy)->FreshnessOf("m", "1").error_ttl, absl::ZeroDuration());
}

}  // namespace
}  // namespace souvenir::gateway
