#pragma once

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include "absl/time/time.h"

namespace souvenir {

// Converts times of Abseil to messages of protobuf.

inline void ToProto(absl::Duration duration, google::protobuf::Duration* out) {
  absl::Duration rest;
  out->set_seconds(absl::IDivDuration(duration, absl::Seconds(1), &rest));
  out->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(rest)));
}

inline void ToProto(absl::Time time, google::protobuf::Timestamp* out) {
  const absl::Duration since = time - absl::UnixEpoch();
  out->set_seconds(absl::ToInt64Seconds(absl::Floor(since, absl::Seconds(1))));
  out->set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(since - absl::Floor(since, absl::Seconds(1)))));
}

}  // namespace souvenir
