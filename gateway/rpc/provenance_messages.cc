#include "gateway/rpc/provenance_messages.h"

#include "common/grpc/proto_time.h"
#include "common/grpc/status.h"

namespace souvenir::gateway {

ProvenanceWriter::ProvenanceWriter(const Provenance& provenance)
    : provenance_(provenance), key_(provenance.key.Hex()) {
  if (provenance_.age) ToProto(*provenance_.age, &age_);
  if (provenance_.compute_time) ToProto(*provenance_.compute_time, &compute_time_);
}

void ProvenanceWriter::Write(MessageWriter& out) const {
  using Message = v1::Provenance;
  out.Field(Message::kKindFieldNumber, static_cast<uint64_t>(provenance_.kind));
  if (provenance_.age) WriteDuration(Message::kAgeFieldNumber, age_, out);
  out.Field(Message::kModelFieldNumber, provenance_.model);
  out.Field(Message::kModelVersionFieldNumber, provenance_.model_version);
  if (provenance_.compute_time) {
    WriteDuration(Message::kComputeTimeFieldNumber, compute_time_, out);
  }
  out.Field(Message::kKeyFieldNumber, key_);
}

void WriteDuration(int field, const google::protobuf::Duration& duration, MessageWriter& out) {
  using google::protobuf::Duration;
  out.Message(field, [&](MessageWriter& out) {
    out.Field(Duration::kSecondsFieldNumber, static_cast<uint64_t>(duration.seconds()));
    out.Field(Duration::kNanosFieldNumber, static_cast<uint64_t>(duration.nanos()));
  });
}

void DescribeProvenance(const Provenance& provenance, v1::Provenance* message) {
  message->set_kind(static_cast<v1::CacheKind>(provenance.kind));
  message->set_model(std::string(provenance.model));
  message->set_model_version(std::string(provenance.model_version));
  if (provenance.age) ToProto(*provenance.age, message->mutable_age());
  if (provenance.compute_time) ToProto(*provenance.compute_time, message->mutable_compute_time());
  message->set_key(provenance.key.Hex());
}

void DescribeStatus(const absl::Status& status, v1::Status* message) {
  message->set_code(static_cast<int32_t>(status.code()));
  message->set_message(MessageForClients(status));
}

}  // namespace souvenir::gateway
