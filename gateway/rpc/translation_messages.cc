#include "gateway/rpc/translation_messages.h"

#include <fmt/format.h>

#include <string>

#include "common/grpc/status.h"

namespace souvenir::gateway {

absl::StatusOr<TranslationRequest> ReadTranslateRequest(const v1::TranslateRequest& request) {
  if (request.format() != v1::TEXT_FORMAT_UNSPECIFIED &&
      request.format() != v1::TEXT_FORMAT_PLAIN) {
    // A number outside the enum has no name.
    const std::string& name = v1::TextFormat_Name(request.format());
    return absl::UnimplementedError(
        fmt::format("format: {} came; only TEXT_FORMAT_PLAIN is translated so far",
                    name.empty() ? std::to_string(request.format()) : name));
  }
  TranslationRequest asked;
  asked.text = request.text();
  asked.source_language = request.source_language();
  for (const std::string& target : request.target_languages()) {
    asked.target_languages.push_back(target);
  }
  asked.engine = request.engine();
  return asked;
}

TranslationWriter::TranslationWriter(const Translation::Result& result) : result_(result) {
  if (!result_.status.ok()) message_ = MessageForClients(result_.status);
  if (result_.provenance) provenance_.emplace(*result_.provenance);
}

void TranslationWriter::Write(MessageWriter& out) const {
  using v1::Translation;
  out.Field(Translation::kTargetLanguageFieldNumber, result_.target_language);
  out.Field(Translation::kTextFieldNumber, result_.text);
  if (provenance_) {
    out.Message(Translation::kProvenanceFieldNumber,
                [&](MessageWriter& out) { provenance_->Write(out); });
  }
  if (!result_.status.ok()) {
    out.Message(Translation::kStatusFieldNumber, [&](MessageWriter& out) {
      out.Field(v1::Status::kCodeFieldNumber, static_cast<uint64_t>(result_.status.code()));
      out.Field(v1::Status::kMessageFieldNumber, message_);
    });
  }
  if (!result_.route.empty()) out.Always(Translation::kRouteFieldNumber, result_.route);
}

void DescribeTranslation(const Translation::Result& result, v1::Translation* message) {
  message->set_target_language(std::string(result.target_language));
  message->set_text(std::string(result.text));
  if (result.provenance) DescribeProvenance(*result.provenance, message->mutable_provenance());
  if (!result.status.ok()) DescribeStatus(result.status, message->mutable_status());
  if (!result.route.empty()) message->add_route(std::string(result.route));
}

}  // namespace souvenir::gateway
