#pragma once

#include <google/protobuf/duration.pb.h>

#include <string>

#include "absl/status/status.h"
#include "gateway/language/provenance.h"
#include "gateway/rpc/message_writer.h"
#include "souvenir/v1/translation.pb.h"

// Writes the messages that tell where an answer of a typed service came from.

namespace souvenir::gateway {

// Writes a souvenir.v1.Provenance. Write() may be called repeatedly.
class ProvenanceWriter {
 public:
  // The objects that `provenance` is a view of must outlive the writer.
  explicit ProvenanceWriter(const Provenance& provenance);

  void Write(MessageWriter& out) const;

 private:
  const Provenance provenance_;
  const std::string key_;
  google::protobuf::Duration age_;
  google::protobuf::Duration compute_time_;
};

void WriteDuration(int field, const google::protobuf::Duration& duration, MessageWriter& out);

void DescribeProvenance(const Provenance& provenance, v1::Provenance* message);

// Fills in the message for an answer that failed.
void DescribeStatus(const absl::Status& status, v1::Status* message);

}  // namespace souvenir::gateway
