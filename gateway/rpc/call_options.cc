#include "gateway/rpc/call_options.h"

#include <fmt/format.h>
#include <grpcpp/server_context.h>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "common/grpc/caller.h"
#include "common/status_macros.h"

namespace souvenir::gateway {
namespace {

// Every hit checks each tag of its entry.
constexpr size_t kMaxTags = 16;
constexpr size_t kMaxNameBytes = 256;

absl::Status CheckName(std::string_view header, std::string_view name) {
  if (!name.empty() && name.size() <= kMaxNameBytes) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format("{}: a name of {} bytes came, 1 to {} are expected",
                                                header, name.size(), kMaxNameBytes));
}

absl::Status ParseTags(std::string_view header, std::vector<std::string>* tags) {
  for (const absl::string_view part :
       absl::StrSplit(absl::string_view(header.data(), header.size()), ',')) {
    const absl::string_view tag = absl::StripAsciiWhitespace(part);
    SOUVENIR_RETURN_IF_ERROR(CheckName("souvenir-tags", std::string_view(tag.data(), tag.size())));
    tags->emplace_back(tag);
  }
  if (tags->size() <= kMaxTags) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("souvenir-tags: {} tags came, and the limit is {}", tags->size(), kMaxTags));
}

}  // namespace

absl::Status ReadCallOptions(const grpc::CallbackServerContext& context, bool trust_tenant,
                             const Clock& clock, CallOptions* options) {
  options->resolve.deadline = MonotonicDeadline(context, clock);
  for (const auto& [name, bytes] : context.client_metadata()) {
    const std::string_view value(bytes.data(), bytes.size());
    if (name == "cache-control") {
      SOUVENIR_ASSIGN_OR_RETURN(options->resolve.cache, ParseCacheControl(value));
    } else if (name == "souvenir-tags") {
      SOUVENIR_RETURN_IF_ERROR(ParseTags(value, &options->resolve.tags));
    } else if (name == "souvenir-tenant" && trust_tenant) {
      SOUVENIR_RETURN_IF_ERROR(CheckName("souvenir-tenant", value));
      options->tenant = value;
    } else {
      options->resolve.trace.Take({name.data(), name.size()}, value);
    }
  }
  return absl::OkStatus();
}

}  // namespace souvenir::gateway
