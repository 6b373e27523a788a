#include "compute-service/compute_service.h"

#include <grpcpp/resource_quota.h>

#include <utility>

#include "common/config/address.h"
#include "common/config/metrics_port.h"
#include "common/grpc/connection_options.h"
#include "common/grpc/server_metrics.h"
#include "common/logging/logging.h"
#include "common/machine.h"
#include "common/status_macros.h"
#include "compute-service/compute_config.h"
#include "compute-service/compute_metrics.h"

namespace souvenir::compute {
namespace {

constinit Logger log{"compute"};

// What models may take of the machine's memory where the configuration does not say.
constexpr double kMemoryShare = 0.75;
// The same of messages under way.
constexpr double kBufferShare = 0.25;

// The public port's part of the server's health: whether it takes connections.
constexpr char kConnectionsHealth[] = "souvenir.connections";

}  // namespace

absl::StatusOr<std::unique_ptr<ComputeService>> ComputeService::Create(
    const config::v1::ComputeConfig& config, std::vector<std::unique_ptr<Backend>> backends,
    Clock* clock) {
  config::v1::ComputeConfig complete = DefaultComputeConfig();
  complete.MergeFrom(config);
  SOUVENIR_RETURN_IF_ERROR(CheckComputeConfig(complete));
  std::unique_ptr<ComputeService> service(
      new ComputeService(std::move(complete), std::move(backends), clock));
  SOUVENIR_RETURN_IF_ERROR(service->Start());
  return service;
}

ComputeService::ComputeService(config::v1::ComputeConfig config,
                               std::vector<std::unique_ptr<Backend>> backends, Clock* clock)
    : config_(std::move(config)),
      clock_(clock),
      backends_(std::move(backends)),
      timers_(clock),
      request_log_(absl::Milliseconds(config_.logging().slow_request_ms()), clock) {}

ComputeService::~ComputeService() { Stop(); }

absl::Status ComputeService::Start() {
  std::vector<Backend*> backends;
  for (const auto& backend : backends_) backends.push_back(backend.get());
  const config::v1::PoolDefaults& pool = config_.pool();
  ModelRepository::Options options;
  options.directory = config_.model_repository();
  const Machine machine = ReadMachine();
  options.defaults.processors = machine.processors;
  options.defaults.fits_itself = pool.instances() == 0;
  options.defaults.instances =
      pool.instances() == 0 ? machine.processors : static_cast<int>(pool.instances());
  options.defaults.max_queue_size = pool.max_queue_size();
  options.defaults.run_limit = absl::Milliseconds(pool.run_limit_ms());
  options.worker_directory = config_.worker_directory();
  options.nice = static_cast<int>(config_.model_nice());
  options.drain_timeout = absl::Seconds(config_.drain_timeout_seconds());
  options.settle = absl::Seconds(config_.repository_settle_seconds());
  options.on_change = [this](const std::string& model) { UpdateHealth(model); };
  SOUVENIR_ASSIGN_OR_RETURN(
      repository_,
      ModelRepository::Create(std::move(options), std::move(backends), clock_, &timers_));

  ModelKeeper::Options keeper;
  keeper.memory_budget_bytes =
      config_.memory_budget_bytes() > 0
          ? config_.memory_budget_bytes()
          : static_cast<uint64_t>(kMemoryShare * static_cast<double>(machine.memory_bytes));
  keeper.poll_interval = absl::Seconds(config_.repository_poll_seconds());
  keeper_ = std::make_unique<ModelKeeper>(std::move(keeper), repository_.get(), clock_);

  calls_.repository = repository_.get();
  calls_.gate = &gate_;
  calls_.clock = clock_;
  calls_.metrics = &rpc_metrics_;
  calls_.log = &request_log_;
  calls_.server_version = SOUVENIR_VERSION;
  return StartServers();
}

absl::Status ComputeService::StartServers() {
  // The metrics port first: it is the one that can be refused without a client having seen us.
  metrics_.Add([this](MetricWriter& writer) {
    CollectComputeMetrics(*repository_, keeper_->memory_budget_bytes(), SOUVENIR_VERSION, writer);
    rpc_metrics_.Collect(writer);
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
  admin_service_ = std::make_unique<InferenceService>(&calls_, Port::kAdmin);
  SOUVENIR_ASSIGN_OR_RETURN(admin_server_,
                            GrpcServer::Start({.address = config_.admin_address(),
                                               .services = {admin_service_.get()},
                                               .max_message_bytes = config_.max_message_bytes(),
                                               .address_flag = "--admin",
                                               .name = "admin",
                                               .connections = connections,
                                               .quota = &quota}));
  calls_.admin_port = admin_port();
  public_service_ = std::make_unique<InferenceService>(&calls_, Port::kPublic);
  SOUVENIR_ASSIGN_OR_RETURN(
      public_server_,
      GrpcServer::Start({.address = config_.listen_address(),
                         .services = {public_service_.get()},
                         .max_message_bytes = config_.max_message_bytes(),
                         .address_flag = "--listen",
                         .name = "public",
                         .connections = connections,
                         .quota = &quota,
                         .on_accepting = [this](bool accepting) { TellAccepting(accepting); }}));
  metrics_.Add([this](MetricWriter& writer) {
    CollectServerMetrics(
        rpc_metrics_, {{"public", public_server_.get()}, {"admin", admin_server_.get()}}, writer);
  });
  {
    MutexLock lock(&health_mutex_);
    tells_health_ = true;
  }
  TellAccepting(true);
  for (const auto& model : repository_->All()) UpdateHealth(model->name());
  LogServing();
  return absl::OkStatus();
}

void ComputeService::LogServing() const {
  const std::string listen = WithPort(config_.listen_address(), port());
  const std::string admin = WithPort(config_.admin_address(), admin_port());
  const std::string metrics =
      metrics_server_ == nullptr ? "" : WithPort(config_.metrics_address(), metrics_port());
  log.Info(
      "serving",
      {{"listen", listen}, {"admin", admin}, {"metrics", metrics}, {"version", SOUVENIR_VERSION}});
}

int ComputeService::metrics_port() const {
  return metrics_server_ == nullptr ? 0 : metrics_server_->port();
}

void ComputeService::TellAccepting(bool accepting) {
  MutexLock lock(&health_mutex_);
  if (!tells_health_) return;
  public_server_->SetServing(kConnectionsHealth, accepting);
  admin_server_->SetServing(kConnectionsHealth, accepting);
}

void ComputeService::UpdateHealth(const std::string& model) {
  // Under the lock, so that what was looked at last is also what is said last.
  MutexLock lock(&health_mutex_);
  if (!tells_health_) return;
  const absl::StatusOr<std::shared_ptr<ServedModel>> found = repository_->Find(model, "");
  const bool serving = found.ok() && (*found)->can_be_asked();
  public_server_->SetServing(model, serving);
  admin_server_->SetServing(model, serving);
}

void ComputeService::Stop() {
  MutexLock stop_lock(&stop_mutex_);
  if (std::exchange(stopped_, true)) return;
  {
    MutexLock lock(&health_mutex_);
    if (std::exchange(tells_health_, false)) {
      for (GrpcServer* server : {public_server_.get(), admin_server_.get()}) {
        server->SetServing("", false);
        for (const auto& model : repository_->All()) server->SetServing(model->name(), false);
      }
    }
  }
  const absl::Duration end = clock_->Monotonic() + absl::Seconds(config_.drain_timeout_seconds());
  gate_.Close();
  for (InferenceService* service : {public_service_.get(), admin_service_.get()}) {
    if (service != nullptr) service->StopStreams();
  }
  const bool drained = gate_.WaitUntilEmpty(end - clock_->Monotonic());
  if (!drained) {
    log.Warning("requests are cancelled: the drain timeout has passed",
                {{"requests", gate_.inside()}});
    repository_->FailWaiting(absl::UnavailableError("the server stopped before the request ran"));
  }
  // The last answers may still be on their way out. What is left over is cancelled; what runs
  // already is waited for.
  const absl::Duration grace = drained ? absl::Seconds(5) : absl::ZeroDuration();
  GrpcServer::ShutdownAll({public_server_.get(), admin_server_.get()}, grace);
  metrics_.Clear();
  if (keeper_ != nullptr) keeper_->Stop();
  if (repository_ != nullptr) {
    repository_->Stop(std::max(absl::ZeroDuration(), end - clock_->Monotonic()));
  }
  if (public_server_ != nullptr) log.Info("stopped");
}

}  // namespace souvenir::compute
