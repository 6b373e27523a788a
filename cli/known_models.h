#pragma once

#include <string>
#include <vector>

#include "cli/connection.h"

namespace souvenir::cli {

// Returns the names of the models that the server knows, each once; none if it does not tell.
std::vector<std::string> KnownModels(Connection* connection);

// Returns " (did you mean 'X'?)" with the nearest known model, or an empty text if none is near.
std::string NearestModel(const std::string& name, Connection* connection);

}  // namespace souvenir::cli
