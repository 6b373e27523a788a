#include "common/grpc/grpc_server.h"

#include <fmt/format.h>
#include <grpc/grpc.h>
#include <grpc/support/log.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/resource_quota.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "common/grpc/credentials.h"
#include "common/grpc/handled_calls.h"
#include "common/grpc/health_service.h"
#include "common/grpc/http2_limits.h"
#include "common/grpc/reflection_service.h"
#include "common/logging/logging.h"
#include "common/machine.h"
#include "common/thread.h"

namespace souvenir {
namespace {

constinit Logger log{"grpc"};

// The interval at which a stopping server checks whether its last call is answered.
constexpr absl::Duration kLookAtCalls = absl::Milliseconds(5);

// The time that a stop without grace waits for answers that are being written.
constexpr absl::Duration kLastWrites = absl::Seconds(1);

// Sends gRPC's log lines to our log at level debug. Events that matter have log lines of our own.
void InitGrpcOnce() {
  static std::once_flag once;
  std::call_once(once, [] {
    gpr_set_log_function([](gpr_log_func_args* line) {
      log.Debug(line->message, {{"file", line->file}, {"line", line->line}});
    });
    // Debian builds Abseil with assertions on. Abseil then puts each of gRPC's locks into a graph
    // to detect deadlocks, which costs some 4% of an empty call.
    absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  });
}

int Milliseconds(absl::Duration duration) {
  return static_cast<int>(absl::ToInt64Milliseconds(duration));
}

void SetLimits(const GrpcServer::Options& options, grpc::ServerBuilder* builder) {
  const ConnectionOptions& connections = options.connections;
  SetHttp2Limits({.max_concurrent_streams = connections.max_concurrent_streams,
                  .max_metadata_bytes = static_cast<uint32_t>(connections.max_metadata_bytes),
                  .max_resets_per_second = connections.max_resets_per_second});
  builder->SetMaxReceiveMessageSize(static_cast<int>(options.max_message_bytes));
  builder->SetMaxSendMessageSize(static_cast<int>(options.max_message_bytes));
  builder->AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS,
                              static_cast<int>(connections.max_concurrent_streams));
  builder->AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE,
                              static_cast<int>(connections.max_metadata_bytes));
  builder->AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS,
                              Milliseconds(connections.handshake_timeout));
  // A client may send keepalive pings, with a call under way or without. A client that pings more
  // often is disconnected after two strikes, which is gRPC's default.
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                              Milliseconds(connections.min_ping_interval));
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  // Without keepalive, a client that has vanished would keep its place for two hours.
  if (connections.keepalive > absl::ZeroDuration()) {
    builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, Milliseconds(connections.keepalive));
    builder->AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  }
  if (options.passes_compressed) {
    builder->AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
  } else {
    builder->SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
    builder->SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  }
  if (options.quota != nullptr) builder->SetResourceQuota(*options.quota);
}

// Returns the limit of connections. Half of the descriptors are left to the rest of the process.
size_t MostConnections(const GrpcServer::Options& options) {
  const size_t files = OpenFileLimit() / 2;
  const size_t most = options.connections.max_connections;
  if (most > files) {
    log.Warning("fewer connections than connections.max_connections: too few open files",
                {{"port", options.name}, {"connections", files}, {"open_files", 2 * files}});
  }
  return std::max<size_t>(1, std::min(most, files));
}

}  // namespace

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Start(const Options& options) {
  InitGrpcOnce();
  grpc::ServerBuilder builder;
  SetLimits(options, &builder);
  auto health = std::make_unique<HealthService>();
  auto reflection = std::make_unique<ReflectionService>(options.unread);
  for (grpc::Service* service : options.services) builder.RegisterService(service);
  builder.RegisterService(health.get());
  builder.RegisterService(reflection.get());
  builder.SetOption(reflection->LearnServices());

  const std::shared_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor =
      builder.experimental().AddExternalConnectionAcceptor(
          grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
          PortCredentials());
  auto listener = ConnectionListener::Create(
      {.name = options.name,
       .address = options.address,
       .max_connections = MostConnections(options),
       .max_connections_per_peer = options.connections.max_connections_per_peer,
       .on_connection =
           [acceptor](int socket, int connection) {
             grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters taken;
             taken.listener_fd = socket;
             taken.fd = connection;
             acceptor->HandleNewConnection(&taken);
           },
       .on_accepting = options.on_accepting});
  if (!listener.ok()) {
    return absl::UnavailableError(
        fmt::format("cannot listen on {}: {}; choose another address with {}", options.address,
                    std::string(listener.status().message()), options.address_flag));
  }
  auto counts_handled = std::make_unique<HandledCalls>();
  const HandledCalls* const handled_calls = counts_handled.get();
  builder.SetContextAllocator(std::move(counts_handled));
  std::unique_ptr<grpc::Server> server;
  const OpenCalls open_calls = OpenCalls::Of([&] { server = builder.BuildAndStart(); });
  if (server == nullptr) return absl::InternalError("gRPC could not start a server");
  (*listener)->Start();
  return std::unique_ptr<GrpcServer>(new GrpcServer(std::move(health), std::move(reflection),
                                                    *std::move(listener), std::move(server),
                                                    open_calls, handled_calls));
}

GrpcServer::GrpcServer(std::unique_ptr<HealthService> health,
                       std::unique_ptr<ReflectionService> reflection,
                       std::unique_ptr<ConnectionListener> listener,
                       std::unique_ptr<grpc::Server> server, OpenCalls open_calls,
                       const HandledCalls* handled_calls)
    : health_(std::move(health)),
      reflection_(std::move(reflection)),
      listener_(std::move(listener)),
      server_(std::move(server)),
      open_calls_(open_calls),
      handled_calls_(handled_calls) {}

GrpcServer::~GrpcServer() { Shutdown(absl::ZeroDuration()); }

void GrpcServer::SetServing(const std::string& service, bool serving) {
  health_->Set(service, serving);
}

void GrpcServer::RemoveHealth(const std::string& service) { health_->Remove(service); }

void GrpcServer::Shutdown(absl::Duration grace) {
  if (std::exchange(is_shut_down_, true)) return;
  // The listener stops first, because gRPC neither takes nor closes a connection that comes while
  // it stops.
  listener_->Stop();
  health_->Stop();
  reflection_->Stop();
  // gRPC would wait until the end of the grace for clients that have no call under way and do not
  // read from their connection, such as Python's: it expects them to confirm the end of the
  // connection. It would also wait for messages that have come in part, although it hands them to
  // no handler any more.
  absl::Notification stopped;
  const absl::Time end = absl::Now() + std::max(grace, kLastWrites);
  std::thread cutter = StartThread("stop-grpc", [this, end, &stopped] {
    while (!stopped.WaitForNotificationWithTimeout(kLookAtCalls)) {
      // Closes each connection as soon as the kernel has all that was written to it.
      if (handled_calls_->count() == 0) grpc_server_cancel_all_calls(server_->c_server());
      // A client that does not read would delay that by twenty seconds.
      if (absl::Now() >= end) listener_->Disconnect();
    }
  });
  server_->Shutdown(absl::ToChronoTime(absl::Now() + grace));
  server_->Wait();
  stopped.Notify();
  cutter.join();
}

void GrpcServer::ShutdownAll(const std::vector<GrpcServer*>& servers, absl::Duration grace) {
  std::vector<std::thread> stopping;
  for (GrpcServer* const server : servers) {
    if (server == nullptr) continue;
    stopping.push_back(StartThread("stop-port", [server, grace] { server->Shutdown(grace); }));
  }
  for (std::thread& thread : stopping) thread.join();
}

}  // namespace souvenir
