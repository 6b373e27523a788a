#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gateway/language/provenance.h"
#include "gateway/language/translator.h"
#include "gateway/resolve/resolve_call.h"

namespace souvenir::gateway {

// One request for translations, from the text that comes in to the texts that go out, without any
// protocol.
//
//   Translation translation(&listener);
//   translation.call().options = ...;
//   translation.Plan(request, tenant, translator);    // an error ends it
//   resolver->Resolve(<shared pointer to translation.call()>);
//   ... listener.OnAllAnswered() ...
//   translation.OverallStatus(), translation.result(i, now)
//
// Part of the handler of a request, which is the listener. Not thread-safe, but results may be read
// on any thread once their questions are answered.
class Translation {
 public:
  // The result for one target language. Holds views of the translation.
  struct Result {
    std::string_view target_language;  // canonical
    absl::Status status;               // if it is an error, there is no text
    std::string_view text;
    // Absent if no model was asked, because no model translates the pair or the text is empty.
    std::optional<Provenance> provenance;
    std::string_view route;  // name of the model that was asked; "" if none was
  };

  explicit Translation(ResolveCall::Listener* listener) : call_(listener) {}

  // Makes the questions. Called once. Errors: see Translator::Plan().
  absl::Status Plan(const TranslationRequest& request, std::string_view tenant,
                    const Translator& translator);

  // The call to resolve. The handler fills in its options.
  ResolveCall& call() { return call_; }
  const ResolveCall& call() const { return call_; }

  const std::string& source_language() const { return plan_.source_language; }  // canonical
  // Returns the number of target languages, without duplicates, in the order asked.
  size_t size() const { return plan_.translations.size(); }

  // Returns true if a model is asked for the target language with the number `item`.
  bool IsAsked(size_t item) const { return plan_.translations[item].target != nullptr; }
  // Returns the number of the target language that a question is for.
  size_t ItemOf(size_t question) const { return items_[question]; }

  // Returns the result for a target language. REQUIRES: its question is answered, or !IsAsked().
  Result result(size_t item, absl::Time now) const;

  // Returns an error if the request as a whole failed: no target was served, because compute is
  // away or the caller's time is up. REQUIRES: all questions are answered.
  absl::Status OverallStatus() const;

 private:
  TranslationPlan plan_;
  ResolveCall call_;                          // its questions are views of the plan
  absl::InlinedVector<size_t, 2> items_;      // by question
  absl::InlinedVector<size_t, 2> questions_;  // by item; unused if no model is asked
};

}  // namespace souvenir::gateway
