#include "gateway/rpc/translation_messages.h"

#include <fmt/format.h>

#include <string>

#include "common/grpc/proto_time.h"
#include "common/grpc/status.h"

namespace souvenir::gateway {
namespace {

using google::protobuf::Duration;

void WriteDuration(int field, const Duration& duration, MessageWriter& out) {
  out.Message(field, [&](MessageWriter& out) {
    out.Field(Duration::kSecondsFieldNumber, static_cast<uint64_t>(duration.seconds()));
    out.Field(Duration::kNanosFieldNumber, static_cast<uint64_t>(duration.nanos()));
  });
}

}  // namespace

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
  if (!result_.provenance) return;
  key_ = result_.provenance->key.Hex();
  if (result_.provenance->age) ToProto(*result_.provenance->age, &age_);
  if (result_.provenance->compute_time) {
    ToProto(*result_.provenance->compute_time, &compute_time_);
  }
}

void TranslationWriter::Write(MessageWriter& out) const {
  using v1::Translation;
  out.Field(Translation::kTargetLanguageFieldNumber, result_.target_language);
  out.Field(Translation::kTextFieldNumber, result_.text);
  if (result_.provenance) {
    out.Message(Translation::kProvenanceFieldNumber,
                [&](MessageWriter& out) { WriteProvenance(out); });
  }
  if (!result_.status.ok()) {
    out.Message(Translation::kStatusFieldNumber, [&](MessageWriter& out) {
      out.Field(v1::Status::kCodeFieldNumber, static_cast<uint64_t>(result_.status.code()));
      out.Field(v1::Status::kMessageFieldNumber, message_);
    });
  }
  if (!result_.route.empty()) out.Always(Translation::kRouteFieldNumber, result_.route);
}

void TranslationWriter::WriteProvenance(MessageWriter& out) const {
  using v1::Provenance;
  out.Field(Provenance::kKindFieldNumber, static_cast<uint64_t>(result_.provenance->kind));
  if (result_.provenance->age) WriteDuration(Provenance::kAgeFieldNumber, age_, out);
  out.Field(Provenance::kModelFieldNumber, result_.provenance->model);
  out.Field(Provenance::kModelVersionFieldNumber, result_.provenance->model_version);
  if (result_.provenance->compute_time) {
    WriteDuration(Provenance::kComputeTimeFieldNumber, compute_time_, out);
  }
  out.Field(Provenance::kKeyFieldNumber, key_);
}

}  // namespace souvenir::gateway
