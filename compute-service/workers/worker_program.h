#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace souvenir::compute {

// The main function of a worker program: loads a model, then forks a worker each time the service
// asks for one. Each worker serves one request after another. Everything runs on the one thread of
// its process.
//
// `load` gets the program's arguments. If it fails, its status, its exception and its standard
// error reach the service. Output after loading is dropped, because it may contain parts of
// requests.
//
// `serve` turns a request into an answer, in a copy of the process as `load` left it. The caller
// gets a status that it returns. An exception becomes INTERNAL, and the worker is not used again,
// because the state of the engine is unknown.
//
// Processes that a worker starts end with it, even in a session of their own.
//
// Returns an exit status if the program was not started by the service, or could not load.
// Otherwise it does not return: the process ends when the service closes the control channel.
int RunWorkerHost(int argc, char** argv, const std::function<absl::Status(int, char**)>& load,
                  const std::function<absl::StatusOr<std::string>(std::string_view)>& serve);

}  // namespace souvenir::compute
