#include "cli/request_options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

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
  if (!options.tenant.empty()) context->AddMetadata("souvenir-tenant", options.tenant);
  if (!options.cache_control.empty()) {
    context->AddMetadata("cache-control", options.cache_control);
  }
}

}  // namespace souvenir::cli
