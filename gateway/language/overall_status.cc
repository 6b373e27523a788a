#include "gateway/language/overall_status.h"

namespace souvenir::gateway {

absl::Status OverallStatusOf(const ResolveCall& call) {
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
