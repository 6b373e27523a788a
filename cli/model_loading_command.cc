#include "cli/model_loading_command.h"

#include <fmt/format.h>

#include "cli/connection.h"
#include "cli/json.h"
#include "cli/known_models.h"
#include "cli/printable.h"
#include "inference/grpc_service.grpc.pb.h"

namespace souvenir::cli {
namespace {

using inference::GRPCInferenceService;

// Makes the call `method` of the admin port for the model, and prints `done` with its name.
template <typename Request, typename Response>
Outcome Change(const std::string& name, const char* done, const Settings& settings,
               Console& console,
               grpc::Status (GRPCInferenceService::Stub::*method)(grpc::ClientContext*,
                                                                  const Request&, Response*)) {
  Connection connection(settings.ToAdmin(), GRPCInferenceService::service_full_name(),
                        console.clock);
  const auto stub = GRPCInferenceService::NewStub(connection.channel());
  Request request;
  request.set_model_name(name);
  Response response;
  Outcome outcome = connection.Call([&](grpc::ClientContext* context) {
    return (stub.get()->*method)(context, request, &response);
  });
  const absl::Duration elapsed = connection.elapsed();
  if (outcome.code == ExitCode::kFailed) outcome.message += NearestModel(name, &connection);
  if (!outcome.ok()) return outcome;
  if (settings.json) {
    console.out << ToJson(response) << '\n';
  } else {
    console.out << fmt::format("{} {} ({}).\n", done, Printable(name), HumanDuration(elapsed));
  }
  return {};
}

}  // namespace

Outcome LoadModel(const ModelLoadingOptions& options, const Settings& settings, Console& console) {
  return Change(options.name, "Loaded", settings, console,
                &GRPCInferenceService::Stub::RepositoryModelLoad);
}

Outcome UnloadModel(const ModelLoadingOptions& options, const Settings& settings,
                    Console& console) {
  return Change(options.name, "Unloaded", settings, console,
                &GRPCInferenceService::Stub::RepositoryModelUnload);
}

}  // namespace souvenir::cli
