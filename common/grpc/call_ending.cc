#include "common/grpc/call_ending.h"

#include <grpc/grpc.h>

#include <memory>

namespace souvenir {
namespace {

constexpr char kUnread[] =
    "the answer was not read, and the unread answers of all clients have reached the limit";

}  // namespace

UnreadAnswers::GiveUp EndingOf(grpc::CallbackServerContext* context) {
  grpc_call* const call = context->c_call();
  if (call == nullptr) return [] {};  // a context of a test
  // gRPC's call lives as long as somebody refers to it, also after the RPC has ended.
  grpc_call_ref(call);
  const std::shared_ptr<grpc_call> referred(call, [](grpc_call* call) { grpc_call_unref(call); });
  return [referred] {
    grpc_call_cancel_with_status(referred.get(), GRPC_STATUS_RESOURCE_EXHAUSTED, kUnread, nullptr);
  };
}

}  // namespace souvenir
