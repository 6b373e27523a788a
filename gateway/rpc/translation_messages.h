#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/language/translation.h"
#include "gateway/rpc/message_writer.h"
#include "gateway/rpc/provenance_messages.h"
#include "souvenir/v1/translation.pb.h"

// Converts messages of souvenir.v1.TranslationService to types of the use case, and back.

namespace souvenir::gateway {

// Reads a request. The result has views of the message. UNIMPLEMENTED for a format other than
// plain.
absl::StatusOr<TranslationRequest> ReadTranslateRequest(const v1::TranslateRequest& request);

// Fills in the message for a result.
void DescribeTranslation(const Translation::Result& result, v1::Translation* message);

// Writes a souvenir.v1.Translation. Write() may be called repeatedly.
class TranslationWriter {
 public:
  // The objects that `result` is a view of must outlive the writer.
  explicit TranslationWriter(const Translation::Result& result);

  void Write(MessageWriter& out) const;

  const absl::Status& status() const { return result_.status; }

 private:
  const Translation::Result result_;
  std::string message_;  // of the status
  std::optional<ProvenanceWriter> provenance_;
};

}  // namespace souvenir::gateway
