#include "gateway/rpc/translation_service.h"

#include <google/protobuf/arena.h>

#include <memory>
#include <utility>

#include "common/status_macros.h"
#include "gateway/rpc/raw_message.h"
#include "gateway/rpc/stream_translate_call.h"
#include "gateway/rpc/translation_messages.h"

namespace souvenir::gateway {
namespace {

// One Translate.
class TranslateCall final : public UnaryCall {
 public:
  TranslateCall(const CallParts& parts, RpcMethodMetrics* metrics,
                grpc::CallbackServerContext* context, grpc::ByteBuffer* response)
      : UnaryCall(parts, metrics, context), response_(response) {}

  absl::Status Read(const grpc::ByteBuffer& bytes, const Translator& translator) {
    auto* const request = google::protobuf::Arena::CreateMessage<v1::TranslateRequest>(&arena_);
    SOUVENIR_RETURN_IF_ERROR(ParseMessage(bytes, request));
    CallOptions read;
    SOUVENIR_RETURN_IF_ERROR(
        ReadCallOptions(*context(), parts().trust_tenant_header, *parts().clock, &read));
    SOUVENIR_RETURN_IF_ERROR(PlanTranslation(*request, read, translator, &plan_, &questions));
    options = std::move(read.resolve);
    return absl::OkStatus();
  }

 private:
  absl::Status Respond() override {
    SOUVENIR_RETURN_IF_ERROR(OverallStatus(*this, plan_));
    auto* const response = google::protobuf::Arena::CreateMessage<v1::TranslateResponse>(&arena_);
    response->set_source_language(plan_.source_language);
    const absl::Time now = parts().clock->Now();
    size_t question = 0;
    for (const TranslationPlan::Item& item : plan_.translations) {
      const Answer* const answer = item.target != nullptr ? &this->answer(question++) : nullptr;
      FillTranslation(item, answer, now, response->add_translations());
    }
    *response_ = SerializeMessage(*response);
    return absl::OkStatus();
  }

  grpc::ByteBuffer* const response_;
  google::protobuf::Arena arena_;  // of both messages
  TranslationPlan plan_;
};

}  // namespace

TranslationService::TranslationService(const CallParts& parts, Translator* translator,
                                       RpcMetrics* metrics)
    : parts_(parts),
      translator_(translator),
      translate_metrics_(metrics->Method("Translate")),
      stream_metrics_(metrics->Method("StreamTranslate")),
      list_metrics_(metrics->Method("ListLanguages")) {}

grpc::ServerUnaryReactor* TranslationService::Translate(grpc::CallbackServerContext* context,
                                                        const grpc::ByteBuffer* request,
                                                        grpc::ByteBuffer* response) {
  const auto call = std::make_shared<TranslateCall>(parts_, translate_metrics_, context, response);
  const absl::Status read = call->Read(*request, *translator_);
  return read.ok() ? UnaryCall::Run(call) : UnaryCall::Fail(call, read);
}

grpc::ServerWriteReactor<v1::Translation>* TranslationService::StreamTranslate(
    grpc::CallbackServerContext* context, const v1::TranslateRequest* request) {
  return StreamTranslateCall::Start(parts_, translator_, stream_metrics_, context, *request);
}

grpc::ServerUnaryReactor* TranslationService::ListLanguages(grpc::CallbackServerContext* context,
                                                            const v1::ListLanguagesRequest*,
                                                            v1::ListLanguagesResponse* response) {
  const absl::Duration began = parts_.clock->Monotonic();
  for (TranslationDirectory::Pair& pair : translator_->Pairs()) {
    v1::LanguagePair* const listed = response->add_pairs();
    listed->set_source_language(std::move(pair.source));
    listed->set_target_language(std::move(pair.target));
    listed->set_model(std::move(pair.model));
  }
  list_metrics_->Record(grpc::StatusCode::OK, parts_.clock->Monotonic() - began);
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  reactor->Finish(grpc::Status::OK);
  return reactor;
}

}  // namespace souvenir::gateway
