#include "cli/known_models.h"

#include <fmt/format.h>

#include <set>

#include "common/nearest.h"
#include "inference/grpc_service.grpc.pb.h"

namespace souvenir::cli {

std::vector<std::string> KnownModels(Connection* connection) {
  const auto stub = inference::GRPCInferenceService::NewStub(connection->channel());
  inference::RepositoryIndexResponse index;
  const Outcome outcome = connection->Call(
      [&](grpc::ClientContext* context) { return stub->RepositoryIndex(context, {}, &index); });
  std::set<std::string> names;
  for (const auto& model : index.models()) names.insert(model.name());
  return outcome.ok() ? std::vector<std::string>(names.begin(), names.end())
                      : std::vector<std::string>();
}

std::string NearestModel(const std::string& name, Connection* connection) {
  const std::string nearest = Nearest(name, KnownModels(connection));
  return nearest.empty() || nearest == name ? "" : fmt::format(" (did you mean '{}'?)", nearest);
}

}  // namespace souvenir::cli
