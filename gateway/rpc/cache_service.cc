#include "gateway/rpc/cache_service.h"

#include <fmt/format.h>

#include <string>
#include <utility>
#include <variant>

#include "common/grpc/proto_time.h"
#include "common/grpc/unary_calls.h"
#include "common/logging/logging.h"
#include "common/model_name.h"
#include "common/status_macros.h"
#include "gateway/resolve/freshness.h"
#include "gateway/rpc/call_options.h"

namespace souvenir::gateway {
namespace {

constinit Logger log{"cache"};
constinit LogLimit invalidated_limit;

absl::Status Busy() {
  return absl::ResourceExhaustedError("too many calls wait for the disk; try again later");
}

absl::StatusOr<cache::Fingerprint> ParseKey(const std::string& key) {
  const std::optional<cache::Fingerprint> fingerprint = cache::Fingerprint::FromHex(key);
  if (fingerprint) return *fingerprint;
  return absl::InvalidArgumentError(
      fmt::format("key: {} characters came that are no fingerprint; 64 hex digits are expected, as "
                  "the provenance of an answer tells them",
                  key.size()));
}

absl::Status CheckModel(const std::string& name) {
  const absl::Status checked = CheckModelName(name);
  if (checked.ok()) return checked;
  return absl::InvalidArgumentError(
      fmt::format("model: {}; a name of 1 to {} bytes without control characters is expected",
                  std::string(checked.message()), kMostNameBytes));
}

absl::StatusOr<cache::Invalidation> ParseScope(const v1::InvalidateRequest& request) {
  switch (request.scope_case()) {
    case v1::InvalidateRequest::kKey: {
      SOUVENIR_ASSIGN_OR_RETURN(const cache::Fingerprint key, ParseKey(request.key()));
      return cache::InvalidateKey{key};
    }
    case v1::InvalidateRequest::kTag:
      SOUVENIR_RETURN_IF_ERROR(CheckTag("tag", request.tag()));
      return cache::InvalidateTag{request.tag()};
    case v1::InvalidateRequest::kModel:
      SOUVENIR_RETURN_IF_ERROR(CheckModel(request.model()));
      return cache::InvalidateModel{request.model()};
    case v1::InvalidateRequest::kTenant:
      // "" stands for all requests without a tenant.
      if (!request.tenant().empty()) {
        SOUVENIR_RETURN_IF_ERROR(CheckTenant("tenant", request.tenant()));
      }
      return cache::InvalidateTenant{request.tenant()};
    case v1::InvalidateRequest::kAll:
      if (!request.all()) return absl::InvalidArgumentError("all: false came; true is expected");
      return cache::InvalidateAll{};
    case v1::InvalidateRequest::SCOPE_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("no scope; one of key, tag, model, tenant and all is expected");
}

}  // namespace

CacheService::CacheService(cache::TieredCache* cache, Executor* disk_executor,
                           Executor* snapshot_executor, absl::Duration snapshot_idle_timeout,
                           const Catalog* catalog, RpcEntry* entry)
    : cache_(cache),
      disk_executor_(disk_executor),
      catalog_(catalog),
      entry_(entry),
      get_metrics_(entry->Method("GetEntry")),
      invalidate_metrics_(entry->Method("Invalidate")),
      snapshot_{cache, snapshot_executor, entry, catalog, snapshot_idle_timeout},
      export_metrics_(entry->Method("Export")),
      import_metrics_(entry->Method("Import")) {}

grpc::ServerUnaryReactor* CacheService::GetEntry(grpc::CallbackServerContext* context,
                                                 const v1::GetEntryRequest* request,
                                                 v1::GetEntryResponse* response) {
  return AnswerOn(disk_executor_, Busy(), entry_, get_metrics_, context, response,
                  [this, request, response] { return FillEntry(*request, response); });
}

absl::Status CacheService::FillEntry(const v1::GetEntryRequest& request,
                                     v1::GetEntryResponse* response) {
  SOUVENIR_ASSIGN_OR_RETURN(const cache::Fingerprint key, ParseKey(request.key()));
  cache::EntryPtr entry = cache_->LookupMemory(key);
  response->set_tier(v1::CACHE_KIND_MEMORY);
  if (entry == nullptr) {
    entry = cache_->ReadDisk(key);
    response->set_tier(v1::CACHE_KIND_DISK);
  }
  if (entry == nullptr || !IsFresh(*entry, *catalog_, *entry_->clock())) {
    return absl::NotFoundError(fmt::format("no valid entry has the key {}", request.key()));
  }
  response->set_key(key.Hex());
  response->set_model(entry->origin().model());
  response->set_tenant(entry->origin().tenant());
  response->set_value_bytes(entry->value().size());
  ToProto(entry->created_at(), response->mutable_created_at());
  const absl::Duration lifetime =
      Lifetime(*entry, catalog_->FreshnessOf(entry->origin().model(), entry->origin().version()));
  if (lifetime != absl::InfiniteDuration()) {
    ToProto(entry->created_at() + lifetime, response->mutable_expires_at());
  }
  ToProto(entry->cost(), response->mutable_compute_time());
  for (const std::string& tag : entry->tags()) response->add_tags(tag);
  if (entry->is_error()) {
    response->mutable_refusal()->set_code(static_cast<int>(entry->code()));
    response->mutable_refusal()->set_message(std::string(entry->value()));
  } else if (request.with_value()) {
    response->set_value(std::string(entry->value()));
  }
  return absl::OkStatus();
}

v1::InvalidateMatch CacheService::Match(const cache::Invalidation& scope) {
  bool found = true;
  if (const auto* key = std::get_if<cache::InvalidateKey>(&scope)) {
    found = cache_->LookupMemory(key->key) != nullptr || cache_->ReadDisk(key->key) != nullptr;
  } else if (const auto* of_model = std::get_if<cache::InvalidateModel>(&scope)) {
    // A model that had gone before a restart is known by its answers only.
    found = catalog_->was_known(of_model->model) ||
            cache_->HasAnswersOf(
                [&](const cache::Origin& origin) { return origin.model() == of_model->model; });
  } else if (const auto* of_tenant = std::get_if<cache::InvalidateTenant>(&scope)) {
    // Every gateway may have requests without a tenant.
    found = of_tenant->tenant.empty() || cache_->HasAnswersOf([&](const cache::Origin& origin) {
      return origin.tenant() == of_tenant->tenant;
    });
  } else if (!std::holds_alternative<cache::InvalidateAll>(scope)) {
    return v1::INVALIDATE_MATCH_UNSPECIFIED;  // a tag
  }
  return found ? v1::INVALIDATE_MATCH_FOUND : v1::INVALIDATE_MATCH_NOTHING;
}

grpc::ServerUnaryReactor* CacheService::Invalidate(grpc::CallbackServerContext* context,
                                                   const v1::InvalidateRequest* request,
                                                   v1::InvalidateResponse* response) {
  const auto invalidate = [this, request, response]() -> absl::Status {
    SOUVENIR_ASSIGN_OR_RETURN(const cache::Invalidation scope, ParseScope(*request));
    response->set_match(Match(scope));
    absl::Status done = cache_->Invalidate(scope);
    log.Info(invalidated_limit, "invalidated",
             {{"scope", static_cast<int>(request->scope_case())}});
    return done;
  };
  return AnswerOn(disk_executor_, Busy(), entry_, invalidate_metrics_, context, response,
                  invalidate);
}

grpc::ServerWriteReactor<v1::ExportResponse>* CacheService::Export(
    grpc::CallbackServerContext* context, const v1::ExportRequest*) {
  return StartExport(snapshot_, context, export_metrics_);
}

grpc::ServerReadReactor<v1::ImportRequest>* CacheService::Import(
    grpc::CallbackServerContext* context, v1::ImportResponse* response) {
  return StartImport(snapshot_, context, import_metrics_, response);
}

}  // namespace souvenir::gateway
