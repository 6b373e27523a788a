#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "common/status_macros.h"
#include "common/tensor/elements.h"
#include "compute-service/backends/builtin/functions/functions.h"

namespace souvenir::compute {
namespace {

constexpr int64_t kMostLast = 1'000'000'000'000;
constexpr int64_t kMostWidth = 10'000'000;

// Returns the primes whose square is at most `last`, by the sieve of Eratosthenes.
std::vector<int64_t> SmallPrimes(int64_t last) {
  const auto root = static_cast<int64_t>(std::sqrt(static_cast<double>(last)));
  std::vector<bool> is_composite(static_cast<size_t>(root) + 1);
  std::vector<int64_t> primes;
  for (int64_t number = 2; number <= root; ++number) {
    if (is_composite[static_cast<size_t>(number)]) continue;
    primes.push_back(number);
    for (int64_t multiple = number * number; multiple <= root; multiple += number) {
      is_composite[static_cast<size_t>(multiple)] = true;
    }
  }
  return primes;
}

// Returns the primes from `first` to `last`, by the same sieve over that range alone.
std::vector<int64_t> PrimesBetween(int64_t first, int64_t last) {
  std::vector<int64_t> primes;
  first = std::max<int64_t>(first, 2);
  if (first > last) return primes;
  std::vector<bool> is_composite(static_cast<size_t>(last - first) + 1);
  for (const int64_t prime : SmallPrimes(last)) {
    const int64_t begin = std::max(prime * prime, (first + prime - 1) / prime * prime);
    for (int64_t multiple = begin; multiple <= last; multiple += prime) {
      is_composite[static_cast<size_t>(multiple - first)] = true;
    }
  }
  for (int64_t number = first; number <= last; ++number) {
    if (!is_composite[static_cast<size_t>(number - first)]) primes.push_back(number);
  }
  return primes;
}

absl::StatusOr<std::vector<Tensor>> Run(absl::Span<const TensorView> inputs) {
  const int64_t first = ToElements<int64_t>(inputs[0].data).at(0);
  const int64_t last = ToElements<int64_t>(inputs[1].data).at(0);
  if (first < 0 || last < first || last > kMostLast || last - first > kMostWidth) {
    return absl::InvalidArgumentError(
        fmt::format("FIRST is {} and LAST is {}; 0 <= FIRST <= LAST <= {} and LAST - FIRST <= {} "
                    "must hold",
                    first, last, kMostLast, kMostWidth));
  }
  const std::vector<int64_t> primes = PrimesBetween(first, last);
  const auto count = static_cast<int64_t>(primes.size());
  return std::vector<Tensor>{{"PRIMES", DataType::kInt64, {count}, FromElements<int64_t>(primes)},
                             {"COUNT", DataType::kInt64, {1}, FromElements<int64_t>({count})}};
}

}  // namespace

Function PrimesFunction() {
  return {
      .name = "primes",
      .inputs = {{"FIRST", inference::TYPE_INT64, {1}}, {"LAST", inference::TYPE_INT64, {1}}},
      .outputs = {{"PRIMES", inference::TYPE_INT64, {-1}}, {"COUNT", inference::TYPE_INT64, {1}}},
      .create = [](const inference::ModelConfig&) -> absl::StatusOr<Compute> {
        return Compute(Run);
      }};
}

}  // namespace souvenir::compute
