#pragma once

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gateway/language/translator.h"
#include "gateway/resolve/resolve_call.h"
#include "gateway/rpc/call_options.h"
#include "souvenir/v1/translation.pb.h"

namespace souvenir::gateway {

// Takes `request` apart into a plan and the questions it leads to, as they are for the tenant of
// `options`. `plan` and `questions` are empty; the questions' bytes belong to the plan. Errors as
// Translator::Plan; UNIMPLEMENTED for a format other than plain.
absl::Status PlanTranslation(const v1::TranslateRequest& request, const CallOptions& options,
                             const Translator& translator, TranslationPlan* plan,
                             std::vector<Question>* questions);

// Writes what became of `item`; `answer` is null for one that had no question.
void FillTranslation(const TranslationPlan::Item& item, const Answer* answer, absl::Time now,
                     v1::Translation* translation);

// Whether the call as a whole failed: an error where no target was served and the reason is that
// compute is away or that the caller's time is up.
absl::Status OverallStatus(const ResolveCall& call, const TranslationPlan& plan);

}  // namespace souvenir::gateway
