// This test needs a process of its own. After other tests have run models, the process has their
// threads, and cannot be forked.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <iterator>

#include "tests/unit/compute-service/backends/pytorch/pytorch_fixture.h"

namespace souvenir::compute {
namespace {

class ForkTest : public PytorchTest {};

ptrdiff_t ThreadCount() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/task"), {});
}

TEST_F(ForkTest, LoadingStartsNoThreadAndAForkComputesWithSeveral) {
  // libtorch would use this number without a setting.
  ASSERT_EQ(setenv("OMP_NUM_THREADS", "4", /*overwrite=*/1), 0);
  constexpr int64_t kSize = 400;
  Weight weight{"w", {kSize, kSize}, std::vector<float>(kSize * kSize, 0.5F)};
  SaveScripted(file(),
               "def forward(self, x):\n"
               "  return torch.sigmoid(torch.mm(x, self.w)).sum(0)\n",
               {weight});
  const std::string size = std::to_string(kSize);
  const ptrdiff_t before = ThreadCount();
  const auto model = Load("input { name: 'x' data_type: TYPE_FP32 dims: [ " + size + ", " + size +
                          " ] } output { name: 'OUTPUT__0' data_type: TYPE_FP32 dims: " + size +
                          " } parameters { key: 'INTRA_OP_THREAD_COUNT' value { string_value: '3' "
                          "} }");
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(ThreadCount(), before);

  const Tensor x =
      TensorOf("x", DataType::kFp32, {kSize, kSize}, std::vector<float>(kSize * kSize, 0.0F));
  for (int worker = 0; worker < 2; ++worker) {
    const pid_t pid = fork();
    if (pid == 0) {
      alarm(60);  // a wait for a missing thread would never end
      const auto instance = (*model)->CreateInstance();
      if (!instance.ok()) _exit(1);
      for (int run = 0; run < 3; ++run) {
        const auto answer = RunOn(**instance, {x}, {"OUTPUT__0"});
        if (!answer.ok()) _exit(2);
        if (ValuesOf<float>(answer->outputs[0]) !=
            std::vector<float>(kSize, 0.5F * static_cast<float>(kSize))) {
          _exit(3);
        }
      }
      // Two more threads compute the parts of the product. libtorch may have more for its pools.
      _exit(ThreadCount() >= before + 2 ? 0 : 4);
    }
    ASSERT_GT(pid, 0);
    int status = 0;
    ASSERT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
    EXPECT_EQ(WEXITSTATUS(status), 0);
  }
  EXPECT_EQ(ThreadCount(), before);
}

}  // namespace
}  // namespace souvenir::compute
