#include "gateway/language/provenance.h"

namespace souvenir::gateway {

Provenance ProvenanceOf(const ResolveCall& call, size_t question, absl::Time now) {
  const Answer& answer = call.answer(question);
  Provenance provenance{.kind = answer.kind,
                        .key = answer.key,
                        .model = call.questions[question].target->model().name()};
  if (!answer.status.ok()) return provenance;
  provenance.model_version = answer.entry->origin().version();
  provenance.age = answer.Age(now);
  provenance.compute_time = answer.entry->cost();
  return provenance;
}

}  // namespace souvenir::gateway
