// souvenir-compute: runs models behind the Open Inference Protocol.

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
#include "compute-service/compute_config.h"
#include "compute-service/compute_service.h"
#include "compute-service/engines.h"

namespace {

int Fail(int exit_code, const absl::Status& status) {
  fmt::print(stderr, "souvenir-compute: {}\n", std::string(status.message()));
  return exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace souvenir;  // NOLINT(google-build-using-namespace): all of it is used here
  BlockSignals();

  config::v1::ComputeConfig config = compute::DefaultComputeConfig();
  ServiceFlags flags({.program = "souvenir-compute",
                      .summary = "Runs models, each on threads of its own, behind the Open "
                                 "Inference Protocol (gRPC).",
                      .version = VersionText()},
                     &config);
  flags.Add("model_repository", "model_repository", "DIR",
            "Models in Triton's layout: <model>/config.pbtxt, <model>/<version>/.");
  if (const std::optional<int> exit_code = flags.Parse(argc, argv)) return *exit_code;

  absl::Status valid = compute::CheckComputeConfig(config);
  if (valid.ok()) valid = InitLogging(LogOptionsOf(config.logging()));
  if (!valid.ok()) return Fail(2, valid);
  if (flags.check_config()) return 0;

  RaiseOpenFileLimit();
  auto backends = compute::MakeBackends(config);
  if (!backends.ok()) return Fail(1, backends.status());
  auto service = compute::ComputeService::Create(config, *std::move(backends));
  if (!service.ok()) return Fail(1, service.status());
  RunUntilSignal({.stop = [&] { (*service)->Stop(); },
                  .reload = [&]() -> absl::Status {
                    SOUVENIR_RETURN_IF_ERROR(flags.ReadAgain(&config));
                    return SetLogLevels(LogOptionsOf(config.logging()));
                  }});
  return 0;
}
