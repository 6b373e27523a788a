#pragma once

#include "compute-service/backends/backend.h"

namespace souvenir::compute {

// The main function of a worker program that runs the models of one engine, each instance in a
// process (isolated_model.h). `backend` starts no threads when it loads: workers are forked after
// that. The exit status of the program, see RunWorkerHost().
int RunModelWorker(int argc, char** argv, Backend* backend);

}  // namespace souvenir::compute
