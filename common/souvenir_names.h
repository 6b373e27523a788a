#pragma once

namespace souvenir {

// Names that both services and their clients use in messages of the Open Inference Protocol. All
// begin with "souvenir.", which no model may use, and nothing with such a name changes an answer.

inline constexpr char kOurNames[] = "souvenir.";

// SHA-256 in hex over all of a model that its answers depend on: a property of ModelMetadata and a
// parameter of ModelInferResponse.
inline constexpr char kDigestName[] = "souvenir.digest";

// Parameter of ModelInferResponse, int64: nanoseconds that computing its rows took.
inline constexpr char kComputeTimeName[] = "souvenir.compute_ns";

}  // namespace souvenir
