#include "gateway/rpc/statistics_sum.h"

#include <gtest/gtest.h>

namespace souvenir::gateway {
namespace {

TEST(StatisticsSumTest, AddsUpByModelVersionAndBatchSize) {
  inference::ModelStatisticsResponse one;
  auto* const model = one.add_model_stats();
  model->set_name("m");
  model->set_version("1");
  model->set_inference_count(3);
  model->set_last_inference(70);
  model->mutable_inference_stats()->mutable_success()->set_ns(5);
  auto* const batch = model->add_batch_stats();
  batch->set_batch_size(2);
  batch->mutable_compute_infer()->set_count(1);

  inference::ModelStatisticsResponse sum;
  AddStatistics(one, &sum);
  model->set_last_inference(90);
  batch->set_batch_size(4);
  one.add_model_stats()->set_name("other");
  AddStatistics(one, &sum);

  ASSERT_EQ(sum.model_stats_size(), 2);
  const inference::ModelStatistics& summed = sum.model_stats(0);
  EXPECT_EQ(summed.name(), "m");
  EXPECT_EQ(summed.inference_count(), 6u);
  EXPECT_EQ(summed.last_inference(), 90u);
  EXPECT_EQ(summed.inference_stats().success().ns(), 10u);
  ASSERT_EQ(summed.batch_stats_size(), 2);
  EXPECT_EQ(summed.batch_stats(1).batch_size(), 4u);
  EXPECT_EQ(sum.model_stats(1).name(), "other");
}

}  // namespace
}  // namespace souvenir::gateway
