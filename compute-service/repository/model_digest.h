#pragma once

#include <string>
#include <string_view>

#include "compute-service/backends/backend.h"

namespace souvenir::compute {

// Returns the digest of everything that a model's answers depend on, as 64 hex digits: the SHA-256
// of its version, its engine's name, `backend_digest` (see Backend::Digest()) and the part of its
// configuration that can change an answer. Settings such as the number of instances, the length of
// the queue or the caching of answers are left out, so that answers stay in the cache if one is
// changed.
std::string ModelDigest(const ModelDescription& description, std::string_view backend_digest);

}  // namespace souvenir::compute
