#include "gateway/rpc/translation_service.h"

#include <fmt/format.h>

#include <memory>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "common/grpc/unary_calls.h"
#include "common/status_macros.h"
#include "gateway/rpc/call_options.h"
#include "gateway/rpc/message_writer.h"
#include "gateway/rpc/raw_message.h"
#include "gateway/rpc/stream_translate_call.h"
#include "gateway/rpc/translation_messages.h"

namespace souvenir::gateway {
namespace {

// One Translate.
class TranslateCall final : public ResolvingCall {
 public:
  TranslateCall(const CallParts& parts, RpcMethodMetrics* metrics,
                grpc::CallbackServerContext* context, const grpc::ByteBuffer& request,
                grpc::ByteBuffer* response)
      : ResolvingCall(parts, metrics, context, request, response) {}

  absl::Status Read(const grpc::ByteBuffer& bytes, const Translator& translator) {
    RequestArena arena;
    auto* const message = arena.Create<v1::TranslateRequest>();
    SOUVENIR_RETURN_IF_ERROR(ParseMessage(bytes, parts().max_message_bytes, message));
    CallOptions options;
    SOUVENIR_RETURN_IF_ERROR(
        ReadCallOptions(parts().trust_tenant_header, *parts().clock(), context(), &options));
    // Set first, so that the log of a refused request has its trace.
    translation_.call().options = std::move(options.resolve);
    SOUVENIR_ASSIGN_OR_RETURN(const TranslationRequest request, ReadTranslateRequest(*message));
    return translation_.Plan(request, options.tenant, translator);
  }

 private:
  ResolveCall& resolving() override { return translation_.call(); }

  absl::Status Respond() override {
    SOUVENIR_RETURN_IF_ERROR(translation_.OverallStatus());
    const absl::Time now = parts().clock()->Now();
    absl::InlinedVector<TranslationWriter, 1> translations;
    size_t bytes = 0;
    for (size_t item = 0; item < translation_.size(); ++item) {
      const Translation::Result result = translation_.result(item, now);
      bytes += result.text.size();
      translations.emplace_back(result);
    }
    if (bytes > parts().max_message_bytes) {
      return absl::ResourceExhaustedError(fmt::format(
          "the translations have {} bytes, and a response may have {}; StreamTranslate sends each "
          "by itself",
          bytes, parts().max_message_bytes));
    }
    MessageWriter::WriteTo(response(), [&](MessageWriter& out) {
      using v1::TranslateResponse;
      out.Field(TranslateResponse::kSourceLanguageFieldNumber, translation_.source_language());
      for (const TranslationWriter& translation : translations) {
        out.Message(TranslateResponse::kTranslationsFieldNumber,
                    [&](MessageWriter& out) { translation.Write(out); });
      }
    });
    for (const TranslationWriter& translation : translations) {
      call().CountAnswers(translation.status().code());
    }
    return absl::OkStatus();
  }
  size_t answers() const override { return translation_.size(); }

  Translation translation_{this};
};

}  // namespace

TranslationService::TranslationService(const CallParts& parts, Translator* translator)
    : parts_(parts),
      translator_(translator),
      translate_metrics_(parts.entry->Method("Translate")),
      stream_metrics_(parts.entry->Method("StreamTranslate")),
      list_metrics_(parts.entry->Method("ListLanguages")) {}

grpc::ServerUnaryReactor* TranslationService::Translate(grpc::CallbackServerContext* context,
                                                        const grpc::ByteBuffer* request,
                                                        grpc::ByteBuffer* response) {
  const auto call =
      std::make_shared<TranslateCall>(parts_, translate_metrics_, context, *request, response);
  const absl::Status read = call->Read(*request, *translator_);
  return read.ok() ? UnaryCall::Run(call) : UnaryCall::Fail(call, read);
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* TranslationService::StreamTranslate(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) {
  return StreamTranslateCall::Start(parts_, translator_, stream_metrics_, context, *request);
}

grpc::ServerUnaryReactor* TranslationService::ListLanguages(grpc::CallbackServerContext* context,
                                                            const v1::ListLanguagesRequest*,
                                                            v1::ListLanguagesResponse* response) {
  return AnswerNow(parts_.entry, list_metrics_, context, response, [&] {
    for (TranslationDirectory::Pair& pair : translator_->Pairs()) {
      v1::LanguagePair* const listed = response->add_pairs();
      listed->set_source_language(std::move(pair.source));
      listed->set_target_language(std::move(pair.target));
      listed->set_model(std::move(pair.model));
    }
    return absl::OkStatus();
  });
}

}  // namespace souvenir::gateway
