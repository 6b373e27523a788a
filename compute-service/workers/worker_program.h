#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace souvenir::compute {

// The main function of a worker program: loads a model, then forks a worker each time the service
// asks for one, and in each worker serves one request after another. Everything runs on the one
// thread of its process.
//
// `load` gets the program's arguments. What it returns, throws or writes to standard error when it
// fails reaches the service. Output after loading is dropped: it may hold what a request held.
//
// `serve` turns a request into an answer, in a copy of the process as `load` left it. A status it
// returns reaches the caller. After an exception, which becomes INTERNAL, the worker is not used
// again, because nobody knows what state the engine is in.
//
// What a worker starts ends with it, also in a session of its own.
//
// Returns the exit status where the program was not started by the service or could not load; the
// process ends inside otherwise, when the service has closed the control channel.
int RunWorkerHost(int argc, char** argv, const std::function<absl::Status(int, char**)>& load,
                  const std::function<absl::StatusOr<std::string>(std::string_view)>& serve);

}  // namespace souvenir::compute
