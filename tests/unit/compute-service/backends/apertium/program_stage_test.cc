// Tests modes with stages that are programs, and the lives of these processes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "common/clock.h"
#include "tests/unit/compute-service/backends/apertium/translation_fixture.h"

namespace souvenir::compute {
namespace {

using testing::HasSubstr;

std::vector<pid_t> Children(pid_t pid) {
  const std::string number = std::to_string(pid);
  std::ifstream file("/proc/" + number + "/task/" + number + "/children");
  std::vector<pid_t> children;
  for (pid_t child; file >> child;) children.push_back(child);
  return children;
}

// Returns the program of a process, the first line of /proc/PID/cmdline.
std::string ProgramOf(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/cmdline");
  std::string program;
  std::getline(file, program, '\0');
  return program;
}

// Returns true if the process has ended. One that was not reaped yet is a zombie.
bool HasEnded(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string word;
  char state = 'Z';  // kept if the process does not exist any more
  stat >> word >> word >> state;
  return state == 'Z';
}

class ProgramStageTest : public TranslationTest {
 protected:
  static pid_t Host() {
    const std::vector<pid_t> hosts = Children(getpid());
    EXPECT_EQ(hosts.size(), 1u);
    return hosts.empty() ? -1 : hosts[0];
  }

  // Returns the only worker of the host.
  static pid_t OnlyWorker() {
    const std::vector<pid_t> workers = Children(Host());
    EXPECT_EQ(workers.size(), 1u);
    return workers.empty() ? -1 : workers[0];
  }

  // Waits until all processes have ended and were reaped. Returns false if that takes too long.
  static bool Gone(const std::vector<pid_t>& processes) {
    const absl::Duration deadline = Clock::System()->Monotonic() + absl::Seconds(30);
    for (const pid_t pid : processes) {
      while (kill(pid, 0) == 0) {
        if (Clock::System()->Monotonic() > deadline) return false;
        usleep(1000);
      }
    }
    return true;
  }
};

constexpr char kSentence[] = "The house is small.";
constexpr char kTranslation[] = "La casa és petita.";

TEST_F(ProgramStageTest, AWorkerStartsItsProgramsWithTheFirstText) {
  Load("eng-cat");
  EXPECT_TRUE(Children(OnlyWorker()).empty());
  EXPECT_EQ(Translate(kSentence), kTranslation);
  std::vector<std::string> programs;
  for (const pid_t pid : Children(OnlyWorker())) programs.push_back(ProgramOf(pid));
  EXPECT_THAT(programs, testing::UnorderedElementsAre("/usr/bin/cg-proc", "/usr/bin/lsx-proc",
                                                      "/usr/bin/apertium-anaphora"));
}

TEST_F(ProgramStageTest, AWorkerThatIsKilledLeavesNoProgramBehind) {
  Load("eng-cat");
  EXPECT_EQ(Translate(kSentence), kTranslation);
  const pid_t worker = OnlyWorker();
  const std::vector<pid_t> programs = Children(worker);
  ASSERT_EQ(programs.size(), 3u);
  ASSERT_EQ(kill(worker, SIGKILL), 0);
  EXPECT_TRUE(Gone(programs));
  EXPECT_EQ(Translate(kSentence), kTranslation);
}

TEST_F(ProgramStageTest, AHostThatIsKilledLeavesNoProgramBehind) {
  Load("eng-cat");
  EXPECT_EQ(Translate(kSentence), kTranslation);
  const pid_t worker = OnlyWorker();
  const std::vector<pid_t> programs = Children(worker);
  ASSERT_EQ(programs.size(), 3u);
  ASSERT_EQ(kill(Host(), SIGKILL), 0);
  for (const pid_t pid : programs) {
    // The process may not be reaped here, but must not run.
    const absl::Duration deadline = Clock::System()->Monotonic() + absl::Seconds(30);
    while (!ProgramOf(pid).empty() && Clock::System()->Monotonic() < deadline) usleep(1000);
    EXPECT_EQ(ProgramOf(pid), "");
  }
}

TEST_F(ProgramStageTest, ARecycledWorkerTakesItsProgramsAlong) {
  ApertiumBackend::Options options = Options();
  options.recycle_after = 2;
  Load("eng-cat", options);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Translate(kSentence), kTranslation);
    const std::vector<pid_t> programs = Children(OnlyWorker());
    EXPECT_EQ(programs.size(), 3u);
    EXPECT_EQ(Translate(kSentence), kTranslation);
    EXPECT_TRUE(Gone(programs));
  }
}

TEST_F(ProgramStageTest, AProgramThatDiesAtRestCostsNoText) {
  Load("eng-cat");
  EXPECT_EQ(Translate(kSentence), kTranslation);
  const pid_t worker = OnlyWorker();
  for (const pid_t program : Children(worker)) {
    ASSERT_EQ(kill(program, SIGKILL), 0);
    while (!HasEnded(program)) std::this_thread::yield();
  }
  EXPECT_EQ(Translate(kSentence), kTranslation);
  EXPECT_EQ(OnlyWorker(), worker);
}

// Uses scripts instead of some of the programs.
class FakeProgramTest : public ProgramStageTest {
 protected:
  FakeProgramTest()
      : directory_(testing::TempDir() + "apertium-programs-" + std::to_string(getpid())) {
    std::filesystem::create_directories(directory_);
    for (const char* program : {"cg-proc", "lsx-proc", "apertium-anaphora"}) {
      std::filesystem::create_symlink(std::string("/usr/bin/") + program,
                                      directory_ + "/" + program);
    }
  }
  ~FakeProgramTest() override { std::filesystem::remove_all(directory_); }

  void LoadWith(const std::string& program, const std::string& script) {
    const std::string path = directory_ + "/" + program;
    std::filesystem::remove(path);
    std::ofstream(path) << "#!/bin/sh\n" << script;
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    ApertiumBackend::Options options = Options();
    options.programs_directory = directory_;
    Load("eng-cat", options);
  }

  const std::string directory_;
};

TEST_F(FakeProgramTest, AProgramThatDiesOfATextIsAnErrorAndNotTheNextTexts) {
  const std::string died = directory_ + "/died";
  // The script answers the first text, with which the host checks it. It dies of the second one,
  // and is the real program from then on.
  LoadWith("lsx-proc", "if [ -e " + died + "2 ]; then exec /usr/bin/lsx-proc \"$@\"; fi\n" +
                           "if [ -e " + died + " ]; then touch " + died + "2; exit 3; fi\n" +
                           "touch " + died + "; exec cat");
  const auto result = Run({kSentence}, {1});
  EXPECT_EQ(result.status().code(), absl::StatusCode::kUnavailable) << result.status();
  EXPECT_THAT(result.status().ToString(),
              testing::AllOf(HasSubstr(directory_ + "/lsx-proc"), HasSubstr("exit status 3")));
  EXPECT_EQ(Translate(kSentence), kTranslation);
}

TEST_F(FakeProgramTest, AProgramThatHangsIsKilledAtTheLimit) {
  LoadWith("apertium-anaphora", "head -c 4; exec sleep 1000");
  EXPECT_EQ(Run({kSentence}, {1}, absl::Seconds(1)).status().code(),
            absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(Children(Host()).empty() || Gone(Children(Host())));
}

TEST_F(FakeProgramTest, WhatAProgramWritesTooMuchEndsTheText) {
  // The script writes too much only when a text has come, so that loading succeeds.
  LoadWith("cg-proc", "head -c 4; head -c 1 > /dev/null; exec yes");
  EXPECT_EQ(Run({kSentence}, {1}).status().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace souvenir::compute
