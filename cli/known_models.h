#pragma once

#include <string>
#include <vector>

#include "cli/connection.h"

namespace souvenir::cli {

// The names of the models that the server at the other end knows, each once; empty where it does
// not say.
std::vector<std::string> KnownModels(Connection* connection);

// " (did you mean 'X'?)", with the nearest of the known models; empty where none is near.
std::string NearestModel(const std::string& name, Connection* connection);

}  // namespace souvenir::cli
