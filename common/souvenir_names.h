#pragma once

namespace souvenir {

// Names that both services and their clients use in messages of the Open Inference Protocol. Models
// must not use names with this prefix, and parameters with such names never change an answer.

inline constexpr char kOurNames[] = "souvenir.";

// The model's digest: SHA-256 in hex over everything that its answers depend on. A property of
// ModelMetadata and a parameter of ModelInferResponse.
inline constexpr char kDigestName[] = "souvenir.digest";

// The computation time of the rows in nanoseconds. An int64 parameter of ModelInferResponse.
inline constexpr char kComputeTimeName[] = "souvenir.compute_ns";

// The reason in RepositoryIndex for a model that somebody unloaded, as in Triton.
inline constexpr char kUnloadedReason[] = "unloaded";

// The time for which the request waited for an instance of its model, in nanoseconds. An int64
// parameter of ModelInferResponse.
inline constexpr char kQueueTimeName[] = "souvenir.queue_ns";

// The present number of instances of the model. An int64 parameter of ModelInferResponse.
inline constexpr char kInstancesName[] = "souvenir.instances";

// The model's limit of time for one row in milliseconds: its own parameter `run_limit_ms`, or else
// the server's `pool.run_limit_ms`. A property of ModelMetadata, in decimals. A run is ended after
// this time for each of its rows.
inline constexpr char kRunLimitName[] = "souvenir.run_limit_ms";

// The longest time in milliseconds for which a row that hangs holds up the rows that are computed
// with it. A property of ModelMetadata, in decimals. A model without it may hold them for the time
// of kRunLimitName for each row.
inline constexpr char kHangingRowLimitName[] = "souvenir.hanging_row_limit_ms";

// Trailing metadata of a ModelInfer that fails with UNAVAILABLE: the server goes on serving, and
// has lost or lacks only what would have run the request. Without it the error may just as well be
// that of a connection that broke, which gRPC reports as if the server had sent it. The value is
// "true".
inline constexpr char kGoesOnHeader[] = "souvenir-goes-on";

// Trailing metadata of a ModelInfer that fails with INVALID_ARGUMENT: the digest of the model that
// refused the request, like kDigestName. Absent if no model was asked.
inline constexpr char kDigestHeader[] = "souvenir-digest";

// The revision of a server's models, in the initial metadata of RepositoryIndex. It changes
// whenever the server's answers about its models may have changed.
inline constexpr char kRevisionHeader[] = "souvenir-revision";

// The revision that the caller knows, in the metadata of a RepositoryIndex call. If it is still the
// server's revision, the answer has no models and the same revision.
inline constexpr char kKnownRevisionHeader[] = "souvenir-known-revision";

// The tenant of a request, in its metadata. A gateway that does not believe it (see
// trust_tenant_header) answers with the same name in its initial metadata, and with this value.
inline constexpr char kTenantHeader[] = "souvenir-tenant";
inline constexpr char kTenantIgnored[] = "ignored";

}  // namespace souvenir
