#include "gateway/rpc/translation_messages.h"

#include <fmt/format.h>

#include <string>

#include "common/grpc/proto_time.h"
#include "common/status_macros.h"

namespace souvenir::gateway {
namespace {

void SetStatus(const absl::Status& status, v1::Translation* translation) {
  translation->mutable_status()->set_code(static_cast<int>(status.code()));
  translation->mutable_status()->set_message(std::string(status.message()));
}

}  // namespace

absl::Status PlanTranslation(const v1::TranslateRequest& request, const CallOptions& options,
                             const Translator& translator, TranslationPlan* plan,
                             std::vector<Question>* questions) {
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

void FillTranslation(const TranslationPlan::Item& item, const Answer* answer, absl::Time now,
                     v1::Translation* translation) {
  translation->set_target_language(item.target_language);
  if (!item.status.ok()) return SetStatus(item.status, translation);
  if (answer == nullptr) return;  // an empty text
  v1::Provenance* const provenance = translation->mutable_provenance();
  provenance->set_kind(static_cast<v1::CacheKind>(answer->kind));
  provenance->set_model(item.target->model().name());
  provenance->set_key(answer->key.Hex());
  translation->add_route(item.target->model().name());
  if (!answer->status.ok()) return SetStatus(answer->status, translation);
  const cache::Entry& entry = *answer->entry;
  provenance->set_model_version(entry.origin().version());
  ToProto(answer->Age(now), provenance->mutable_age());
  ToProto(entry.cost(), provenance->mutable_compute_time());
  const absl::StatusOr<std::string_view> text = TranslatedText(entry);
  if (!text.ok()) return SetStatus(text.status(), translation);
  translation->set_text(text->data(), text->size());
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
