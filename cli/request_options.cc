#include "cli/request_options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace souvenir::cli {
namespace {

bool CanBeSent(const std::string& value) {
  return std::all_of(value.begin(), value.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

Outcome NotSendable(const char* flag, const std::string& value) {
  return Outcome::Usage(fmt::format("{}: '{}' has characters beyond printable ASCII", flag, value));
}

}  // namespace

Outcome CheckRequestOptions(const RequestOptions& options) {
  for (const std::string& tag : options.tags) {
    if (!CanBeSent(tag)) return NotSendable("--tag", tag);
  }
  if (!CanBeSent(options.tenant)) return NotSendable("--tenant", options.tenant);
  if (!CanBeSent(options.cache_control)) {
    return NotSendable("--cache-control", options.cache_control);
  }
  return {};
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
