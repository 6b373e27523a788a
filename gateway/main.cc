// souvenir-gateway: answers requests from its cache, and has the rest computed.

#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "common/config/log_options.h"
#include "common/config/service_flags.h"
#include "common/grpc/run_until_signal.h"
#include "common/logging/logging.h"
#include "common/machine.h"
#include "common/status_macros.h"
#include "common/version/version.h"
#include "gateway/gateway.h"
#include "gateway/gateway_config.h"
#include "storage/store_check.h"

// jemalloc's settings. Entries are made on one thread and freed on another, and a full cache does
// both all the time. Few arenas, and a quick return of free pages, keep the process close to the
// size of its entries.
extern "C" const char* malloc_conf;
const char* malloc_conf = "narenas:4,dirty_decay_ms:1000,muzzy_decay_ms:0,background_thread:true";

namespace {

int Fail(int exit_code, const absl::Status& status) {
  fmt::print(stderr, "souvenir-gateway: {}\n", std::string(status.message()));
  return exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace souvenir;  // NOLINT(google-build-using-namespace): all of it is used here
  RaiseOpenFileLimit();
  if (const std::optional<int> exit_code = storage::RunAsStoreCheck(argc, argv)) return *exit_code;
  BlockSignals();

  config::v1::GatewayConfig config = gateway::DefaultGatewayConfig();
  ServiceFlags flags({.program = "souvenir-gateway",
                      .summary = "Answers inference requests from its cache, and has only the rest "
                                 "computed (gRPC: souvenir.v1 and the Open Inference Protocol).",
                      .version = VersionText()},
                     &config);
  flags.Add("compute", "compute_addresses", "HOST:PORT,...",
            "The servers that compute what is missing; a name stands for all its addresses. "
            "Default: " +
                config.compute_address() + ".",
            {"upstream.admin_address", "upstream.admin_addresses"});
  flags.Add("compute_admin", "upstream.admin_addresses", "HOST:PORT,...",
            "Their admin ports, where models are loaded and unloaded. Default: those of --compute, "
            "each port 2 higher.");
  flags.Add("data_dir", "disk.directory", "DIR",
            "Where answers are kept across restarts; without it they are kept in memory only.");
  if (const std::optional<int> exit_code = flags.Parse(argc, argv)) return *exit_code;

  absl::Status valid = gateway::CheckGatewayConfig(config);
  if (valid.ok()) valid = InitLogging(LogOptionsOf(config.logging()));
  if (!valid.ok()) return Fail(2, valid);
  if (flags.check_config()) return 0;

  auto service = gateway::Gateway::Create(config, {.store_checker = "/proc/self/exe"});
  if (!service.ok()) return Fail(1, service.status());
  RunUntilSignal({.stop = [&] { (*service)->Stop(); },
                  .reload = [&]() -> absl::Status {
                    SOUVENIR_RETURN_IF_ERROR(flags.ReadAgain(&config));
                    return SetLogLevels(LogOptionsOf(config.logging()));
                  }});
  return 0;
}
