#include "gateway/rpc/stream_translate_call.h"

#include <utility>

#include "common/status_macros.h"
#include "gateway/resolve/resolver.h"
#include "gateway/rpc/call_options.h"
#include "gateway/rpc/message_writer.h"
#include "gateway/rpc/raw_message.h"
#include "gateway/rpc/translation_messages.h"

namespace souvenir::gateway {

grpc::ServerWriteReactor<grpc::ByteBuffer>* StreamTranslateCall::Start(
    const CallParts& parts, Translator* translator, RpcMethodMetrics* metrics,
    grpc::CallbackServerContext* context, const grpc::ByteBuffer& bytes) {
  auto* const stream = new EventStream(parts, metrics, context);
  const std::shared_ptr<StreamTranslateCall> call(new StreamTranslateCall(stream));
  // The request is read first: the log of a refused call has its trace.
  const absl::Status ready = call->Read(bytes, *translator, context);
  if (!stream->Begin(call, ready)) return stream;
  for (size_t item = 0; item < call->translation_.size(); ++item) {
    if (!call->translation_.IsAsked(item)) call->Write(item);
  }
  parts.resolver->Resolve(call->Shared());
  return stream;
}

absl::Status StreamTranslateCall::Read(const grpc::ByteBuffer& bytes, const Translator& translator,
                                       grpc::CallbackServerContext* context) {
  const CallParts& parts = stream_->parts();
  v1::TranslateRequest message;
  SOUVENIR_RETURN_IF_ERROR(ParseMessage(bytes, parts.max_message_bytes, &message));
  CallOptions options;
  SOUVENIR_RETURN_IF_ERROR(
      ReadCallOptions(parts.trust_tenant_header, *parts.clock(), context, &options));
  translation_.call().options = std::move(options.resolve);
  SOUVENIR_ASSIGN_OR_RETURN(const TranslationRequest request, ReadTranslateRequest(message));
  return translation_.Plan(request, options.tenant, translator);
}

void StreamTranslateCall::Abandon(const absl::Status& reason) {
  stream_->parts().resolver->Cancel(Shared(), reason);
}

void StreamTranslateCall::OnAnswered(size_t question) { Write(translation_.ItemOf(question)); }

void StreamTranslateCall::Write(size_t item) {
  const TranslationWriter translation(translation_.result(item, stream_->parts().clock()->Now()));
  grpc::ByteBuffer bytes;
  MessageWriter::WriteTo(&bytes, [&](MessageWriter& out) { translation.Write(out); });
  stream_->Write(translation.status().code(), bytes);
}

void StreamTranslateCall::OnAllAnswered() { stream_->End(translation_.OverallStatus()); }

}  // namespace souvenir::gateway
