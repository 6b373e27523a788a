#include "cli/health_command.h"

#include <fmt/format.h>

#include "cli/connection.h"
#include "cli/json.h"
#include "standard/health.grpc.pb.h"

namespace souvenir::cli {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

Outcome Health(const HealthOptions& options, const Settings& settings, Console& console) {
  Connection connection(settings.ToServer(), grpc::health::v1::Health::service_full_name(),
                        console.clock);
  const auto stub = grpc::health::v1::Health::NewStub(connection.channel());
  HealthCheckRequest request;
  request.set_service(options.part);
  HealthCheckResponse response;
  Outcome outcome = connection.Call(
      [&](grpc::ClientContext* context) { return stub->Check(context, request, &response); });
  if (outcome.code == ExitCode::kFailed &&
      outcome.message.find(options.part) == std::string::npos) {
    outcome.message += fmt::format(" (the part that was asked for: '{}')", options.part);
  }
  if (!outcome.ok()) return outcome;
  const std::string status = HealthCheckResponse::ServingStatus_Name(response.status());
  console.out << (settings.json ? ToJson(response) : status) << '\n';
  if (response.status() == HealthCheckResponse::SERVING) return {};
  return {ExitCode::kFailed,
          fmt::format("{} is {}", options.part.empty() ? settings.server : options.part, status)};
}

}  // namespace souvenir::cli
