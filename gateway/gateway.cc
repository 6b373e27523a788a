#include "gateway/gateway.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_join.h"
#include "common/logging/logging.h"
#include "common/status_macros.h"
#include "gateway/gateway_config.h"
#include "gateway/gateway_metrics.h"
#include "gateway/upstream/grpc_upstream.h"

namespace souvenir::gateway {
namespace {

constinit Logger log{"gateway"};

// The health of the disk in grpc.health.v1.
constexpr char kDiskHealth[] = "souvenir.disk";
// The health of the task store.
constexpr char kTasksHealth[] = "souvenir.tasks";

// The default share of the machine's memory that messages under way may take.
constexpr double kBufferShare = 0.5;

ServiceHost::Options HostOptions(const config::v1::GatewayConfig& config, Clock* clock) {
  ServiceHost::Options options = ServiceHost::OptionsOf(config, kBufferShare);
  options.metrics_prefix = "souvenir_gateway";
  options.name = "gateway";
  options.version = SOUVENIR_VERSION;
  options.passes_compressed = true;
  options.clock = clock;
  return options;
}

Lanes::Limits LimitsOf(const config::v1::LaneLimits& lane) {
  return {.max_requests = lane.max_requests(),
          .max_rows = lane.max_rows(),
          .max_bytes = lane.max_bytes()};
}

Resolver::Options ResolverOptions(const config::v1::GatewayConfig& config) {
  Resolver::Options options;
  options.flights.max_flights = config.flights().max_flights();
  options.flights.max_waiters = config.flights().max_waiters();
  options.lanes.of(Lane::kText).max_bytes = config.flights().max_bytes();
  options.lanes.of(Lane::kTranscription) = LimitsOf(config.speech().transcription());
  options.lanes.of(Lane::kSynthesis) = LimitsOf(config.speech().synthesis());
  options.lanes.of(Lane::kSpeech) = LimitsOf(config.speech().speech_to_speech());
  options.deserted.max_calls = config.flights().max_deserted_calls();
  options.deserted.max_bytes = config.flights().max_deserted_bytes();
  options.upstream.max_waiting_rows = config.upstream().max_waiting_rows();
  options.upstream.max_calls = static_cast<int>(config.upstream().max_calls());
  options.call_timeout = absl::Milliseconds(config.upstream().call_timeout_ms());
  return options;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Gateway>> Gateway::Create(const config::v1::GatewayConfig& config,
                                                         const Environment& environment) {
  config::v1::GatewayConfig complete = DefaultGatewayConfig();
  complete.MergeFrom(config);
  SOUVENIR_RETURN_IF_ERROR(CheckGatewayConfig(complete));
  std::unique_ptr<Gateway> gateway(new Gateway(std::move(complete), environment));
  SOUVENIR_RETURN_IF_ERROR(gateway->Start());
  return gateway;
}

Gateway::Gateway(config::v1::GatewayConfig config, const Environment& environment)
    : config_(std::move(config)),
      clock_(environment.clock),
      store_checker_(environment.store_checker),
      host_(HostOptions(config_, clock_)),
      timers_(clock_) {}

Gateway::~Gateway() { Stop(); }

absl::Status Gateway::Start() {
  SOUVENIR_RETURN_IF_ERROR(OpenCache());
  ConnectToCompute();
  SOUVENIR_RETURN_IF_ERROR(StartServices());
  StartLookingAtCompute();
  SOUVENIR_RETURN_IF_ERROR(StartServers());
  host_.LogServing(log, {{"compute", absl::StrJoin(ComputeAddresses(config_), ",")},
                         {"data_dir", config_.disk().directory()}});
  return absl::OkStatus();
}

absl::Status Gateway::OpenCache() {
  cache::TieredCache::Options options = CacheOptions(config_);
  options.clock = clock_;
  if (options.disk) {
    options.disk->checker = store_checker_;
    options.disk->on_health = [this](bool healthy) { host_.SetServing(kDiskHealth, healthy); };
  }
  SOUVENIR_ASSIGN_OR_RETURN(cache_, cache::TieredCache::Create(options));
  if (cache_->has_disk()) {
    host_.UpdateServing(kDiskHealth, [this] { return cache_->is_disk_healthy(); });
  }
  const std::string& directory = config_.disk().directory();
  catalog_ = std::make_unique<Catalog>(
      Catalog::Options{.policies = {config_.models().begin(), config_.models().end()},
                       .file = directory.empty() ? "" : directory + "/catalog.pbtxt",
                       .compute_address = absl::StrJoin(ComputeAddresses(config_), ", ")});
  return absl::OkStatus();
}

void Gateway::ConnectToCompute() {
  const auto connect = [this](const EndpointAddress& at) {
    return std::make_unique<GrpcUpstream>(
        GrpcUpstream::Options{.address = at.address,
                              .authority = at.name,
                              .max_message_bytes = config_.max_message_bytes(),
                              .keepalive = UpstreamKeepalive(config_)});
  };
  EndpointSet::Options options;
  options.setting = config_.compute_addresses().empty() ? "compute_address" : "compute_addresses";
  options.on_added = [this](const Endpoint& endpoint) { poller_->OnAdded(endpoint); };
  options.on_removed = [this](const Endpoint& endpoint) { poller_->OnRemoved(endpoint); };
  options.on_ejected = [this] { poller_->Poke(); };
  compute_ = std::make_unique<EndpointSet>(options, clock_, connect);
  compute_admins_ = std::make_unique<EndpointSet>(
      EndpointSet::Options{.setting = AdminAddressesField(config_)}, clock_, connect);
}

void Gateway::StartLookingAtCompute() {
  std::vector<std::string> models;
  for (const auto& [name, policy] : config_.models()) models.push_back(name);
  const absl::Duration interval = absl::Milliseconds(config_.upstream().poll_interval_ms());
  poller_ = std::make_unique<CatalogPoller>(
      CatalogPoller::Options{.interval = interval, .names = std::move(models), .clock = clock_},
      compute_.get(), catalog_.get());
  catalog_->WhenStale([this] { poller_->Poke(); });
  const auto watch = [&](std::vector<std::string> names, EndpointSet* endpoints) {
    return std::make_unique<AddressWatcher>(
        AddressWatcher::Options{
            .names = std::move(names), .interval = interval, .lookup = {.clock = clock_}},
        [endpoints](const std::vector<EndpointAddress>& addresses) {
          endpoints->SetAddresses(addresses);
        });
  };
  compute_addresses_ = watch(ComputeAddresses(config_), compute_.get());
  compute_admin_addresses_ = watch(ComputeAdminAddresses(config_), compute_admins_.get());
}

absl::Status Gateway::StartServices() {
  SOUVENIR_ASSIGN_OR_RETURN(
      disk_executor_, ThreadExecutor::Create({.name = "disk",
                                              .threads = static_cast<int>(config_.disk().threads()),
                                              .queue_limit = 16'384}));
  SOUVENIR_ASSIGN_OR_RETURN(
      hash_executor_,
      ThreadExecutor::Create({.name = "hash", .threads = 1, .queue_limit = 16'384}));
  // One call may wait for a thread.
  SOUVENIR_ASSIGN_OR_RETURN(
      snapshot_executor_,
      ThreadExecutor::Create({.name = "snapshot",
                              .threads = static_cast<int>(config_.snapshots().max_streams()),
                              .queue_limit = 1}));
  resolver_ = std::make_unique<Resolver>(ResolverOptions(config_),
                                         Resolver::Parts{.clock = clock_,
                                                         .timers = &timers_,
                                                         .cache = cache_.get(),
                                                         .disk_executor = disk_executor_.get(),
                                                         .upstream = compute_.get(),
                                                         .catalog = catalog_.get(),
                                                         .hash_executor = hash_executor_.get()});
  translator_ = std::make_unique<Translator>(
      Translator::Options{.max_text_bytes = config_.translation().max_text_bytes(),
                          .max_targets = config_.translation().max_targets()},
      catalog_.get());
  speech_models_ = std::make_unique<SpeechModels>(
      SpeechModels::Options{.max_text_bytes = config_.speech().max_text_bytes(),
                            .max_message_bytes = config_.max_message_bytes()},
      catalog_.get());

  SOUVENIR_RETURN_IF_ERROR(StartTasks());

  const CallParts parts = {.entry = host_.entry(),
                           .resolver = resolver_.get(),
                           .timers = &timers_,
                           .latency = &latency_,
                           .trust_tenant_header = config_.trust_tenant_header(),
                           .max_message_bytes = config_.max_message_bytes()};
  translation_service_ = std::make_unique<TranslationService>(parts, translator_.get());
  speech_service_ = std::make_unique<SpeechService>(
      SpeechService::Options{
          .upload_timeout = absl::Milliseconds(config_.speech().upload_timeout_ms()),
          .max_stream_segments = config_.speech().max_stream_segments(),
          .max_interim_rows = config_.speech().max_interim_rows()},
      parts, speech_models_.get(), translator_.get(), hash_executor_.get());
  const TaskParts tasks = {
      .engine = tasks_.get(),
      .executor = task_executor_.get(),
      .submissions = submission_executor_.get(),
      .timers = &timers_,
      .entry = host_.entry(),
      .trust_tenant_header = config_.trust_tenant_header(),
      .idle_timeout = absl::Milliseconds(config_.tasks().idle_timeout_ms()),
      .submission_timeout = absl::Milliseconds(config_.tasks().submission_timeout_ms())};
  public_tasks_ = std::make_unique<TaskService>(tasks, TaskService::Queues::kMayNotChange);
  admin_tasks_ = std::make_unique<TaskService>(tasks, TaskService::Queues::kMayChange);
  stats_service_ = std::make_unique<StatsService>(
      StatsService::Sources{catalog_.get(), cache_.get(), resolver_.get()}, host_.entry());
  cache_service_ = std::make_unique<CacheService>(
      cache_.get(), disk_executor_.get(), snapshot_executor_.get(),
      absl::Milliseconds(config_.snapshots().idle_timeout_ms()), catalog_.get(), host_.entry());
  InferenceService::Options inference = {
      .version = SOUVENIR_VERSION,
      .call_timeout = absl::Milliseconds(config_.upstream().call_timeout_ms()),
      .admin_port = [this] { return admin_port(); },
      .refresh_catalog = [this](std::function<void()> done) { poller_->Refresh(std::move(done)); }};
  public_inference_ = std::make_unique<InferenceService>(inference, parts, catalog_.get(),
                                                         &targets_, compute_.get(), nullptr);
  const bool loads = !ComputeAdminAddresses(config_).empty();
  if (!config_.upstream().has_admin_address() && config_.upstream().admin_addresses().empty()) {
    inference.repositories_derivation = fmt::format(
        "its admin address was not given, and is that of compute with a port that is 2 higher; {} "
        "sets another",
        AdminAddressesField(config_));
  }
  inference.repositories_unknown = absl::FailedPreconditionError(
      fmt::format("no admin port of compute is known to load or unload models at; set {}",
                  AdminAddressesField(config_)));
  admin_inference_ =
      std::make_unique<InferenceService>(inference, parts, catalog_.get(), &targets_,
                                         compute_.get(), loads ? compute_admins_.get() : nullptr);

  catalog_->Listen([this](const CatalogSnapshot& snapshot) {
    targets_.OnCatalog(snapshot);
    translator_->OnCatalog(snapshot);
    speech_models_->OnCatalog(snapshot);
    resolver_->Forget([this](std::string_view model) { return catalog_->was_known(model); });
    UpdateHealth(snapshot);
  });
  return absl::OkStatus();
}

absl::Status Gateway::StartTasks() {
  const auto threads = static_cast<int>(config_.tasks().threads());
  SOUVENIR_ASSIGN_OR_RETURN(
      task_executor_,
      ThreadExecutor::Create({.name = "task-calls", .threads = threads, .queue_limit = 16'384}));
  SOUVENIR_ASSIGN_OR_RETURN(
      submission_executor_,
      ThreadExecutor::Create({.name = "task-submit", .threads = threads, .queue_limit = 16'384}));
  if (config_.tasks().directory().empty()) return absl::OkStatus();
  RocksDbTaskStore::Options options = TaskStoreOptions(config_.tasks());
  options.checker = store_checker_;
  options.clock = clock_;
  options.on_health = [this](bool healthy) { host_.SetServing(kTasksHealth, healthy); };
  SOUVENIR_ASSIGN_OR_RETURN(std::unique_ptr<TaskStore> store, RocksDbTaskStore::Open(options));
  host_.SetServing(kTasksHealth, true);
  tasks_ = std::make_unique<TaskEngine>(
      TaskEngineOptions(config_.tasks()),
      TaskEngine::Parts{.clock = clock_, .catalog = catalog_.get(), .resolver = resolver_.get()},
      std::move(store));
  return absl::OkStatus();
}

absl::Status Gateway::StartServers() {
  host_.metrics()->Add([this](MetricWriter& writer) {
    CollectGatewayMetrics(*catalog_, *cache_, *resolver_, *compute_, writer);
    latency_.Collect(writer);
    if (tasks_ != nullptr) CollectTaskMetrics(*tasks_, writer);
  });
  return host_.Start({translation_service_.get(), speech_service_.get(), stats_service_.get(),
                      public_tasks_.get(), public_inference_.get()},
                     {translation_service_.get(), speech_service_.get(), stats_service_.get(),
                      admin_tasks_.get(), admin_inference_.get(), cache_service_.get()});
}

void Gateway::UpdateHealth(const CatalogSnapshot& snapshot) {
  std::map<std::string, bool> serving;
  for (const CatalogModelPtr& model : snapshot.models()) serving[model->name()] |= model->ready();
  for (const std::string& model : models_) {
    if (!serving.contains(model)) host_.RemoveHealth(model);
  }
  models_.clear();
  for (const auto& [model, serves] : serving) {
    models_.insert(model);
    host_.SetServing(model, serves);
  }
}

void Gateway::Stop() {
  MutexLock stop_lock(&stop_mutex_);
  if (std::exchange(stopped_, true)) return;
  if (poller_ != nullptr) poller_->Stop();
  (void)host_.Drain();
  // Steps that run will be ready when the gateway starts next.
  if (tasks_ != nullptr) tasks_->Stop();
  // A stop waits for every call, so deserted calls, which nobody waits for, are cancelled.
  if (resolver_ != nullptr) resolver_->GiveUpDeserted();
  // Cancels the calls that are left, and the computations that nobody else waits for.
  host_.Shutdown();
  if (submission_executor_ != nullptr) submission_executor_->Stop();
  if (task_executor_ != nullptr) task_executor_->Stop();
  if (snapshot_executor_ != nullptr) snapshot_executor_->Stop();
  if (hash_executor_ != nullptr) hash_executor_->Stop();
  if (disk_executor_ != nullptr) disk_executor_->Stop();
  if (compute_addresses_ != nullptr) compute_addresses_->Stop();
  if (compute_admin_addresses_ != nullptr) compute_admin_addresses_->Stop();
  compute_.reset();
  compute_admins_.reset();
  if (cache_ != nullptr) cache_->Stop();
  if (host_.has_started()) log.Info("stopped");
}

}  // namespace souvenir::gateway
