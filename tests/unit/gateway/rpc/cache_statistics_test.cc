#include "gateway/rpc/cache_statistics.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/unit/gateway/test_models.h"

namespace souvenir::gateway {
namespace {

class CacheStatisticsTest : public ::testing::Test {
 protected:
  CacheStatisticsTest() {
    souvenir::state::v1::KnownModels models;
    *models.add_models() = TextModel("m", "in", "out");
    catalog_.Update(models);
    counters_ = (*catalog_.snapshot()->Find("m", ""))->counters;
  }

  void Count(CacheKind kind, int rows) {
    for (int i = 0; i < rows; ++i) counters_->Count(kind, absl::ZeroDuration());
  }

  Catalog catalog_{{}};
  std::shared_ptr<ModelCounters> counters_;
  inference::ModelStatisticsResponse statistics_;
};

TEST_F(CacheStatisticsTest, HitsAreSuccessesAndMissesComputesOwn) {
  auto* const model = statistics_.add_model_stats();
  model->set_name("m");
  model->set_inference_count(3);
  model->mutable_inference_stats()->mutable_success()->set_count(3);
  Count(CacheKind::kMiss, 3);
  Count(CacheKind::kMemory, 4);
  Count(CacheKind::kDisk, 2);
  Count(CacheKind::kStale, 1);
  Count(CacheKind::kCoalesced, 5);
  Count(CacheKind::kNegative, 6);
  Count(CacheKind::kBypass, 7);
  counters_->CountHitTime(absl::Microseconds(9));
  AddCacheStatistics(catalog_, &statistics_);
  const auto& stats = statistics_.model_stats(0).inference_stats();
  EXPECT_EQ(stats.cache_hit().count(), 4u + 2 + 1 + 6);
  EXPECT_EQ(stats.cache_hit().ns(), 9'000u);
  EXPECT_EQ(stats.cache_miss().count(), 3u + 5);
  EXPECT_EQ(stats.success().count(), 3u + 4 + 2 + 1 + 5);
  EXPECT_EQ(stats.fail().count(), 6u);
  EXPECT_EQ(statistics_.model_stats(0).inference_count(), 3u);
}

TEST_F(CacheStatisticsTest, OfSeveralVersionsTheLastHasThem) {
  for (const char* name : {"m", "m", "other"}) statistics_.add_model_stats()->set_name(name);
  Count(CacheKind::kMemory, 1);
  AddCacheStatistics(catalog_, &statistics_);
  EXPECT_EQ(statistics_.model_stats(0).inference_stats().cache_hit().count(), 0u);
  EXPECT_EQ(statistics_.model_stats(1).inference_stats().cache_hit().count(), 1u);
  EXPECT_EQ(statistics_.model_stats(2).inference_stats().cache_hit().count(), 0u);
}

}  // namespace
}  // namespace souvenir::gateway
