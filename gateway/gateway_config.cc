#include "gateway/gateway_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "common/config/address.h"
#include "common/config/metrics_port.h"
#include "common/config/range.h"
#include "common/grpc/connection_options.h"
#include "common/grpc/service_host.h"
#include "common/model_name.h"
#include "common/status_macros.h"
#include "gateway/catalog/catalog_poller.h"
#include "gateway/language/speech/speech_models.h"
#include "gateway/language/speech/stream_transcription.h"
#include "gateway/language/translator.h"
#include "gateway/resolve/resolver.h"
#include "gateway/rpc/speech_service.h"
#include "gateway/rpc/task_parts.h"

namespace souvenir::gateway {
namespace {

std::vector<ListenAddress> OwnAddresses(const config::v1::GatewayConfig& config) {
  return {{"listen_address", config.listen_address()},
          {"metrics_address", config.metrics_address()},
          {"admin_address", config.admin_address()}};
}

// Limited because each server has threads and connections of its own.
constexpr int kMostServers = 64;
constexpr int kLastPort = 65535;

// Distance from a service's public port to its admin port, by the defaults of both services.
constexpr int kAdminPortOffset = 2;

// Returns the field whose address `address` leads to, or "" if it leads elsewhere.
std::string_view OwnFieldAt(const config::v1::GatewayConfig& config, const std::string& address) {
  for (const auto& [field, own] : OwnAddresses(config)) {
    if (!own.empty() && LeadsTo(address, own)) return field;
  }
  return "";
}

// Shortest default keepalive. By default a gRPC server that sends nothing allows a ping every five
// minutes, and closes the connection after three that come too early.
constexpr absl::Duration kLeastKeepalive = absl::Seconds(10);

// Checks an address that is called, so that port 0 is an error.
absl::Status CheckServer(const char* name, const std::string& address) {
  SOUVENIR_RETURN_IF_ERROR(CheckAddress(name, address));
  if (PortOf(address) != 0) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("{} is \"{}\"; a port from 1 to {} is expected, because it is called", name,
                  address, kLastPort));
}

// Checks one address, or the list of addresses that replaces it.
absl::Status Check(const char* one_name, const std::string& one, const char* several_name,
                   const google::protobuf::RepeatedPtrField<std::string>& several) {
  if (several.empty()) return CheckServer(one_name, one);
  if (several.size() > kMostServers) {
    return absl::InvalidArgumentError(fmt::format("{}: {} addresses came, {} is the most",
                                                  several_name, several.size(), kMostServers));
  }
  std::set<std::string_view> there;
  for (const std::string& address : several) {
    SOUVENIR_RETURN_IF_ERROR(CheckServer(several_name, address));
    if (there.insert(address).second) continue;
    return absl::InvalidArgumentError(
        fmt::format("{}: \"{}\" came twice; each address is expected once", several_name, address));
  }
  return absl::OkStatus();
}

std::vector<std::string> All(const std::string& one,
                             const google::protobuf::RepeatedPtrField<std::string>& several) {
  if (several.empty()) return {one};
  return {several.begin(), several.end()};
}

// Refuses an address of the gateway itself among `addresses`, those of `field`.
absl::Status CheckNotOwn(const config::v1::GatewayConfig& config, std::string_view field,
                         const std::vector<std::string>& addresses) {
  for (const std::string& address : addresses) {
    const std::string_view own = OwnFieldAt(config, address);
    if (own.empty()) continue;
    return absl::InvalidArgumentError(fmt::format(
        "{}: {} is this gateway's own {}; an address of compute is expected", field, address, own));
  }
  return absl::OkStatus();
}

absl::Status CheckAdminAddresses(const config::v1::GatewayConfig& config) {
  const config::v1::Upstream& upstream = config.upstream();
  const bool off = upstream.admin_addresses().empty() && upstream.admin_address().empty();
  if (!off) {
    SOUVENIR_RETURN_IF_ERROR(Check("upstream.admin_address", upstream.admin_address(),
                                   "upstream.admin_addresses", upstream.admin_addresses()));
  }
  return CheckNotOwn(config, AdminAddressesField(config), ComputeAdminAddresses(config));
}

// REQUIRES: `policy` is a value that has a name.
cache::EvictionPolicy::Kind PolicyOf(config::v1::EvictionPolicy policy) {
  switch (policy) {
    case config::v1::S3_FIFO:
      return cache::EvictionPolicy::Kind::kS3Fifo;
    case config::v1::LRU:
      return cache::EvictionPolicy::Kind::kLru;
    case config::v1::EvictionPolicy_INT_MIN_SENTINEL_DO_NOT_USE_:
    case config::v1::EvictionPolicy_INT_MAX_SENTINEL_DO_NOT_USE_:
      break;
  }
  return cache::EvictionPolicy::Kind::kS3Fifo;
}

// Needed because the text format accepts any number as an enum's value.
absl::Status CheckPolicy(config::v1::EvictionPolicy policy) {
  if (config::v1::EvictionPolicy_IsValid(policy)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("memory.policy: {} came, S3_FIFO or LRU is expected", static_cast<int>(policy)));
}

void SetLane(const Lanes::Limits& limits, config::v1::LaneLimits* lane) {
  lane->set_max_requests(static_cast<uint32_t>(limits.max_requests));
  lane->set_max_rows(static_cast<uint32_t>(limits.max_rows));
  lane->set_max_bytes(limits.max_bytes);
}

void SetTasks(config::v1::Tasks* tasks) {
  const RocksDbTaskStore::Options store;
  const TaskEngine::Options engine;
  tasks->set_directory("");
  tasks->set_threads(4);
  tasks->set_max_running(static_cast<uint32_t>(engine.scheduler.max_running));
  tasks->set_max_input_bytes(engine.runner.max_input_bytes);
  tasks->set_max_result_bytes(engine.runner.max_result_bytes);
  tasks->set_max_lost_attempts(store.max_lost_attempts);
  tasks->set_max_job_steps(static_cast<uint32_t>(engine.submission.graph.max_steps));
  tasks->set_max_job_edges(static_cast<uint32_t>(engine.submission.graph.max_edges));
  tasks->set_max_job_bytes(engine.submission.max_job_bytes);
  tasks->set_max_steps(store.max_steps);
  tasks->set_limit_bytes(store.max_bytes);
  tasks->set_max_queues(store.max_queues);
  tasks->set_idle_timeout_ms(
      static_cast<uint32_t>(absl::ToInt64Milliseconds(TaskParts().idle_timeout)));
  tasks->set_max_submissions(static_cast<uint32_t>(engine.submission.max_open));
  tasks->set_submission_timeout_ms(
      static_cast<uint32_t>(absl::ToInt64Milliseconds(TaskParts().submission_timeout)));
  const auto seconds = [](absl::Duration duration) {
    return static_cast<uint64_t>(absl::ToInt64Seconds(duration));
  };
  tasks->set_result_ttl_seconds(seconds(engine.submission.result_ttl));
  tasks->set_max_result_ttl_seconds(seconds(engine.submission.max_result_ttl));
  tasks->set_max_delay_seconds(seconds(engine.submission.max_delay));
}

absl::Status CheckTasks(const config::v1::GatewayConfig& config) {
  const config::v1::Tasks& tasks = config.tasks();
  // A year is enough for any purpose, and a hundred still fit into all computations of time.
  constexpr uint64_t kMostSeconds = uint64_t{100} * 366 * 86'400;
  constexpr uint64_t kMostBytes = uint64_t{1} << 50;
  // A protobuf message, which records are, has at most 2 GiB.
  constexpr uint64_t kMostStepBytes = uint64_t{1} << 30;
  const struct {
    const char* field;
    uint64_t value;
    uint64_t least;
    uint64_t most;
  } ranges[] = {
      {"tasks.threads", tasks.threads(), 1, 64},
      {"tasks.max_running", tasks.max_running(), 1, 65'536},
      {"tasks.max_input_bytes", tasks.max_input_bytes(), 1, kMostStepBytes},
      {"tasks.max_result_bytes", tasks.max_result_bytes(), 1, kMostStepBytes},
      {"tasks.max_lost_attempts", tasks.max_lost_attempts(), 1, 1'000'000},
      {"tasks.max_job_steps", tasks.max_job_steps(), 1, 100'000'000},
      {"tasks.max_job_edges", tasks.max_job_edges(), 0, 1'000'000'000},
      {"tasks.max_job_bytes", tasks.max_job_bytes(), 1, kMostBytes},
      {"tasks.max_steps", tasks.max_steps(), 1, uint64_t{1} << 40},
      {"tasks.limit_bytes", tasks.limit_bytes(), 1u << 20, kMostBytes},
      {"tasks.max_queues", tasks.max_queues(), 1, 65'536},
      {"tasks.idle_timeout_ms", tasks.idle_timeout_ms(), 1, 86'400'000},
      {"tasks.max_submissions", tasks.max_submissions(), 1, 65'536},
      {"tasks.submission_timeout_ms", tasks.submission_timeout_ms(), 1, 86'400'000},
      {"tasks.result_ttl_seconds", tasks.result_ttl_seconds(), 0, tasks.max_result_ttl_seconds()},
      {"tasks.max_result_ttl_seconds", tasks.max_result_ttl_seconds(), 0, kMostSeconds},
      {"tasks.max_delay_seconds", tasks.max_delay_seconds(), 0, kMostSeconds},
  };
  for (const auto& [field, value, least, most] : ranges) {
    SOUVENIR_RETURN_IF_ERROR(CheckRange(field, value, least, most));
  }
  if (tasks.directory().empty() || config.disk().directory().empty()) return absl::OkStatus();
  // Links are followed as far as the directories exist.
  const auto path = [](const std::string& directory) {
    std::error_code error;
    const std::filesystem::path whole = std::filesystem::absolute(directory, error);
    const std::filesystem::path real = std::filesystem::weakly_canonical(whole, error);
    return ((error ? whole.lexically_normal() : real) / "").parent_path();
  };
  const std::filesystem::path wanted = path(tasks.directory());
  const std::filesystem::path below =
      wanted.lexically_relative(path(config.disk().directory() + "/cache"));
  if (wanted != path(config.disk().directory()) && (below.empty() || *below.begin() == "..")) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      fmt::format("tasks.directory is \"{}\", which the disk tier uses; jobs need a directory of "
                  "their own, such "
                  "as \"{}/tasks\"",
                  tasks.directory(), config.disk().directory()));
}

absl::Status CheckLane(const std::string& field, const config::v1::LaneLimits& lane) {
  SOUVENIR_RETURN_IF_ERROR(CheckRange(field + ".max_requests", lane.max_requests(), 1, 1'000'000));
  SOUVENIR_RETURN_IF_ERROR(CheckRange(field + ".max_rows", lane.max_rows(), 1, 1'000'000));
  return CheckRange(field + ".max_bytes", lane.max_bytes(), 1, uint64_t{1} << 40);
}

}  // namespace

// The limits of a component are those of its Options.
config::v1::GatewayConfig DefaultGatewayConfig() {
  const cache::MemoryTier::Options memory;
  const cache::DiskTier::Options disk;
  const Resolver::Options resolver;
  const Translator::Options translator;
  const CatalogPoller::Options poller;
  const auto milliseconds = [](absl::Duration duration) {
    return static_cast<uint32_t>(absl::ToInt64Milliseconds(duration));
  };
  config::v1::GatewayConfig config;
  config.set_listen_address("127.0.0.1:8001");
  config.set_metrics_address("127.0.0.1:8002");
  config.set_admin_address("127.0.0.1:8003");
  config.set_compute_address("127.0.0.1:8011");
  config.mutable_memory()->set_limit_bytes(memory.limit_bytes);
  config.mutable_memory()->set_shards(static_cast<uint32_t>(memory.shards));
  config.mutable_memory()->set_policy(config::v1::S3_FIFO);
  config.mutable_disk()->set_directory("");
  config.mutable_disk()->set_limit_bytes(disk.store.limit_bytes);
  config.mutable_disk()->set_segments(disk.store.segments);
  config.mutable_disk()->set_write_queue_bytes(disk.write_queue_bytes);
  config.mutable_disk()->set_threads(2);
  config.mutable_flights()->set_max_flights(static_cast<uint32_t>(resolver.flights.max_flights));
  config.mutable_flights()->set_max_waiters(static_cast<uint32_t>(resolver.flights.max_waiters));
  config.mutable_flights()->set_max_bytes(resolver.lanes.of(Lane::kText).max_bytes);
  config.mutable_flights()->set_max_deserted_calls(resolver.deserted.max_calls);
  config.mutable_flights()->set_max_deserted_bytes(resolver.deserted.max_bytes);
  config.mutable_translation()->set_max_text_bytes(translator.max_text_bytes);
  config.mutable_translation()->set_max_targets(static_cast<uint32_t>(translator.max_targets));
  config::v1::SpeechLimits& speech = *config.mutable_speech();
  speech.set_max_text_bytes(SpeechModels::Options().max_text_bytes);
  speech.set_upload_timeout_ms(milliseconds(SpeechService::Options().upload_timeout));
  const StreamTranscription::Options stream;
  speech.set_max_stream_segments(static_cast<uint32_t>(stream.max_segments));
  speech.set_max_interim_rows(static_cast<uint32_t>(stream.max_interim_rows));
  SetLane(resolver.lanes.of(Lane::kTranscription), speech.mutable_transcription());
  SetLane(resolver.lanes.of(Lane::kSynthesis), speech.mutable_synthesis());
  SetLane(resolver.lanes.of(Lane::kSpeech), speech.mutable_speech_to_speech());
  SetTasks(config.mutable_tasks());
  config.mutable_upstream()->set_poll_interval_ms(milliseconds(poller.interval));
  config.mutable_upstream()->set_call_timeout_ms(milliseconds(resolver.call_timeout));
  config.mutable_upstream()->set_max_waiting_rows(
      static_cast<uint32_t>(resolver.upstream.max_waiting_rows));
  config.mutable_upstream()->set_max_calls(static_cast<uint32_t>(resolver.upstream.max_calls));
  config.set_trust_tenant_header(false);
  config.set_max_message_bytes(ServiceHost::Options().max_message_bytes);
  config.set_drain_timeout_seconds(30);
  *config.mutable_metrics_port() = DefaultMetricsPort();
  config.mutable_snapshots()->set_max_streams(2);
  config.mutable_snapshots()->set_idle_timeout_ms(30'000);
  config.mutable_logging()->set_level("info");
  config.mutable_logging()->set_format("auto");
  config.mutable_logging()->set_slow_request_ms(1000);
  *config.mutable_connections() = DefaultConnections();
  config.mutable_upstream()->set_keepalive_ms(0);
  return config;
}

std::vector<std::string> ComputeAddresses(const config::v1::GatewayConfig& config) {
  return All(config.compute_address(), config.compute_addresses());
}

std::vector<std::string> ComputeAdminAddresses(const config::v1::GatewayConfig& config) {
  const config::v1::Upstream& upstream = config.upstream();
  if (!upstream.admin_addresses().empty()) {
    return {upstream.admin_addresses().begin(), upstream.admin_addresses().end()};
  }
  if (upstream.has_admin_address()) {
    return upstream.admin_address().empty() ? std::vector<std::string>{}
                                            : std::vector{upstream.admin_address()};
  }
  std::vector<std::string> derived;
  for (const std::string& address : ComputeAddresses(config)) {
    const int port = PortOf(address) + kAdminPortOffset;
    if (port > kLastPort) return {};
    derived.push_back(WithPort(address, port));
    if (!OwnFieldAt(config, derived.back()).empty()) return {};
  }
  return derived;
}

std::string AdminAddressesField(const config::v1::GatewayConfig& config) {
  const config::v1::Upstream& upstream = config.upstream();
  const bool one = upstream.has_admin_address() || config.compute_addresses_size() <= 1;
  return upstream.admin_addresses().empty() && one ? "upstream.admin_address"
                                                   : "upstream.admin_addresses";
}

absl::Duration UpstreamKeepalive(const config::v1::GatewayConfig& config) {
  const config::v1::Upstream& upstream = config.upstream();
  if (upstream.keepalive_ms() > 0) return absl::Milliseconds(upstream.keepalive_ms());
  return std::max(kLeastKeepalive, absl::Milliseconds(upstream.call_timeout_ms()) / 2);
}

cache::TieredCache::Options CacheOptions(const config::v1::GatewayConfig& config) {
  cache::TieredCache::Options options;
  options.memory.limit_bytes = config.memory().limit_bytes();
  options.memory.shards = config.memory().shards();
  options.memory.policy = PolicyOf(config.memory().policy());
  if (!config.disk().directory().empty()) {
    cache::DiskTier::Options disk;
    disk.store.directory = config.disk().directory() + "/cache";
    disk.store.limit_bytes = config.disk().limit_bytes();
    disk.store.segments = config.disk().segments();
    disk.write_queue_bytes = config.disk().write_queue_bytes();
    options.disk = std::move(disk);
  }
  return options;
}

RocksDbTaskStore::Options TaskStoreOptions(const config::v1::Tasks& tasks) {
  RocksDbTaskStore::Options options;
  options.directory = tasks.directory();
  options.max_steps = tasks.max_steps();
  options.max_bytes = tasks.limit_bytes();
  options.max_queues = tasks.max_queues();
  options.max_lost_attempts = tasks.max_lost_attempts();
  return options;
}

TaskEngine::Options TaskEngineOptions(const config::v1::Tasks& tasks) {
  TaskEngine::Options options;
  options.submission.graph.max_steps = tasks.max_job_steps();
  options.submission.graph.max_edges = tasks.max_job_edges();
  options.submission.max_job_bytes = tasks.max_job_bytes();
  options.submission.max_open = tasks.max_submissions();
  options.submission.max_delay = absl::Seconds(tasks.max_delay_seconds());
  options.submission.result_ttl = absl::Seconds(tasks.result_ttl_seconds());
  options.submission.max_result_ttl = absl::Seconds(tasks.max_result_ttl_seconds());
  options.scheduler.max_running = tasks.max_running();
  options.runner.max_input_bytes = tasks.max_input_bytes();
  options.runner.max_result_bytes = tasks.max_result_bytes();
  return options;
}

absl::Status CheckGatewayConfig(const config::v1::GatewayConfig& config) {
  constexpr uint64_t kMost32 = std::numeric_limits<uint32_t>::max();
  SOUVENIR_RETURN_IF_ERROR(CheckAddress("listen_address", config.listen_address()));
  SOUVENIR_RETURN_IF_ERROR(CheckAddress("admin_address", config.admin_address()));
  if (!config.metrics_address().empty()) {
    SOUVENIR_RETURN_IF_ERROR(CheckAddress("metrics_address", config.metrics_address()));
  }
  SOUVENIR_RETURN_IF_ERROR(CheckPortsDiffer(OwnAddresses(config)));
  SOUVENIR_RETURN_IF_ERROR(Check("compute_address", config.compute_address(), "compute_addresses",
                                 config.compute_addresses()));
  SOUVENIR_RETURN_IF_ERROR(CheckNotOwn(
      config, config.compute_addresses().empty() ? "compute_address" : "compute_addresses",
      ComputeAddresses(config)));
  SOUVENIR_RETURN_IF_ERROR(CheckAdminAddresses(config));
  SOUVENIR_RETURN_IF_ERROR(CheckPolicy(config.memory().policy()));
  for (const auto& [name, policy] : config.models()) {
    const absl::Status checked = CheckModelName(name);
    if (checked.ok()) continue;
    return absl::InvalidArgumentError(fmt::format("models: {}", std::string(checked.message())));
  }
  const cache::TieredCache::Options cache = CacheOptions(config);
  SOUVENIR_RETURN_IF_ERROR(cache::MemoryTier::Check(cache.memory));
  if (cache.disk) SOUVENIR_RETURN_IF_ERROR(cache::DiskTier::Check(*cache.disk));
  SOUVENIR_RETURN_IF_ERROR(CheckRange("disk.threads", config.disk().threads(), 1, 256));
  SOUVENIR_RETURN_IF_ERROR(
      CheckRange("flights.max_flights", config.flights().max_flights(), 1, kMost32));
  SOUVENIR_RETURN_IF_ERROR(
      CheckRange("flights.max_waiters", config.flights().max_waiters(), 1, kMost32));
  SOUVENIR_RETURN_IF_ERROR(
      CheckRange("upstream.max_waiting_rows", config.upstream().max_waiting_rows(), 1, kMost32));
  SOUVENIR_RETURN_IF_ERROR(
      CheckRange("upstream.max_calls", config.upstream().max_calls(), 1, 65'536));
  // gRPC stores the limit in an int.
  SOUVENIR_RETURN_IF_ERROR(CheckRange("max_message_bytes", config.max_message_bytes(), 1024,
                                      std::numeric_limits<int32_t>::max()));
  // A translation's text has to fit into a message, with its length in 32 bits.
  SOUVENIR_RETURN_IF_ERROR(CheckRange("translation.max_text_bytes",
                                      config.translation().max_text_bytes(), 1,
                                      config.max_message_bytes()));
  SOUVENIR_RETURN_IF_ERROR(
      CheckRange("translation.max_targets", config.translation().max_targets(), 1, 1024));
  SOUVENIR_RETURN_IF_ERROR(
      CheckRange("speech.max_text_bytes", config.speech().max_text_bytes(), 1, 64u << 20));
  SOUVENIR_RETURN_IF_ERROR(
      CheckRange("speech.upload_timeout_ms", config.speech().upload_timeout_ms(), 1, 86'400'000));
  SOUVENIR_RETURN_IF_ERROR(
      CheckRange("speech.max_stream_segments", config.speech().max_stream_segments(), 1, 1024));
  SOUVENIR_RETURN_IF_ERROR(
      CheckRange("speech.max_interim_rows", config.speech().max_interim_rows(), 1, 1'000'000));
  SOUVENIR_RETURN_IF_ERROR(CheckLane("speech.transcription", config.speech().transcription()));
  SOUVENIR_RETURN_IF_ERROR(CheckLane("speech.synthesis", config.speech().synthesis()));
  SOUVENIR_RETURN_IF_ERROR(
      CheckLane("speech.speech_to_speech", config.speech().speech_to_speech()));
  SOUVENIR_RETURN_IF_ERROR(CheckRange("upstream.poll_interval_ms",
                                      config.upstream().poll_interval_ms(), 10, 86'400'000));
  SOUVENIR_RETURN_IF_ERROR(
      CheckRange("upstream.call_timeout_ms", config.upstream().call_timeout_ms(), 1, 86'400'000));
  SOUVENIR_RETURN_IF_ERROR(CheckTasks(config));
  SOUVENIR_RETURN_IF_ERROR(CheckMetricsPort(config.metrics_port()));
  SOUVENIR_RETURN_IF_ERROR(
      CheckRange("snapshots.max_streams", config.snapshots().max_streams(), 1, 64));
  SOUVENIR_RETURN_IF_ERROR(
      CheckRange("snapshots.idle_timeout_ms", config.snapshots().idle_timeout_ms(), 1, 86'400'000));
  SOUVENIR_RETURN_IF_ERROR(
      CheckRange("upstream.keepalive_ms", config.upstream().keepalive_ms(), 0, 86'400'000));
  return CheckConnections(config.connections(), config.max_message_bytes());
}

}  // namespace souvenir::gateway
