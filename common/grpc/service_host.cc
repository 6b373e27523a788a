#include "common/grpc/service_host.h"

#include <grpcpp/resource_quota.h>

#include <utility>

#include "common/grpc/server_metrics.h"
#include "common/status_macros.h"

namespace souvenir {
namespace {

constinit Logger log{"main"};

// The health of the public port: it takes connections.
constexpr char kConnectionsHealth[] = "souvenir.connections";
// The health of the whole service in grpc.health.v1.
constexpr char kWholeService[] = "";

// Answers of calls that have ended may still be on their way to the client.
constexpr absl::Duration kLastAnswers = absl::Seconds(5);

}  // namespace

ServiceHost::ServiceHost(Options options)
    : options_(std::move(options)),
      entry_({.metrics_prefix = options_.metrics_prefix,
              .name = options_.name,
              .slow = options_.slow_request,
              .unread_bytes = options_.unread_bytes,
              .clock = options_.clock}) {}

ServiceHost::~ServiceHost() {
  Drain();
  Shutdown();
}

absl::Status ServiceHost::Start(const std::vector<grpc::Service*>& public_services,
                                const std::vector<grpc::Service*>& admin_services) {
  metrics_.Add([this](MetricWriter& writer) {
    writer.Gauge(options_.metrics_prefix + "_build_info", "1; the version is a label.",
                 {{"version", options_.version}}, 1);
    entry_.metrics().Collect(writer);
  });
  // The metrics port is opened first. If that fails, no client has seen the service.
  if (!options_.metrics_address.empty()) {
    SOUVENIR_ASSIGN_OR_RETURN(
        metrics_server_,
        MetricsServer::Create(MetricsOptionsOf(options_.metrics_address, options_.metrics_port),
                              &metrics_));
  }
  grpc::ResourceQuota quota;
  quota.Resize(options_.buffer_bytes);
  const GrpcServer::Options common = {.max_message_bytes = options_.max_message_bytes,
                                      .connections = options_.connections,
                                      .quota = &quota,
                                      .unread = entry_.unread()};
  GrpcServer::Options admin = common;
  admin.address = options_.admin_address;
  admin.services = admin_services;
  admin.address_flag = "--admin";
  admin.name = "admin";
  SOUVENIR_ASSIGN_OR_RETURN(admin_server_, GrpcServer::Start(admin));
  GrpcServer::Options open = common;
  open.address = options_.listen_address;
  open.services = public_services;
  open.address_flag = "--listen";
  open.name = "public";
  open.passes_compressed = options_.passes_compressed;
  open.on_accepting = [this](bool accepting) { SetServing(kConnectionsHealth, accepting); };
  SOUVENIR_ASSIGN_OR_RETURN(public_server_, GrpcServer::Start(open));
  metrics_.Add([this](MetricWriter& writer) {
    CollectServerMetrics(entry_, {{"public", public_server_.get()}, {"admin", admin_server_.get()}},
                         writer);
  });
  MutexLock lock(&health_mutex_);
  state_ = State::kServing;
  serving_.try_emplace(kConnectionsHealth, true);
  for (const auto& [service, serving] : serving_) Tell(service, serving);
  return absl::OkStatus();
}

int ServiceHost::metrics_port() const {
  return metrics_server_ == nullptr ? 0 : metrics_server_->port();
}

void ServiceHost::SetServing(const std::string& service, bool serving) {
  UpdateServing(service, [serving] { return serving; });
}

void ServiceHost::RemoveHealth(const std::string& service) {
  UpdateServing(service, [] { return std::nullopt; });
}

void ServiceHost::UpdateServing(const std::string& service,
                                absl::FunctionRef<std::optional<bool>()> look) {
  MutexLock lock(&health_mutex_);
  if (state_ == State::kStopping) return;
  if (const std::optional<bool> serving = look()) {
    serving_[service] = *serving;
    if (state_ == State::kServing) Tell(service, *serving);
    return;
  }
  if (serving_.erase(service) == 0 || state_ != State::kServing) return;
  public_server_->RemoveHealth(service);
  admin_server_->RemoveHealth(service);
}

void ServiceHost::Tell(const std::string& service, bool serving) {
  public_server_->SetServing(service, serving);
  admin_server_->SetServing(service, serving);
}

void ServiceHost::LogServing(Logger& log, std::vector<LogField> more) const {
  const std::string listen = WithPort(options_.listen_address, port());
  const std::string admin = WithPort(options_.admin_address, admin_port());
  const std::string metrics =
      metrics_server_ == nullptr ? "" : WithPort(options_.metrics_address, metrics_port());
  std::vector<LogField> fields = {{"listen", listen}, {"admin", admin}, {"metrics", metrics}};
  fields.insert(fields.end(), more.begin(), more.end());
  fields.emplace_back("version", options_.version);
  log.Write(LogLevel::kInfo, "serving", fields);
}

bool ServiceHost::Drain() {
  {
    MutexLock lock(&health_mutex_);
    if (std::exchange(state_, State::kStopping) == State::kServing) {
      Tell(kWholeService, false);
      for (const auto& [service, serving] : serving_) Tell(service, false);
    }
  }
  entry_.Close();
  drained_ = entry_.Drain(options_.clock->Monotonic() + options_.drain_timeout);
  if (!drained_) {
    log.Warning("requests are cancelled: the drain timeout has passed",
                {{"requests", entry_.calls()}});
  }
  return drained_;
}

void ServiceHost::Shutdown() {
  GrpcServer::ShutdownAll({public_server_.get(), admin_server_.get()},
                          drained_ ? kLastAnswers : absl::ZeroDuration());
  metrics_.Clear();
}

}  // namespace souvenir
