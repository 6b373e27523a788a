#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "common/metrics/metrics.h"
#include "tests/fakes/http_get.h"

namespace souvenir {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::unique_ptr<MetricsServer> Serve(const MetricsRegistry& registry) {
  auto server = MetricsServer::Create({.address = "127.0.0.1:0"}, &registry);
  EXPECT_TRUE(server.ok()) << server.status();
  return *std::move(server);
}

TEST(MetricsServerTest, ServesWhatCollectorsWrite) {
  MetricsRegistry registry;
  int hits = 3;
  registry.Add([&](MetricWriter& writer) {
    writer.Counter("test_hits_total", "Hits.", {{"model", "a\"b"}}, hits);
    writer.Counter("test_hits_total", "Hits.", {{"model", "c"}}, 5);
    writer.Gauge("test_size_bytes", "Size.", {}, 12.5);
    writer.Histogram("test_seconds", "Time.", {},
                     {.bounds = {0.1, 1}, .buckets = {1, 2, 3}, .sum = 7});
  });
  const auto server = Serve(registry);
  std::string page = HttpGet(server->port(), "/metrics");
  EXPECT_THAT(page, HasSubstr("200 OK"));
  EXPECT_THAT(page, AllOf(HasSubstr("# TYPE test_hits_total counter"),
                          HasSubstr("test_hits_total{model=\"a\\\"b\"} 3"),
                          HasSubstr("test_hits_total{model=\"c\"} 5")));
  EXPECT_THAT(page, HasSubstr("test_size_bytes 12.5"));
  EXPECT_THAT(page, AllOf(HasSubstr("test_seconds_bucket{le=\"0.1\"} 1"),
                          HasSubstr("test_seconds_bucket{le=\"1\"} 3"),
                          HasSubstr("test_seconds_bucket{le=\"+Inf\"} 6"),
                          HasSubstr("test_seconds_count 6"), HasSubstr("test_seconds_sum 7")));
  EXPECT_THAT(page, AllOf(HasSubstr("process_resident_memory_bytes"),
                          HasSubstr("process_cpu_seconds_total"), HasSubstr("process_open_fds"),
                          HasSubstr("process_start_time_seconds")));
  hits = 4;
  EXPECT_THAT(HttpGet(server->port(), "/metrics"),
              HasSubstr("test_hits_total{model=\"a\\\"b\"} 4"));
}

TEST(MetricsServerTest, AClearedRegistryAsksNobody) {
  MetricsRegistry registry;
  registry.Add([](MetricWriter& writer) { writer.Gauge("test_gauge", "A number.", {}, 1); });
  const auto server = Serve(registry);
  EXPECT_THAT(HttpGet(server->port(), "/metrics"), HasSubstr("test_gauge"));
  registry.Clear();
  EXPECT_THAT(HttpGet(server->port(), "/metrics"),
              AllOf(HasSubstr("process_"), Not(HasSubstr("test_gauge"))));
}

TEST(MetricsServerTest, SaysWhichAddressIsTaken) {
  MetricsRegistry registry;
  const auto server = Serve(registry);
  const std::string taken = "127.0.0.1:" + std::to_string(server->port());
  const absl::Status status = MetricsServer::Create({.address = taken}, &registry).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr(taken), HasSubstr("--metrics")));
}

TEST(MetricsServerTest, ListensNoMoreOnceItIsGone) {
  MetricsRegistry registry;
  auto server = Serve(registry);
  const int port = server->port();
  server.reset();
  EXPECT_EQ(HttpGet(port, "/metrics"), "");
}

}  // namespace
}  // namespace souvenir
