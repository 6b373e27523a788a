#include "compute-service/backends/builtin/function.h"

#include "compute-service/backends/builtin/functions/functions.h"

namespace souvenir::compute {

absl::Span<const Function> Functions() {
  static const auto* const functions = new std::vector<Function>{CustomIdentityInt32Function(),
                                                                 PrimesFunction(),
                                                                 SimpleFunction(),
                                                                 SimpleIdentityFunction(),
                                                                 SimpleStringFunction(),
                                                                 SumOfSquaresFunction(),
                                                                 TextStatsFunction()};
  return *functions;
}

const Function* FindFunction(std::string_view name) {
  for (const Function& function : Functions()) {
    if (function.name == name) return &function;
  }
  return nullptr;
}

}  // namespace souvenir::compute
