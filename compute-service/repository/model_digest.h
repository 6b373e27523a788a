#pragma once

#include <string>
#include <string_view>

#include "compute-service/backends/backend.h"

namespace souvenir::compute {

// What a model's answers depend on, as 64 hex digits: SHA-256 over its configuration, as far as it
// can change an answer, its version, its engine's name and `backend_digest`, which is the engine's
// part (Backend::Digest). How many instances there are, how long the queue is, whether answers are
// remembered: such settings are left out, so that changing one keeps what the cache knows.
std::string ModelDigest(const ModelDescription& description, std::string_view backend_digest);

}  // namespace souvenir::compute
