// bench-scripted-mlp writes a multilayer perceptron as a TorchScript file.
//
// Its weights are -1, 0 or 1. If inputs are small integers, every sum is exact in FP32 in any
// order. An answer then has the same bits for every batch size, which can be checked.

#include <cstdint>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "tests/bench/command_line.h"
#include "tests/unit/compute-service/backends/pytorch/scripted_file.h"

ABSL_FLAG(std::string, file, "", "to write; its folders are made");
ABSL_FLAG(int64_t, width, 256, "of inputs and outputs");
ABSL_FLAG(int64_t, hidden, 1024, "width of the two layers between them");

namespace souvenir::bench {
namespace {

constexpr char kForward[] =
    "def forward(self, x):\n"
    "  x = torch.relu(torch.mm(x, self.first))\n"
    "  x = torch.relu(torch.mm(x, self.second))\n"
    "  return torch.mm(x, self.third)\n";

compute::Weight RandomWeight(const std::string& name, int64_t rows, int64_t columns,
                             std::mt19937* random) {
  std::uniform_int_distribution<int> values(-1, 1);
  compute::Weight weight{.name = name, .shape = {rows, columns}};
  weight.values.reserve(static_cast<size_t>(rows * columns));
  for (int64_t i = 0; i < rows * columns; ++i) {
    weight.values.push_back(static_cast<float>(values(*random)));
  }
  return weight;
}

int Main() {
  const std::string file = absl::GetFlag(FLAGS_file);
  const int64_t width = absl::GetFlag(FLAGS_width);
  const int64_t hidden = absl::GetFlag(FLAGS_hidden);
  if (file.empty() || width < 1 || hidden < 1) {
    std::fprintf(stderr, "bench-scripted-mlp: --file is missing, or a width is below 1\n");
    return 2;
  }
  std::mt19937 random(1);
  compute::SaveScripted(file, kForward,
                        {RandomWeight("first", width, hidden, &random),
                         RandomWeight("second", hidden, hidden, &random),
                         RandomWeight("third", hidden, width, &random)});
  return 0;
}

}  // namespace
}  // namespace souvenir::bench

int main(int argc, char** argv) {
  souvenir::bench::ParseCommandLine(argc, argv,
                                    "writes a multilayer perceptron as a TorchScript file");
  return souvenir::bench::Main();
}
