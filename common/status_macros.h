#pragma once

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// Returns `expression`, an absl::Status, from the enclosing function if it is an error.
#define SOUVENIR_RETURN_IF_ERROR(expression)                                  \
  do {                                                                        \
    if (absl::Status souvenir_status = (expression); !souvenir_status.ok()) { \
      return souvenir_status;                                                 \
    }                                                                         \
  } while (false)

// Assigns the value of `expression`, an absl::StatusOr, to `target`, or returns its error:
//   SOUVENIR_ASSIGN_OR_RETURN(std::unique_ptr<Pool> pool, Pool::Create(options));
#define SOUVENIR_ASSIGN_OR_RETURN(target, expression) \
  SOUVENIR_ASSIGN_OR_RETURN_IMPL(SOUVENIR_CONCAT(souvenir_or_, __LINE__), target, expression)
#define SOUVENIR_ASSIGN_OR_RETURN_IMPL(value_or, target, expression) \
  auto value_or = (expression);                                      \
  if (!value_or.ok()) return std::move(value_or).status();           \
  target = *std::move(value_or)
#define SOUVENIR_CONCAT(a, b) SOUVENIR_CONCAT_IMPL(a, b)
#define SOUVENIR_CONCAT_IMPL(a, b) a##b
