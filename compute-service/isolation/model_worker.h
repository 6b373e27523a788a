#pragma once

#include "compute-service/backends/backend.h"

namespace souvenir::compute {

// Runs a worker program for the models of one engine, with each instance in a process of its own
// (isolated_model.h). Returns the exit status of the program; see RunWorkerHost(). REQUIRES:
// `backend` starts no threads when it loads, because workers are forked after that, and the signals
// of their ends must come to the thread that forks them. (A library's thread that blocks all
// signals, and that a forked process can do without, does no harm.)
int RunModelWorker(int argc, char** argv, Backend* backend);

}  // namespace souvenir::compute
