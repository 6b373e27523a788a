#include "gateway/rpc/translation_messages.h"

#include <fmt/format.h>

#include <string>

#include "common/grpc/proto_time.h"
#include "common/status_macros.h"

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

absl::Status PlanTranslation(const v1::TranslateRequest& request, const CallOptions& options,
                             const Translator& translator, TranslationPlan* plan,
                             Questions* questions) {
  if (request.format() != v1::TEXT_FORMAT_UNSPECIFIED &&
      request.format() != v1::TEXT_FORMAT_PLAIN) {
    // A number that is no member of the enum has no name.
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
  SOUVENIR_RETURN_IF_ERROR(translator.Plan(asked, plan));
  for (TranslationPlan::Item& item : plan->translations) {
    if (item.target == nullptr) continue;
    if (!options.tenant.empty()) item.target = item.target->ForTenant(options.tenant);
    questions->push_back(plan->QuestionFor(item));
  }
  return absl::OkStatus();
}

TranslationWriter::TranslationWriter(const TranslationPlan::Item& item, const Answer* answer,
                                     absl::Time now)
    : item_(item), answer_(answer), status_(item.status) {
  if (answer == nullptr) return;
  key_ = answer->key.Hex();
  status_ = answer->status;
  if (!status_.ok()) return;
  entry_ = answer->entry.get();
  ToProto(answer->Age(now), &age_);
  ToProto(entry_->cost(), &compute_time_);
  const absl::StatusOr<std::string_view> text = TranslatedText(*entry_);
  status_ = text.status();
  if (text.ok()) text_ = *text;
}

void TranslationWriter::Write(MessageWriter& out) const {
  using v1::Translation;
  out.Field(Translation::kTargetLanguageFieldNumber, item_.target_language);
  out.Field(Translation::kTextFieldNumber, text_);
  if (answer_ != nullptr) {
    out.Message(Translation::kProvenanceFieldNumber,
                [&](MessageWriter& out) { WriteProvenance(out); });
  }
  if (!status_.ok()) {
    out.Message(Translation::kStatusFieldNumber, [&](MessageWriter& out) {
      out.Field(v1::Status::kCodeFieldNumber, static_cast<uint64_t>(status_.code()));
      const absl::string_view message = status_.message();
      out.Field(v1::Status::kMessageFieldNumber, {message.data(), message.size()});
    });
  }
  if (answer_ != nullptr) {
    out.Always(Translation::kRouteFieldNumber, item_.target->model().name());
  }
}

void TranslationWriter::WriteProvenance(MessageWriter& out) const {
  using v1::Provenance;
  out.Field(Provenance::kKindFieldNumber, static_cast<uint64_t>(answer_->kind));
  if (entry_ != nullptr) WriteDuration(Provenance::kAgeFieldNumber, age_, out);
  out.Field(Provenance::kModelFieldNumber, item_.target->model().name());
  if (entry_ != nullptr) {
    out.Field(Provenance::kModelVersionFieldNumber, entry_->origin().version());
    WriteDuration(Provenance::kComputeTimeFieldNumber, compute_time_, out);
  }
  out.Field(Provenance::kKeyFieldNumber, key_);
}

absl::Status OverallStatus(const ResolveCall& call, const TranslationPlan& plan) {
  if (call.questions.empty() || call.questions.size() < plan.translations.size()) {
    return absl::OkStatus();  // something was served, if only an answer that nobody can do it
  }
  absl::Status away;
  for (size_t i = 0; i < call.questions.size(); ++i) {
    const absl::Status& status = call.answer(i).status;
    if (absl::IsDeadlineExceeded(status) && call.options.deadline != absl::InfiniteDuration()) {
      away = status;
      continue;
    }
    if (absl::IsCancelled(status)) return status;
    if (!absl::IsUnavailable(status)) return absl::OkStatus();
    if (away.ok()) away = status;
  }
  return away;
}

}  // namespace souvenir::gateway
