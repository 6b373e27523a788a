#include "common/grpc/rpc_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <string_view>

#include "tests/fakes/manual_clock.h"

namespace souvenir {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

// Keeps gauges by method, and sums of histograms by status code.
class Recorder final : public MetricWriter {
 public:
  void Counter(std::string_view name, std::string_view, MetricLabels labels,
               double value) override {
    EXPECT_EQ(name, "test_answers_total");
    answers[Label(labels, "method") + " " + Label(labels, "code")] = value;
  }
  void Gauge(std::string_view name, std::string_view, MetricLabels labels, double value) override {
    EXPECT_EQ(name, "test_active_requests");
    active[Label(labels, "method")] = value;
  }
  void Histogram(std::string_view name, std::string_view, MetricLabels labels,
                 const HistogramSnapshot& value) override {
    EXPECT_EQ(name, "test_request_seconds");
    seconds[Label(labels, "code")] = value.sum;
  }

  std::map<std::string, double> active;
  std::map<std::string, double> answers;
  std::map<std::string, double> seconds;

 private:
  static std::string Label(const MetricLabels& labels, const std::string& name) {
    for (const auto& [label, value] : labels) {
      if (label == name) return value;
    }
    return "";
  }
};

class RpcMetricsTest : public ::testing::Test {
 protected:
  Recorder Collect() const {
    Recorder recorder;
    metrics_.Collect(recorder);
    return recorder;
  }

  ManualClock clock_;
  RpcMetrics metrics_{"test"};
};

TEST_F(RpcMetricsTest, ACallIsActiveUntilItsTimerEnds) {
  const RpcTimer first(metrics_.Method("Ask"), &clock_);
  const RpcTimer second(metrics_.Method("Ask"), &clock_);
  metrics_.Method("Tell");
  EXPECT_THAT(Collect().active, ElementsAre(Pair("Ask", 2), Pair("Tell", 0)));
  EXPECT_THAT(Collect().seconds, IsEmpty());

  clock_.Advance(absl::Seconds(3));
  first.End(grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(Collect().active, ElementsAre(Pair("Ask", 1), Pair("Tell", 0)));
  EXPECT_THAT(Collect().seconds, ElementsAre(Pair("NOT_FOUND", 3)));

  clock_.Advance(absl::Seconds(1));
  second.End(grpc::Status::OK);
  EXPECT_THAT(Collect().active, ElementsAre(Pair("Ask", 0), Pair("Tell", 0)));
  EXPECT_THAT(Collect().seconds, ElementsAre(Pair("NOT_FOUND", 3), Pair("OK", 4)));
}

TEST_F(RpcMetricsTest, AnswersCountByTheirOwnStatus) {
  const RpcTimer timer(metrics_.Method("Ask"), &clock_);
  EXPECT_THAT(Collect().answers, IsEmpty());
  timer.CountAnswers(absl::StatusCode::kOk);
  timer.CountAnswers(absl::StatusCode::kUnavailable, 2);
  timer.CountAnswers(absl::StatusCode::kOk);
  timer.End(grpc::StatusCode::OK);
  EXPECT_THAT(Collect().answers, ElementsAre(Pair("Ask OK", 2), Pair("Ask UNAVAILABLE", 2)));
}

}  // namespace
}  // namespace souvenir
