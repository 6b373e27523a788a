#include "cli/models_command.h"

#include <fmt/format.h>

#include <memory>
#include <vector>

#include "cli/connection.h"
#include "cli/json.h"
#include "cli/known_models.h"
#include "cli/printable.h"
#include "cli/table.h"
#include "common/souvenir_names.h"
#include "inference/grpc_service.grpc.pb.h"

namespace souvenir::cli {
namespace {

using inference::GRPCInferenceService;
using inference::ModelMetadataResponse;
using inference::RepositoryIndexResponse;

struct ModelView {
  RepositoryIndexResponse::ModelIndex index;
  ModelMetadataResponse metadata;
};

// Returns "text BYTES[-1,1]".
template <typename Tensors>
std::string Signature(const Tensors& tensors) {
  std::string out;
  for (const ModelMetadataResponse::TensorMetadata& tensor : tensors) {
    std::string shape;
    for (const int64_t size : tensor.shape()) {
      shape += fmt::format("{}{}", shape.empty() ? "" : ",", size);
    }
    out += fmt::format("{}{} {}[{}]", out.empty() ? "" : ", ", Printable(tensor.name()),
                       Printable(tensor.datatype()), shape);
  }
  return out.empty() ? "-" : out;
}

// Returns the beginning of the digest, which is enough to see a change.
std::string ShortDigest(const ModelMetadataResponse& metadata) {
  const auto digest = metadata.properties().find(kDigestName);
  return digest == metadata.properties().end() ? "-" : Printable(digest->second.substr(0, 12));
}

std::string RenderTable(const std::vector<ModelView>& models) {
  Table table(std::vector<Table::Align>(7, Table::Align::kLeft));
  table.Add({"model", "version", "state", "digest", "inputs", "outputs", "note"});
  for (const ModelView& model : models) {
    table.Add({Printable(model.index.name()), Printable(model.index.version()),
               Printable(model.index.state()), ShortDigest(model.metadata),
               Signature(model.metadata.inputs()), Signature(model.metadata.outputs()),
               Printable(model.index.reason())});
  }
  return table.Render();
}

std::string RenderJson(const std::vector<ModelView>& models) {
  std::string out;
  for (const ModelView& model : models) {
    out += fmt::format("{}{{\"index\":{},\"metadata\":{}}}", out.empty() ? "" : ",",
                       ToJson(model.index), ToJson(model.metadata));
  }
  return fmt::format("{{\"models\":[{}]}}\n", out);
}

}  // namespace

Outcome Models(const ModelsOptions& options, const Settings& settings, Console& console) {
  Connection connection(settings.ToServer(), GRPCInferenceService::service_full_name(),
                        console.clock);
  const auto stub = GRPCInferenceService::NewStub(connection.channel());
  RepositoryIndexResponse index;
  Outcome outcome = connection.Call(
      [&](grpc::ClientContext* context) { return stub->RepositoryIndex(context, {}, &index); });
  if (!outcome.ok()) return outcome;

  std::vector<ModelView> models;
  for (const auto& entry : index.models()) {
    if (!options.name.empty() && entry.name() != options.name) continue;
    ModelView model{.index = entry, .metadata = {}};
    inference::ModelMetadataRequest request;
    request.set_name(entry.name());
    request.set_version(entry.version());
    outcome = connection.Call([&](grpc::ClientContext* context) {
      return stub->ModelMetadata(context, request, &model.metadata);
    });
    if (outcome.code == ExitCode::kUnreachable || outcome.code == ExitCode::kDeadline) {
      return outcome;
    }
    if (!outcome.ok() && entry.reason().empty()) model.index.set_reason(outcome.message);
    models.push_back(std::move(model));
  }
  if (models.empty() && !options.name.empty()) {
    return {ExitCode::kFailed,
            fmt::format("no model '{}'{}; `souvenir models` lists those there are", options.name,
                        NearestModel(options.name, &connection))};
  }
  console.out << (settings.json ? RenderJson(models) : RenderTable(models));
  return {};
}

}  // namespace souvenir::cli
