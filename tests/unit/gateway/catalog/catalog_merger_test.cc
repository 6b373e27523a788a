#include "gateway/catalog/catalog_merger.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "tests/unit/gateway/test_models.h"

namespace souvenir::gateway {
namespace {

using souvenir::state::v1::KnownModel;
using souvenir::state::v1::KnownModels;

KnownModel Model(const std::string& name, const std::string& digest,
                 const std::string& state = "READY") {
  KnownModel model = TextModel(name, "in", "out");
  (*model.mutable_metadata()->mutable_properties())["souvenir.digest"] = digest;
  model.set_state(state);
  return model;
}

// Tests with endpoints whose models a test sets, and a catalog that follows them.
class CatalogMergerTest : public testing::Test {
 protected:
  void Says(size_t endpoint, const std::vector<KnownModel>& models, bool from_start = false) {
    KnownModels all;
    for (const KnownModel& model : models) *all.add_models() = model;
    endpoints_.resize(std::max(endpoints_.size(), endpoint + 1));
    endpoints_[endpoint] = {std::make_shared<const KnownModels>(all), true, from_start};
  }
  void IsAway(size_t endpoint) {
    endpoints_.resize(std::max(endpoints_.size(), endpoint + 1));
    endpoints_[endpoint].answers = false;
  }

  // Merges, and returns the digest and the state that the catalog then has for the model.
  std::string Merged(const std::string& name = "m") {
    const auto merged = merger_.Merge(endpoints_, *catalog_.snapshot());
    if (merged) catalog_.Update(*merged);
    for (CatalogMerger::Described& endpoint : endpoints_) endpoint.from_start = false;
    const auto model = catalog_.snapshot()->Find(name, "");
    if (!model.ok()) return "none";
    return (*model)->digest + ((*model)->ready() ? "" : " " + (*model)->known.state());
  }

  Catalog catalog_{{}};
  CatalogMerger merger_;
  std::vector<CatalogMerger::Described> endpoints_;
};

TEST_F(CatalogMergerTest, AModelIsReadyWhereAnyEndpointHasItReady) {
  Says(0, {Model("m", "d1", "UNAVAILABLE"), Model("a", "d")});
  Says(1, {Model("m", "d1"), Model("b", "d")});
  EXPECT_EQ(Merged(), "d1");
  EXPECT_EQ(Merged("a"), "d");
  EXPECT_EQ(Merged("b"), "d");
  Says(1, {Model("m", "d1", "UNAVAILABLE")});
  EXPECT_EQ(Merged(), "d1 UNAVAILABLE");
  EXPECT_EQ(Merged("b"), "none");
}

TEST_F(CatalogMergerTest, WhileNobodyAnswersNothingChanges) {
  IsAway(0);
  EXPECT_FALSE(merger_.Merge(endpoints_, *catalog_.snapshot()));
  Says(0, {Model("m", "d1")});
  EXPECT_EQ(Merged(), "d1");
  IsAway(0);
  EXPECT_FALSE(merger_.Merge(endpoints_, *catalog_.snapshot()));
}

TEST_F(CatalogMergerTest, WhatHasNotChangedIsNotMergedAgain) {
  Says(0, {Model("m", "d1")});
  Says(1, {Model("m", "d1")});
  EXPECT_EQ(Merged(), "d1");
  EXPECT_FALSE(merger_.Merge(endpoints_, *catalog_.snapshot()));
  IsAway(1);
  EXPECT_TRUE(merger_.Merge(endpoints_, *catalog_.snapshot()));
  EXPECT_FALSE(merger_.Merge(endpoints_, *catalog_.snapshot()));
  Says(0, {Model("m", "d2")});
  EXPECT_EQ(Merged(), "d2");
  endpoints_.pop_back();
  EXPECT_TRUE(merger_.Merge(endpoints_, *catalog_.snapshot()));
}

TEST_F(CatalogMergerTest, WhatOnlyOneHasThatIsAwayIsStillKnown) {
  Says(0, {Model("m", "d1"), Model("a", "d")});
  Says(1, {Model("m", "d1")});
  EXPECT_EQ(Merged("a"), "d");
  IsAway(0);
  EXPECT_EQ(Merged("a"), "d");
  Says(1, {Model("m", "d1"), Model("a", "d", "LOADING")});
  EXPECT_EQ(Merged("a"), "d LOADING") << "one that answers knows better";
  Says(0, {Model("m", "d1")});
  Says(1, {Model("m", "d1")});
  EXPECT_EQ(Merged("a"), "none");
}

TEST_F(CatalogMergerTest, OfReplicasThatAreReplacedTheNewestCounts) {
  Says(0, {Model("m", "d1")}, true);
  Says(1, {Model("m", "d1")}, true);
  EXPECT_EQ(Merged(), "d1");
  IsAway(1);
  EXPECT_EQ(Merged(), "d1");
  Says(1, {Model("m", "d2")});
  EXPECT_EQ(Merged(), "d2");
  Says(0, {Model("m", "d1")});
  EXPECT_EQ(Merged(), "d2") << "and stays";
  IsAway(0);
  EXPECT_EQ(Merged(), "d2");
  Says(0, {Model("m", "d1")});
  EXPECT_EQ(Merged(), "d2") << "one that only was away has nothing newer";
  Says(0, {Model("m", "d2")});
  EXPECT_EQ(Merged(), "d2");
  Says(1, {Model("m", "d1")});
  EXPECT_EQ(Merged(), "d1") << "taken back: loaded last";
}

TEST_F(CatalogMergerTest, WhenTheNewestIsNowhereReadyTheNextCounts) {
  Says(0, {Model("m", "d1")});
  EXPECT_EQ(Merged(), "d1");
  Says(1, {Model("m", "d2")});
  EXPECT_EQ(Merged(), "d2");
  IsAway(1);
  EXPECT_EQ(Merged(), "d1");
  Says(1, {Model("m", "d2")});
  EXPECT_EQ(Merged(), "d2");
  Says(1, {Model("m", "d2", "UNAVAILABLE")});
  EXPECT_EQ(Merged(), "d1");
}

TEST_F(CatalogMergerTest, OfWhatWasThereBeforeUsWhatTheCatalogHasStays) {
  KnownModels kept;
  *kept.add_models() = Model("m", "d2");
  catalog_.Update(kept);
  Says(0, {Model("m", "d2")}, true);
  EXPECT_EQ(Merged(), "d2");
  Says(1, {Model("m", "d1")}, true);
  EXPECT_EQ(Merged(), "d2") << "looked at later, and not newer";
  Says(2, {Model("m", "d3")});
  EXPECT_EQ(Merged(), "d3") << "came later";
}

TEST_F(CatalogMergerTest, ADigestThatTheCatalogHadAndNobodyHasIsGone) {
  KnownModels kept;
  *kept.add_models() = Model("m", "d0");
  catalog_.Update(kept);
  Says(0, {Model("m", "d1")}, true);
  EXPECT_EQ(Merged(), "d1");
}

}  // namespace
}  // namespace souvenir::gateway
