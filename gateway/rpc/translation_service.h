#pragma once

#include "common/grpc/rpc_metrics.h"
#include "gateway/language/translator.h"
#include "gateway/rpc/unary_call.h"
#include "souvenir/v1/translation.grpc.pb.h"

namespace souvenir::gateway {

// souvenir.v1.TranslationService over Translator and Resolver. Owned by the gateway; thread-safe.
class TranslationService final : public v1::TranslationService::WithRawCallbackMethod_Translate<
                                     v1::TranslationService::WithRawCallbackMethod_StreamTranslate<
                                         v1::TranslationService::WithCallbackMethod_ListLanguages<
                                             v1::TranslationService::Service>>> {
 public:
  // The objects that the arguments point to must outlive the service.
  TranslationService(const CallParts& parts, Translator* translator);

  grpc::ServerUnaryReactor* Translate(grpc::CallbackServerContext* context,
                                      const grpc::ByteBuffer* request,
                                      grpc::ByteBuffer* response) override;
  grpc::ServerWriteReactor<grpc::ByteBuffer>* StreamTranslate(
      grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) override;
  grpc::ServerUnaryReactor* ListLanguages(grpc::CallbackServerContext* context,
                                          const v1::ListLanguagesRequest* request,
                                          v1::ListLanguagesResponse* response) override;

 private:
  const CallParts parts_;
  Translator* const translator_;
  RpcMethodMetrics* const translate_metrics_;
  RpcMethodMetrics* const stream_metrics_;
  RpcMethodMetrics* const list_metrics_;
};

}  // namespace souvenir::gateway
