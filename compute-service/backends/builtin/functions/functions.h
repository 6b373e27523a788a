#pragma once

#include "compute-service/backends/builtin/function.h"

namespace souvenir::compute {

// INPUT0, INPUT1 of 16 numbers; OUTPUT0 is their sum, OUTPUT1 their difference. INT32 in `simple`,
// decimal numbers as text in `simple_string`; Triton's example models of these names.
Function SimpleFunction();
Function SimpleStringFunction();

// The output is the input. `simple_identity` of BYTES; `custom_identity_int32` waits
// `execute_delay_ms` before each answer, as a model on another machine would; Triton's example
// models of these names.
Function SimpleIdentityFunction();
Function CustomIdentityInt32Function();

// WORDS, LINES and DISTINCT_WORDS of a TEXT in UTF-8. Words are those of Unicode's rules for word
// boundaries (UAX #29) that have a letter, a digit or an ideograph; distinct ones differ by more
// than case. A line ends with a line feed; what follows the last one is a line if it is not empty.
Function TextStatsFunction();

// PRIMES from FIRST to LAST, both included, and their COUNT. LAST is at most 10^12, LAST - FIRST at
// most 10^7.
Function PrimesFunction();

// SUM of the squares of VALUES, INT64; a sum that does not fit is INVALID_ARGUMENT.
Function SumOfSquaresFunction();

}  // namespace souvenir::compute
