#include "compute-service/compute_config.h"

#include <fmt/format.h>

#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>

#include "common/config/address.h"
#include "common/config/metrics_port.h"
#include "common/config/range.h"
#include "common/grpc/connection_options.h"
#include "common/grpc/service_host.h"
#include "common/status_macros.h"
#include "compute-service/repository/model_settings.h"
#include "compute-service/workers/child_environment.h"

namespace souvenir::compute {
namespace {

// Returns the directory of this program, or "" if the system does not tell.
std::string ProgramDirectory() {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error).parent_path().string();
}

// Accepts "", which means that the system does not tell where this program is: models that need no
// worker are still served.
absl::Status CheckWorkerDirectory(const std::string& directory) {
  std::error_code error;
  if (directory.empty() || std::filesystem::is_directory(directory, error)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("worker_directory is \"{}\", which is {}; the folder of the programs "
                  "souvenir-worker-* is expected",
                  directory, error ? "not readable: " + error.message() : "not a folder"));
}

}  // namespace

// The limits of a component are those of its Options.
config::v1::ComputeConfig DefaultComputeConfig() {
  const ModelSettings model;
  config::v1::ComputeConfig config;
  config.set_listen_address("127.0.0.1:8011");
  config.set_metrics_address("127.0.0.1:8012");
  config.set_admin_address("127.0.0.1:8013");
  config.set_model_repository("models");
  config.mutable_apertium()->set_enabled(true);
  config.mutable_apertium()->set_modes_directory("/usr/share/apertium/modes");
  config.mutable_pool()->set_instances(0);
  config.mutable_pool()->set_max_queue_size(static_cast<uint32_t>(model.max_queue_size));
  config.mutable_pool()->set_run_limit_ms(
      static_cast<uint32_t>(absl::ToInt64Milliseconds(model.run_limit)));
  config.set_max_queue_bytes(0);
  config.set_model_nice(10);
  config.set_repository_settle_seconds(2);
  config.set_max_message_bytes(ServiceHost::Options().max_message_bytes);
  *config.mutable_connections() = DefaultConnections();
  // A gateway has one connection for the calls of all models, which wait in its queues and not
  // here.
  config.mutable_connections()->set_max_concurrent_streams(4096);
  config.set_drain_timeout_seconds(30);
  *config.mutable_metrics_port() = DefaultMetricsPort();
  config.mutable_logging()->set_level("info");
  config.mutable_logging()->set_format("auto");
  config.mutable_logging()->set_slow_request_ms(1000);
  config.set_worker_directory(ProgramDirectory());
  return config;
}

absl::Status CheckComputeConfig(const config::v1::ComputeConfig& config) {
  SOUVENIR_RETURN_IF_ERROR(CheckAddress("listen_address", config.listen_address()));
  SOUVENIR_RETURN_IF_ERROR(CheckAddress("admin_address", config.admin_address()));
  if (!config.metrics_address().empty()) {
    SOUVENIR_RETURN_IF_ERROR(CheckAddress("metrics_address", config.metrics_address()));
  }
  SOUVENIR_RETURN_IF_ERROR(CheckPortsDiffer({{"listen_address", config.listen_address()},
                                             {"metrics_address", config.metrics_address()},
                                             {"admin_address", config.admin_address()}}));
  for (const std::string& variable : config.exec().inherit_environment()) {
    const absl::Status valid = CheckVariableName(variable);
    if (!valid.ok()) {
      return absl::InvalidArgumentError(
          fmt::format("exec.inherit_environment: {}", std::string(valid.message())));
    }
  }
  SOUVENIR_RETURN_IF_ERROR(CheckWorkerDirectory(config.worker_directory()));
  SOUVENIR_RETURN_IF_ERROR(CheckRange("model_nice", config.model_nice(), 0, 19));
  SOUVENIR_RETURN_IF_ERROR(CheckRange("pool.instances", config.pool().instances(), 0, 1024));
  SOUVENIR_RETURN_IF_ERROR(CheckRange("pool.max_queue_size", config.pool().max_queue_size(), 1,
                                      std::numeric_limits<uint32_t>::max()));
  SOUVENIR_RETURN_IF_ERROR(CheckRange("pool.run_limit_ms", config.pool().run_limit_ms(), 1,
                                      std::numeric_limits<uint32_t>::max()));
  // A request of any size must find room in an empty queue while another one runs.
  if (config.max_queue_bytes() > 0) {
    SOUVENIR_RETURN_IF_ERROR(CheckRange("max_queue_bytes", config.max_queue_bytes(),
                                        2 * config.max_message_bytes(),
                                        std::numeric_limits<int64_t>::max()));
  }
  SOUVENIR_RETURN_IF_ERROR(CheckMetricsPort(config.metrics_port()));
  SOUVENIR_RETURN_IF_ERROR(CheckConnections(config.connections(), config.max_message_bytes()));
  // gRPC stores the limit in an int.
  return CheckRange("max_message_bytes", config.max_message_bytes(), 1024,
                    std::numeric_limits<int32_t>::max());
}

}  // namespace souvenir::compute
