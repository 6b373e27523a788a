#include "common/machine.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/fakes/temporary_directory.h"

namespace souvenir {
namespace {

class MachineTest : public ::testing::Test {
 protected:
  void Write(const std::string& path, const std::string& text) {
    const std::filesystem::path file = root_.path() + path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  Machine Read() const { return ReadMachine(root_.path()); }

  const TemporaryDirectory root_;
};

TEST_F(MachineTest, WhatCannotBeReadIsNotLimited) {
  const Machine machine = Read();
  EXPECT_GE(machine.processors, 1);
  EXPECT_EQ(machine.memory_bytes, 0u);
  EXPECT_EQ(machine.load, 0);
}

TEST_F(MachineTest, ReadsTheMachine) {
  Write("/proc/meminfo", "MemTotal:       2048 kB\nMemFree:        1 kB\n");
  Write("/proc/loadavg", "1.25 0.50 0.10 1/100 12345\n");
  EXPECT_EQ(Read().memory_bytes, 2048u << 10);
  EXPECT_EQ(Read().load, 1.25);
}

TEST_F(MachineTest, TheTightestGroupOnTheWayUpDecides) {
  Write("/proc/meminfo", "MemTotal: 1048576 kB\n");
  Write("/proc/self/cgroup", "0::/pod/container\n");
  Write("/sys/fs/cgroup/pod/container/cpu.max", "max 100000\n");
  Write("/sys/fs/cgroup/pod/container/memory.max", "max\n");
  Write("/sys/fs/cgroup/pod/cpu.max", "50000 100000\n");
  Write("/sys/fs/cgroup/pod/memory.max", "1000000\n");
  EXPECT_EQ(Read().processors, 1);  // half a processor, rounded up
  EXPECT_EQ(Read().memory_bytes, 1'000'000u);
  Write("/sys/fs/cgroup/pod/container/memory.max", "70000\n");
  EXPECT_EQ(Read().memory_bytes, 70'000u);
}

TEST_F(MachineTest, AGroupMayGrantMoreThanThereIs) {
  const int all = Read().processors;
  Write("/proc/meminfo", "MemTotal: 1 kB\n");
  Write("/proc/self/cgroup", "0::/\n");
  Write("/sys/fs/cgroup/cpu.max", "100000000 100000\n");
  Write("/sys/fs/cgroup/memory.max", "999999999999\n");
  EXPECT_EQ(Read().processors, all);
  EXPECT_EQ(Read().memory_bytes, 1024u);
}

TEST(MachineOfThisTestTest, HasProcessorsAndMemory) {
  const Machine machine = ReadMachine();
  EXPECT_GE(machine.processors, 1);
  EXPECT_GT(machine.memory_bytes, 1u << 20);
}

// The test runs in a child process, because it lowers the limit of its process.
TEST(OpenFileLimitTest, IsRaisedToWhatTheSystemGrants) {
  EXPECT_EXIT(
      {
        rlimit files{};
        getrlimit(RLIMIT_NOFILE, &files);
        files.rlim_max = std::min<rlim_t>(files.rlim_max, 200);
        files.rlim_cur = 100;
        setrlimit(RLIMIT_NOFILE, &files);
        const uint64_t before = OpenFileLimit();
        RaiseOpenFileLimit();
        std::exit(before == 100 && OpenFileLimit() == files.rlim_max ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace souvenir
