#include "gateway/gateway_figures.h"

#include <gtest/gtest.h>

#include "tests/unit/gateway/test_models.h"

namespace souvenir::gateway {
namespace {

TEST(ModelFiguresTest, OnlyModelsThatWereAskedHaveFigures) {
  Catalog catalog({});
  souvenir::state::v1::KnownModels models;
  for (const char* name : {"asked", "idle"}) *models.add_models() = TextModel(name, "in", "out");
  catalog.Update(models);
  EXPECT_TRUE(CollectModelFigures(catalog).empty());

  const auto counters = (*catalog.snapshot()->Find("asked", ""))->counters;
  counters->Count(CacheKind::kMiss, absl::ZeroDuration());
  counters->Count(CacheKind::kMemory, absl::Milliseconds(3));
  counters->Count(CacheKind::kMemory, absl::Milliseconds(4));
  const std::vector<ModelFigures> figures = CollectModelFigures(catalog);
  ASSERT_EQ(figures.size(), 1u);
  EXPECT_EQ(figures[0].model, "asked");
  EXPECT_EQ(figures[0].of(CacheKind::kMemory), 2u);
  EXPECT_EQ(figures[0].of(CacheKind::kMiss), 1u);
  EXPECT_EQ(figures[0].of(CacheKind::kDisk), 0u);
  EXPECT_EQ(figures[0].saved, absl::Milliseconds(7));
}

TEST(ModelFiguresTest, AModelThatWasAskedKeepsItsFiguresWhenItIsGone) {
  Catalog catalog({});
  souvenir::state::v1::KnownModels models;
  *models.add_models() = TextModel("m", "in", "out");
  catalog.Update(models);
  (*catalog.snapshot()->Find("m", ""))->counters->Count(CacheKind::kDisk, absl::ZeroDuration());
  catalog.Update({});
  const std::vector<ModelFigures> figures = CollectModelFigures(catalog);
  ASSERT_EQ(figures.size(), 1u);
  EXPECT_EQ(figures[0].of(CacheKind::kDisk), 1u);
}

}  // namespace
}  // namespace souvenir::gateway
