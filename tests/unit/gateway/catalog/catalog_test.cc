#include "gateway/catalog/catalog.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <string>

#include "common/clock.h"
#include "common/status_detail.h"
#include "tests/unit/cache/test_entries.h"
#include "tests/unit/gateway/test_models.h"

namespace souvenir::gateway {
namespace {

using souvenir::state::v1::KnownModel;
using souvenir::state::v1::KnownModels;

KnownModels Models(std::initializer_list<KnownModel> list) {
  KnownModels models;
  for (const KnownModel& model : list) *models.add_models() = model;
  return models;
}

KnownModel Version(const std::string& version, const std::string& state = "READY") {
  KnownModel model = TextModel("m", "in", "out");
  model.set_version(version);
  model.set_state(state);
  return model;
}

TEST(CatalogTest, TheNewestReadyVersionIsTheOneThatIsMeant) {
  Catalog catalog({});
  EXPECT_FALSE(catalog.known());
  catalog.Update(Models({Version("10"), Version("9"), Version("11", "UNAVAILABLE")}));
  EXPECT_TRUE(catalog.known());
  EXPECT_EQ((*catalog.snapshot()->Find("m", ""))->version(), "10");
  EXPECT_EQ((*catalog.snapshot()->Find("m", "9"))->version(), "9");
  EXPECT_EQ((*catalog.snapshot()->Find("m", "11"))->ready(), false);
}

TEST(CatalogTest, WhatIsNotThereIsToldWithWhatIs) {
  Catalog catalog({});
  catalog.Update(Models({Version("1"), TextModel("other", "in", "out")}));
  const auto model = catalog.snapshot()->Find("x", "");
  EXPECT_EQ(model.status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(model.status().message(), "no model 'x'; there are: m, other");
  EXPECT_EQ(catalog.snapshot()->Find("m", "7").status().message(),
            "no version '7' of model 'm'; there are: 1");
}

TEST(CatalogTest, OfManyModelsTheNearestAreToldAndTheOthersCounted) {
  Catalog catalog({});
  KnownModels models;
  for (int i = 0; i < 1000; ++i) {
    *models.add_models() = TextModel(fmt::format("apertium-{}", i), "in", "out");
  }
  *models.add_models() = TextModel("primes", "in", "out");
  catalog.Update(models);
  const std::string message(catalog.snapshot()->Find("prims", "").status().message());
  EXPECT_EQ(message.find("no model 'prims'; there are: primes, apertium-0, "), 0u) << message;
  EXPECT_NE(message.find(" and 981 more"), std::string::npos) << message;
}

TEST(CatalogTest, ComputeWithoutModelsHasAnswered) {
  Catalog catalog({.compute_address = "10.0.0.7:8011"});
  const absl::Status unknown = catalog.CheckKnown();
  EXPECT_EQ(unknown.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(unknown.message(),
            "no model is known yet, because compute has never answered this gateway");
  EXPECT_EQ(DetailOf(unknown), "compute at 10.0.0.7:8011 has never answered");
  catalog.Update({});
  EXPECT_TRUE(catalog.CheckKnown().ok());
  EXPECT_EQ(catalog.snapshot()->Find("x", "").status(),
            absl::NotFoundError("no model 'x'; compute has none"));
}

TEST(CatalogTest, ThePolicyWinsOverTheModelsOwnWord) {
  souvenir::config::v1::ModelPolicy policy;
  policy.set_cache(false);
  policy.set_row_exact(false);
  policy.set_ttl_seconds(60);
  Catalog catalog({.policies = {{"m", policy}}});
  catalog.Update(Models({Version("1"), TextModel("other", "in", "out")}));
  const CatalogModelPtr model = *catalog.snapshot()->Find("m", "");
  EXPECT_FALSE(model->cached);
  EXPECT_FALSE(model->row_exact);
  EXPECT_EQ(model->freshness.ttl, absl::Seconds(60));
  const CatalogModelPtr other = *catalog.snapshot()->Find("other", "");
  EXPECT_TRUE(other->cached);
  EXPECT_TRUE(other->row_exact);
  EXPECT_EQ(other->freshness.ttl, absl::InfiniteDuration());
}

TEST(CatalogTest, AServerWithoutDigestsGetsOneFromItsMetadata) {
  KnownModel plain = Version("1");
  plain.mutable_metadata()->clear_properties();
  KnownModel changed = plain;
  changed.mutable_metadata()->mutable_inputs(0)->set_datatype("INT32");
  Catalog catalog({});
  catalog.Update(Models({plain}));
  const std::string digest = (*catalog.snapshot()->Find("m", ""))->digest;
  EXPECT_EQ(digest.size(), 64u);
  catalog.Update(Models({changed}));
  EXPECT_NE((*catalog.snapshot()->Find("m", ""))->digest, digest);
}

TEST(CatalogTest, ADigestThatKeepsChangingIsLoggedByRate) {
  Catalog catalog({});
  catalog.Update(Models({Version("1")}));
  const CatalogModelPtr model = *catalog.snapshot()->Find("m", "");
  const auto begun = Clock::System()->Monotonic();
  testing::internal::CaptureStderr();
  for (int i = 0; i < 1000; ++i) catalog.NoteStale(*model, std::to_string(i));
  const std::string lines = testing::internal::GetCapturedStderr();
  const auto seconds = absl::ToInt64Seconds(Clock::System()->Monotonic() - begun) + 2;
  EXPECT_LE(std::count(lines.begin(), lines.end(), '\n'), 10 * seconds);
}

TEST(CatalogTest, IsKnownAgainAfterARestart) {
  const TemporaryDirectory directory;
  const std::string file = directory.path() + "/catalog.pbtxt";
  Catalog({.file = file}).Update(Models({Version("1")}));
  Catalog restarted({.file = file});
  EXPECT_TRUE(restarted.known());
  EXPECT_EQ((*restarted.snapshot()->Find("m", ""))->digest, "digest-of-m");
}

TEST(CatalogTest, AFileThatIsBrokenIsReplaced) {
  const TemporaryDirectory directory;
  const std::string file = directory.path() + "/catalog.pbtxt";
  std::ofstream(file) << "models { nonsense";
  Catalog catalog({.file = file});
  EXPECT_FALSE(catalog.known());
  catalog.Update(Models({Version("1")}));
  EXPECT_TRUE(Catalog({.file = file}).known());
}

TEST(CatalogTest, ADirectoryInPlaceOfItsFileIsNoCatalog) {
  const TemporaryDirectory directory;
  Catalog catalog({.file = directory.path()});
  EXPECT_FALSE(catalog.known());
  catalog.Update(Models({Version("1")}));
  EXPECT_TRUE(catalog.known());
}

TEST(CatalogTest, AModelThatCannotBeDescribedIsWhatItWas) {
  Catalog catalog({});
  catalog.Update(Models({Version("1")}));
  KnownModel loading = Version("1", "LOADING");
  loading.clear_metadata();
  loading.clear_config();
  catalog.Update(Models({loading}));
  const CatalogModelPtr model = *catalog.snapshot()->Find("m", "");
  EXPECT_FALSE(model->ready());
  EXPECT_EQ(model->digest, "digest-of-m");
  EXPECT_TRUE(model->cached);
}

TEST(CatalogTest, ListenersHearOfChangesOnly) {
  Catalog catalog({});
  std::vector<size_t> heard;
  catalog.Listen([&](const CatalogSnapshot& now) { heard.push_back(now.models().size()); });
  catalog.Update(Models({Version("1")}));
  catalog.Update(Models({Version("1")}));
  catalog.Update(Models({Version("1"), Version("2")}));
  EXPECT_EQ(heard, (std::vector<size_t>{0, 1, 2}));
}

TEST(CatalogTest, CountersOutliveAReload) {
  Catalog catalog({});
  catalog.Update(Models({Version("1")}));
  (*catalog.snapshot()->Find("m", ""))->counters->Count(CacheKind::kMiss, {});
  catalog.Update(Models({Version("2")}));
  EXPECT_EQ((*catalog.snapshot()->Find("m", ""))->counters->rows(CacheKind::kMiss), 1u);
}

TEST(CatalogTest, ModelsThatGoUnaskedLeaveNothingButTheirNames) {
  Catalog catalog({});
  for (int round = 0; round < 100; ++round) {
    catalog.Update(Models({TextModel(fmt::format("m{}", round), "in", "out")}));
  }
  EXPECT_EQ(catalog.counters().size(), 1u);
  EXPECT_TRUE(catalog.was_known("m0"));
  EXPECT_TRUE(catalog.was_known("m99"));
  EXPECT_FALSE(catalog.was_known("m100"));
}

TEST(CatalogTest, OfNamesThatHaveGoneTheLastAreKept) {
  Catalog catalog({});
  const size_t all = Catalog::kMostGone + 100;
  for (size_t round = 0; round < all; ++round) {
    catalog.Update(Models({TextModel(fmt::format("m{}", round), "in", "out")}));
    (*catalog.snapshot()->Find(fmt::format("m{}", round), ""))
        ->counters->Count(CacheKind::kMiss, {});
    if (round == 500) catalog.Update(Models({TextModel("m0", "in", "out")}));  // m0 comes back
  }
  EXPECT_EQ(catalog.forgotten(), 99u);  // the last model is there
  EXPECT_FALSE(catalog.was_known("m1"));
  EXPECT_TRUE(catalog.was_known(fmt::format("m{}", all - 2)));
  EXPECT_TRUE(catalog.was_known("m0")) << "it went later than m500";
  catalog.Update({});
  EXPECT_LE(catalog.counters().size(), Catalog::kMostGone);
  EXPECT_GT(catalog.counters().size(), Catalog::kMostGone - 10);
}

TEST(CatalogTest, AModelThatWasAskedCountsOnWhenItComesBack) {
  Catalog catalog({});
  catalog.Update(Models({Version("1")}));
  (*catalog.snapshot()->Find("m", ""))->counters->Count(CacheKind::kMiss, {});
  catalog.Update({});
  EXPECT_EQ(catalog.counters().size(), 1u);
  catalog.Update(Models({Version("1")}));
  EXPECT_EQ((*catalog.snapshot()->Find("m", ""))->counters->rows(CacheKind::kMiss), 1u);
}

TEST(CatalogTest, ARequestUnderWayCountsThoughItsModelHasGone) {
  Catalog catalog({});
  catalog.Update(Models({Version("1")}));
  CatalogModelPtr in_use = *catalog.snapshot()->Find("m", "");
  catalog.Update({});
  in_use->counters->Count(CacheKind::kMiss, {});
  in_use.reset();
  ASSERT_EQ(catalog.counters().size(), 1u);
  EXPECT_EQ(catalog.counters()[0].second->rows(CacheKind::kMiss), 1u);
}

TEST(CatalogTest, CountersThatWereInUseGoWithALaterChange) {
  Catalog catalog({});
  catalog.Update(Models({Version("1")}));
  CatalogModelPtr in_use = *catalog.snapshot()->Find("m", "");
  catalog.Update({});
  EXPECT_EQ(catalog.counters().size(), 1u);
  in_use.reset();
  catalog.Update(Models({TextModel("other", "in", "out")}));
  EXPECT_EQ(catalog.counters().size(), 1u);
  EXPECT_EQ(catalog.counters()[0].first, "other");
}

}  // namespace
}  // namespace souvenir::gateway
