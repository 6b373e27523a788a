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

// `send` makes the call with a stub and a context, and says what there is to print as JSON.
template <typename Response, typename Send>
Outcome Change(const std::string& name, const char* done, const Settings& settings,
               Console& console, Send send) {
  Connection connection(settings.ToAdmin(), GRPCInferenceService::service_full_name(),
                        console.clock);
  const auto stub = GRPCInferenceService::NewStub(connection.channel());
  Response response;
  Outcome outcome = connection.Call(
      [&](grpc::ClientContext* context) { return send(stub.get(), context, &response); });
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
  inference::RepositoryModelLoadRequest request;
  request.set_model_name(options.name);
  return Change<inference::RepositoryModelLoadResponse>(
      options.name, "Loaded", settings, console,
      [&](GRPCInferenceService::Stub* stub, grpc::ClientContext* context, auto* response) {
        return stub->RepositoryModelLoad(context, request, response);
      });
}

Outcome UnloadModel(const ModelLoadingOptions& options, const Settings& settings,
                    Console& console) {
  inference::RepositoryModelUnloadRequest request;
  request.set_model_name(options.name);
  return Change<inference::RepositoryModelUnloadResponse>(
      options.name, "Unloaded", settings, console,
      [&](GRPCInferenceService::Stub* stub, grpc::ClientContext* context, auto* response) {
        return stub->RepositoryModelUnload(context, request, response);
      });
}

}  // namespace souvenir::cli
