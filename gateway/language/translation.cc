#include "gateway/language/translation.h"

#include <utility>

#include "common/status_macros.h"
#include "gateway/language/overall_status.h"

namespace souvenir::gateway {

absl::Status Translation::Plan(const TranslationRequest& request, std::string_view tenant,
                               const Translator& translator) {
  SOUVENIR_RETURN_IF_ERROR(translator.Plan(request, &plan_));
  for (size_t item = 0; item < plan_.translations.size(); ++item) {
    TargetPtr& target = plan_.translations[item].target;
    questions_.push_back(call_.questions.size());
    if (target == nullptr) continue;
    if (!tenant.empty()) target = target->ForTenant(tenant);
    items_.push_back(item);
    call_.questions.push_back(plan_.QuestionFor(plan_.translations[item]));
  }
  return absl::OkStatus();
}

Translation::Result Translation::result(size_t item, absl::Time now) const {
  const TranslationPlan::Item& planned = plan_.translations[item];
  Result result;
  result.target_language = planned.target_language;
  result.status = planned.status;
  if (planned.target == nullptr) return result;
  const Answer& answer = call_.answer(questions_[item]);
  result.route = planned.target->model().name();
  result.status = answer.status;
  result.provenance = ProvenanceOf(call_, questions_[item], now);
  if (!answer.status.ok()) return result;
  const absl::StatusOr<std::string_view> text = TranslatedText(*answer.entry);
  result.status = text.status();
  if (text.ok()) result.text = *text;
  return result;
}

absl::Status Translation::OverallStatus() const {
  if (call_.questions.empty() || call_.questions.size() < plan_.translations.size()) {
    return absl::OkStatus();  // a target that needs no model, or has none, counts as served
  }
  return OverallStatusOf(call_);
}

}  // namespace souvenir::gateway
