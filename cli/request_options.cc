#include "cli/request_options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "common/souvenir_names.h"

namespace souvenir::cli {

std::string WrongMetadata(const std::string& value) {
  const bool printable =
      std::all_of(value.begin(), value.end(), [](char c) { return c >= ' ' && c <= '~'; });
  return printable ? "" : fmt::format("'{}' has characters beyond printable ASCII", value);
}

void AddMetadata(const RequestOptions& options, grpc::ClientContext* context) {
  if (!options.tags.empty()) {
    context->AddMetadata("souvenir-tags", fmt::format("{}", fmt::join(options.tags, ",")));
  }
  if (!options.tenant.empty()) context->AddMetadata(kTenantHeader, options.tenant);
  if (!options.cache_control.empty()) {
    context->AddMetadata("cache-control", options.cache_control);
  }
}

void TellIgnored(const RequestOptions& options, const grpc::ClientContext& context,
                 std::ostream& err) {
  if (options.tenant.empty()) return;
  const auto& told = context.GetServerInitialMetadata();
  const auto found = told.find(kTenantHeader);
  if (found == told.end() || found->second != kTenantIgnored) return;
  err << "souvenir: the gateway ignored --tenant, because trust_tenant_header is off there; the "
         "answer is one without a tenant\n";
}

}  // namespace souvenir::cli
