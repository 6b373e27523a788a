#pragma once

#include <google/protobuf/duration.pb.h>

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gateway/language/translator.h"
#include "gateway/resolve/resolve_call.h"
#include "gateway/rpc/call_options.h"
#include "gateway/rpc/message_writer.h"
#include "souvenir/v1/translation.pb.h"

namespace souvenir::gateway {

// Takes `request` apart into a plan and the questions it leads to, as they are for the tenant of
// `options`. `plan` and `questions` are empty; the questions' bytes belong to the plan. Errors as
// Translator::Plan; UNIMPLEMENTED for a format other than plain.
absl::Status PlanTranslation(const v1::TranslateRequest& request, const CallOptions& options,
                             const Translator& translator, TranslationPlan* plan,
                             Questions* questions);

// Writes a souvenir.v1.Translation: what became of an item.
class TranslationWriter {
 public:
  // `answer` is null for an item that had no question. Both must outlive the writer.
  TranslationWriter(const TranslationPlan::Item& item, const Answer* answer, absl::Time now);

  void Write(MessageWriter& out) const;

  const absl::Status& status() const { return status_; }

 private:
  void WriteProvenance(MessageWriter& out) const;

  const TranslationPlan::Item& item_;
  const Answer* const answer_;
  const cache::Entry* entry_ = nullptr;  // null where there is none to tell of
  absl::Status status_;
  std::string_view text_;
  std::string key_;
  google::protobuf::Duration age_;
  google::protobuf::Duration compute_time_;
};

// Whether the call as a whole failed: an error where no target was served and the reason is that
// compute is away or that the caller's time is up.
absl::Status OverallStatus(const ResolveCall& call, const TranslationPlan& plan);

}  // namespace souvenir::gateway
