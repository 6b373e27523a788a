#include "compute-service/compute_service.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "common/logging/logging.h"
#include "common/machine.h"
#include "common/status_macros.h"
#include "compute-service/compute_config.h"
#include "compute-service/compute_metrics.h"

namespace souvenir::compute {
namespace {

constinit Logger log{"compute"};

// The default share of the machine's memory that models may take.
constexpr double kMemoryShare = 0.75;
// The default share of the machine's memory that messages under way may take.
constexpr double kBufferShare = 0.25;

// The default limit of the requests that wait or run.
constexpr uint64_t kQueueBytes = 256u << 20;
// The messages of any size that the default has room for at least.
constexpr uint64_t kQueueMessages = 8;

uint64_t QueueLimit(const config::v1::ComputeConfig& config) {
  if (config.max_queue_bytes() > 0) return config.max_queue_bytes();
  return std::max(kQueueBytes, kQueueMessages * config.max_message_bytes());
}

ServiceHost::Options HostOptions(const config::v1::ComputeConfig& config, Clock* clock) {
  ServiceHost::Options options = ServiceHost::OptionsOf(config, kBufferShare);
  options.metrics_prefix = "souvenir_compute";
  options.version = SOUVENIR_VERSION;
  options.clock = clock;
  return options;
}

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
      host_(HostOptions(config_, clock)),
      timers_(clock),
      queue_bytes_(QueueLimit(config_)) {}

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
  options.queue_bytes = &queue_bytes_;
  options.worker_directory = config_.worker_directory();
  options.defaults.nice = static_cast<int>(config_.model_nice());
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
  calls_.entry = host_.entry();
  calls_.server_version = SOUVENIR_VERSION;
  calls_.admin_port = [this] { return admin_port(); };
  return StartServers();
}

absl::Status ComputeService::StartServers() {
  host_.metrics()->Add([this](MetricWriter& writer) {
    CollectComputeMetrics(*repository_, queue_bytes_, keeper_->memory_budget_bytes(), writer);
  });
  admin_service_ = std::make_unique<InferenceService>(&calls_, Port::kAdmin);
  public_service_ = std::make_unique<InferenceService>(&calls_, Port::kPublic);
  SOUVENIR_RETURN_IF_ERROR(host_.Start({public_service_.get()}, {admin_service_.get()}));
  for (const auto& model : repository_->All()) UpdateHealth(model->name());
  host_.LogServing(log, {});
  return absl::OkStatus();
}

void ComputeService::UpdateHealth(const std::string& model) {
  host_.UpdateServing(model, [&]() -> std::optional<bool> {
    const std::vector<std::shared_ptr<ServedModel>> versions = repository_->Versions(model);
    if (versions.empty()) return std::nullopt;  // it has gone
    return std::any_of(versions.begin(), versions.end(),
                       [](const auto& version) { return version->can_be_asked(); });
  });
}

void ComputeService::Stop() {
  MutexLock stop_lock(&stop_mutex_);
  if (std::exchange(stopped_, true)) return;
  const absl::Duration end = clock_->Monotonic() + absl::Seconds(config_.drain_timeout_seconds());
  if (!host_.Drain() && repository_ != nullptr) {
    repository_->FailWaiting(absl::UnavailableError("the server stopped before the request ran"));
  }
  // Cancels the calls that are left, and waits for the runs of models that have begun.
  host_.Shutdown();
  if (keeper_ != nullptr) keeper_->Stop();
  if (repository_ != nullptr) {
    repository_->Stop(std::max(absl::ZeroDuration(), end - clock_->Monotonic()));
  }
  if (host_.has_started()) log.Info("stopped");
}

}  // namespace souvenir::compute
