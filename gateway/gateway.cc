#include "gateway/gateway.h"

#include <grpcpp/resource_quota.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_join.h"
#include "common/config/address.h"
#include "common/config/metrics_port.h"
#include "common/grpc/connection_options.h"
#include "common/grpc/server_metrics.h"
#include "common/logging/logging.h"
#include "common/machine.h"
#include "common/status_macros.h"
#include "gateway/gateway_config.h"
#include "gateway/gateway_metrics.h"
#include "gateway/upstream/grpc_upstream.h"

namespace souvenir::gateway {
namespace {

constinit Logger log{"gateway"};

// The disk's part of the server's health, by the name that grpc.health.v1 is asked with.
constexpr char kDiskHealth[] = "souvenir.disk";
// The public port's: whether it takes connections.
constexpr char kConnectionsHealth[] = "souvenir.connections";

// What messages under way may take of the machine's memory where the configuration does not say.
constexpr double kBufferShare = 0.5;

Resolver::Options ResolverOptions(const config::v1::GatewayConfig& config) {
  Resolver::Options options;
  options.flights.max_flights = config.flights().max_flights();
  options.flights.max_waiters = config.flights().max_waiters();
  options.max_bytes = config.flights().max_bytes();
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
      timers_(clock_),
      request_log_(absl::Milliseconds(config_.logging().slow_request_ms()), clock_) {}

Gateway::~Gateway() { Stop(); }

absl::Status Gateway::Start() {
  SOUVENIR_RETURN_IF_ERROR(OpenCache());
  ConnectToCompute();
  SOUVENIR_RETURN_IF_ERROR(StartServices());
  StartLookingAtCompute();
  SOUVENIR_RETURN_IF_ERROR(StartServers());
  LogServing();
  return absl::OkStatus();
}

absl::Status Gateway::OpenCache() {
  cache::TieredCache::Options options = CacheOptions(config_);
  if (options.disk) {
    options.disk->checker = store_checker_;
    options.disk->on_health = [this](bool healthy) { TellHealth(kDiskHealth, healthy); };
  }
  SOUVENIR_ASSIGN_OR_RETURN(cache_, cache::TieredCache::Create(options));
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
      EndpointSet::Options{.setting = config_.upstream().admin_addresses().empty()
                                          ? "upstream.admin_address"
                                          : "upstream.admin_addresses"},
      clock_, connect);
}

void Gateway::StartLookingAtCompute() {
  std::vector<std::string> models;
  for (const auto& [name, policy] : config_.models()) models.push_back(name);
  const absl::Duration interval = absl::Milliseconds(config_.upstream().poll_interval_ms());
  poller_ = std::make_unique<CatalogPoller>(
      CatalogPoller::Options{.interval = interval, .names = std::move(models)}, compute_.get(),
      catalog_.get());
  catalog_->OnStale([this] { poller_->Poke(); });
  const auto watch = [&](std::vector<std::string> names, EndpointSet* endpoints) {
    return std::make_unique<AddressWatcher>(
        AddressWatcher::Options{.names = std::move(names), .interval = interval},
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
  // One more than there are threads waits.
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
                                                         .catalog = catalog_.get()});
  translator_ = std::make_unique<Translator>(
      Translator::Options{.max_text_bytes = config_.translation().max_text_bytes(),
                          .max_targets = config_.translation().max_targets()},
      catalog_.get());

  const CallParts parts = {.clock = clock_,
                           .gate = &gate_,
                           .resolver = resolver_.get(),
                           .log = &request_log_,
                           .latency = &latency_,
                           .trust_tenant_header = config_.trust_tenant_header(),
                           .max_message_bytes = config_.max_message_bytes()};
  translation_service_ =
      std::make_unique<TranslationService>(parts, translator_.get(), &rpc_metrics_);
  stats_service_ = std::make_unique<StatsService>(
      StatsService::Sources{clock_, catalog_.get(), cache_.get(), resolver_.get()}, &rpc_metrics_);
  cache_service_ =
      std::make_unique<CacheService>(cache_.get(), disk_executor_.get(), snapshot_executor_.get(),
                                     absl::Milliseconds(config_.snapshots().idle_timeout_ms()),
                                     clock_, catalog_.get(), &rpc_metrics_);
  InferenceService::Options inference = {
      .version = SOUVENIR_VERSION,
      .call_timeout = absl::Milliseconds(config_.upstream().call_timeout_ms()),
      .admin_port = [this] { return admin_port(); },
      .refresh_catalog = [this](std::function<void()> done) { poller_->Refresh(std::move(done)); }};
  public_inference_ = std::make_unique<InferenceService>(
      inference, parts, catalog_.get(), &targets_, compute_.get(), nullptr, &rpc_metrics_);
  const bool loads = !ComputeAdminAddresses(config_).empty();
  if (!config_.upstream().has_admin_address() && config_.upstream().admin_addresses().empty()) {
    inference.repositories_derivation =
        "its admin address was not given, and is that of compute with a port that is 2 higher; "
        "upstream.admin_address sets another";
  }
  inference.repositories_unknown = absl::FailedPreconditionError(
      "no admin port of compute is known to load or unload models at; set upstream.admin_address");
  admin_inference_ = std::make_unique<InferenceService>(
      inference, parts, catalog_.get(), &targets_, compute_.get(),
      loads ? compute_admins_.get() : nullptr, &rpc_metrics_);

  catalog_->Listen([this](const CatalogSnapshot& snapshot) {
    targets_.OnCatalog(snapshot);
    translator_->OnCatalog(snapshot);
    UpdateHealth(snapshot);
  });
  return absl::OkStatus();
}

absl::Status Gateway::StartServers() {
  metrics_.Add([this](MetricWriter& writer) {
    CollectGatewayMetrics(*catalog_, *cache_, *resolver_, *compute_, SOUVENIR_VERSION, writer);
    rpc_metrics_.Collect(writer);
    latency_.Collect(writer);
  });
  if (!config_.metrics_address().empty()) {
    SOUVENIR_ASSIGN_OR_RETURN(
        metrics_server_,
        MetricsServer::Create(MetricsOptionsOf(config_.metrics_address(), config_.metrics_port()),
                              &metrics_));
  }
  grpc::ResourceQuota quota;
  quota.Resize(BufferBytes(config_.connections(), kBufferShare, ReadMachine().memory_bytes,
                           config_.max_message_bytes()));
  const ConnectionOptions connections = ConnectionOptionsOf(config_.connections());
  SOUVENIR_ASSIGN_OR_RETURN(
      admin_server_,
      GrpcServer::Start({.address = config_.admin_address(),
                         .services = {translation_service_.get(), stats_service_.get(),
                                      admin_inference_.get(), cache_service_.get()},
                         .max_message_bytes = config_.max_message_bytes(),
                         .address_flag = "--admin",
                         .name = "admin",
                         .connections = connections,
                         .quota = &quota}));
  SOUVENIR_ASSIGN_OR_RETURN(
      public_server_,
      GrpcServer::Start(
          {.address = config_.listen_address(),
           .services = {translation_service_.get(), stats_service_.get(), public_inference_.get()},
           .max_message_bytes = config_.max_message_bytes(),
           .address_flag = "--listen",
           .name = "public",
           .connections = connections,
           .passes_compressed = true,
           .quota = &quota,
           .on_accepting = [this](bool accepting) { TellHealth(kConnectionsHealth, accepting); }}));
  metrics_.Add([this](MetricWriter& writer) {
    CollectServerMetrics(
        rpc_metrics_, {{"public", public_server_.get()}, {"admin", admin_server_.get()}}, writer);
  });
  {
    MutexLock lock(&health_mutex_);
    tells_health_ = true;
  }
  TellHealth(kConnectionsHealth, true);
  UpdateHealth(*catalog_->snapshot());
  return absl::OkStatus();
}

void Gateway::LogServing() const {
  const std::string listen = WithPort(config_.listen_address(), port());
  const std::string admin = WithPort(config_.admin_address(), admin_port());
  const std::string metrics =
      metrics_server_ == nullptr ? "" : WithPort(config_.metrics_address(), metrics_port());
  const std::string compute = absl::StrJoin(ComputeAddresses(config_), ",");
  log.Info("serving", {{"listen", listen},
                       {"admin", admin},
                       {"metrics", metrics},
                       {"compute", compute},
                       {"data_dir", config_.disk().directory()},
                       {"version", SOUVENIR_VERSION}});
}

int Gateway::metrics_port() const {
  return metrics_server_ == nullptr ? 0 : metrics_server_->port();
}

void Gateway::TellHealth(const std::string& service, bool serving) {
  MutexLock lock(&health_mutex_);
  if (!tells_health_) return;
  for (GrpcServer* const server : {public_server_.get(), admin_server_.get()}) {
    server->SetServing(service, serving);
  }
}

void Gateway::UpdateHealth(const CatalogSnapshot& snapshot) {
  MutexLock lock(&health_mutex_);
  if (!tells_health_) return;
  std::set<std::string> serving;
  for (const CatalogModelPtr& model : snapshot.models()) {
    models_.insert(model->name());
    if (model->ready()) serving.insert(model->name());
  }
  for (GrpcServer* const server : {public_server_.get(), admin_server_.get()}) {
    for (const std::string& model : models_) server->SetServing(model, serving.contains(model));
    if (cache_->has_disk()) server->SetServing(kDiskHealth, cache_->is_disk_healthy());
  }
}

void Gateway::Stop() {
  MutexLock stop_lock(&stop_mutex_);
  if (std::exchange(stopped_, true)) return;
  if (poller_ != nullptr) poller_->Stop();
  {
    MutexLock lock(&health_mutex_);
    if (std::exchange(tells_health_, false)) {
      for (GrpcServer* const server : {public_server_.get(), admin_server_.get()}) {
        server->SetServing("", false);
        for (const std::string& model : models_) server->SetServing(model, false);
      }
    }
  }
  gate_.Close();
  if (public_inference_ != nullptr) public_inference_->StopStreams();
  if (admin_inference_ != nullptr) admin_inference_->StopStreams();
  if (cache_service_ != nullptr) cache_service_->StopIdleSnapshots();
  const bool drained = gate_.WaitUntilEmpty(absl::Seconds(config_.drain_timeout_seconds()));
  if (!drained) {
    log.Warning("requests are cancelled: the drain timeout has passed",
                {{"requests", gate_.inside()}});
  }
  // Nobody waits for it, and a stop waits for every call.
  if (resolver_ != nullptr) resolver_->GiveUpDeserted();
  // The last answers may still be on their way out. Callers that are left over are cancelled, and
  // with them the computations that nobody else wants.
  const absl::Duration grace = drained ? absl::Seconds(5) : absl::ZeroDuration();
  GrpcServer::ShutdownAll({public_server_.get(), admin_server_.get()}, grace);
  metrics_.Clear();
  if (snapshot_executor_ != nullptr) snapshot_executor_->Stop();
  if (disk_executor_ != nullptr) disk_executor_->Stop();
  if (compute_addresses_ != nullptr) compute_addresses_->Stop();
  if (compute_admin_addresses_ != nullptr) compute_admin_addresses_->Stop();
  compute_.reset();
  compute_admins_.reset();
  if (cache_ != nullptr) cache_->Stop();
  log.Info("stopped");
}

}  // namespace souvenir::gateway
