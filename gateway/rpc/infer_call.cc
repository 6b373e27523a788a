#include "gateway/rpc/infer_call.h"

#include <algorithm>
#include <string>
#include <utility>

#include "common/status_macros.h"
#include "gateway/rpc/call_options.h"
#include "gateway/rpc/resolved_request.h"

namespace souvenir::gateway {

absl::Status InferCall::Read(const grpc::ByteBuffer& bytes, const Catalog& catalog,
                             const TargetDirectory& targets) {
  SOUVENIR_RETURN_IF_ERROR(messages_.Parse(bytes, parts().max_message_bytes));
  CallOptions read;
  SOUVENIR_RETURN_IF_ERROR(
      ReadCallOptions(parts().trust_tenant_header, *parts().clock(), context(), &read));
  return messages_.Ask(std::move(read), catalog, targets, &resolving_);
}

absl::Status InferCall::Respond() {
  SOUVENIR_RETURN_IF_ERROR(messages_.Join(resolving_));
  MessageWriter::WriteTo(response(), [&](MessageWriter& out) { messages_.Write(resolving_, out); });
  AddCacheMetadata();
  call().CountAnswers(absl::StatusCode::kOk);
  return absl::OkStatus();
}

void InferCall::AddCacheMetadata() {
  const absl::Time now = parts().clock()->Now();
  absl::Duration oldest = absl::ZeroDuration();
  for (size_t i = 0; i < resolving_.questions.size(); ++i) {
    oldest = std::max(oldest, resolving_.answer(i).Age(now));
  }
  context()->AddInitialMetadata("souvenir-cache", CountKinds({&resolving_}));
  context()->AddInitialMetadata("age", std::to_string(absl::ToInt64Seconds(oldest)));
  if (resolving_.questions.size() == 1) {
    context()->AddInitialMetadata("souvenir-key", resolving_.answer(0).key.Hex());
  }
}

}  // namespace souvenir::gateway
