#pragma once

#include "compute-service/backends/builtin/function.h"

namespace souvenir::compute {

// INPUT0 and INPUT1 have 16 numbers each. OUTPUT0 is their sum and OUTPUT1 their difference. The
// numbers are INT32 in `simple`, and decimal numbers as text in `simple_string`. Triton has example
// models of these names.
Function SimpleFunction();
Function SimpleStringFunction();

// The output is the input. `simple_identity` takes BYTES. `custom_identity_int32` takes INT32 and
// blocks for `execute_delay_ms` before each answer, like a model on another machine. Triton has
// example models of these names.
Function SimpleIdentityFunction();
Function CustomIdentityInt32Function();

// Counts WORDS, LINES and DISTINCT_WORDS of a TEXT in UTF-8. Words are separated by Unicode's rules
// for word boundaries (UAX #29) and have a letter, a digit or an ideograph. Words that differ only
// in case are not distinct. A line ends with a line feed; text after the last one is a line too.
Function TextStatsFunction();

// Finds the PRIMES from FIRST to LAST, both included, and their COUNT. LAST is at most 10^12, and
// LAST - FIRST at most 10^7.
Function PrimesFunction();

// Computes the SUM of the squares of VALUES, in INT64. INVALID_ARGUMENT if the sum overflows.
Function SumOfSquaresFunction();

}  // namespace souvenir::compute
