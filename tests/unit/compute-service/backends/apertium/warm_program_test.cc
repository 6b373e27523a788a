#include "compute-service/backends/apertium/worker/warm_program.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

namespace souvenir::compute {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

std::string Text(std::string_view text) { return std::string(text) + '\0'; }

// Returns a shell that runs `script` instead of a program.
std::unique_ptr<WarmProgram> Shell(const std::string& script, WarmProgram::Options options = {}) {
  options.path = "/bin/sh";
  options.arguments = {"-c", script, "sh"};
  auto program = WarmProgram::Create(std::move(options));
  EXPECT_TRUE(program.ok()) << program.status();
  return *std::move(program);
}

absl::Status Failure(WarmProgram& program, std::string_view text = "a") {
  const absl::Status status = program.Exchange(Text(text)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_EQ(program.pid(), 0) << "it is given up";
  return status;
}

TEST(WarmProgramTest, OneProcessAnswersOneTextAfterAnother) {
  const auto program = Shell("exec cat");
  EXPECT_EQ(program->pid(), 0) << "started before there was a text";
  EXPECT_EQ(*program->Exchange(Text("one")), Text("one"));
  const pid_t pid = program->pid();
  EXPECT_EQ(*program->Exchange(Text("")), Text(""));
  EXPECT_EQ(*program->Exchange(Text("two\n")), Text("two\n"));
  EXPECT_EQ(program->pid(), pid);
}

TEST(WarmProgramTest, NeitherSideWaitsForEver) {
  // The text is much longer than the socket's buffers, and travels in both directions at once.
  const auto program = Shell("exec cat");
  std::string big(20'000'000, 'x');
  for (size_t i = 0; i < big.size(); i += 97) big[i] = static_cast<char>('a' + i % 26);
  EXPECT_TRUE(*program->Exchange(Text(big)) == Text(big));
  // This program writes nothing before it has read everything.
  const auto counter = Shell("x=$(head -c 20000001 | wc -c); printf \"$x\\0\"; exec cat");
  EXPECT_TRUE(*counter->Exchange(Text(big)) == Text("20000001"));
}

TEST(WarmProgramTest, AProgramThatEndsIsAnErrorThatSaysHow) {
  const auto status = Shell("exit 3");
  EXPECT_THAT(Failure(*status).ToString(), AllOf(HasSubstr("/bin/sh"), HasSubstr("exit status 3")));
  EXPECT_THAT(Failure(*Shell("head -c 1; kill -SEGV $$")).ToString(), HasSubstr("signal 11"));
  EXPECT_THAT(Failure(*Shell("exit 0"), std::string(5'000'000, 'x')).ToString(),
              HasSubstr("exit status 0"));
  WarmProgram::Options nowhere;
  nowhere.path = "/nowhere/cg-proc";
  EXPECT_THAT(Failure(**WarmProgram::Create(nowhere)).ToString(),
              AllOf(HasSubstr("/nowhere/cg-proc"), HasSubstr("exit status 127")));
}

TEST(WarmProgramTest, WhatIsNoSingleAnswerIsAnError) {
  EXPECT_THAT(Failure(*Shell("head -c 2 > /dev/null; printf 'b\\0c\\0'; exec cat")).ToString(),
              HasSubstr("more than an answer"));
  EXPECT_THAT(Failure(*Shell("printf 'early\\0'; sleep 0.2; exec cat"), std::string(9'000'000, 'x'))
                  .ToString(),
              HasSubstr("more than an answer"));
  WarmProgram::Options small;
  small.max_answer_bytes = 100'000;
  EXPECT_THAT(Failure(*Shell("exec yes", small)).ToString(), HasSubstr("100000 bytes"));
}

TEST(WarmProgramTest, TheNextTextGetsANewProgram) {
  const auto program = Shell("[ -e /proc/self/fd/0 ] && head -c 2; exit 0");
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(*program->Exchange(Text("a")), Text("a")) << "it died at rest, at no text's cost";
    // Waits until the program has ended, which the kernel shows as the state of the process.
    for (char state = 0; state != 'Z' && program->pid() != 0;) {
      std::ifstream stat("/proc/" + std::to_string(program->pid()) + "/stat");
      std::string word;
      stat >> word >> word >> state;
    }
  }
  const auto running = Shell("exec cat");
  ASSERT_EQ(*running->Exchange(Text("a")), Text("a"));
  EXPECT_THAT(running->Stop(), StartsWith("signal 9"));
  EXPECT_EQ(*running->Exchange(Text("b")), Text("b"));
}

TEST(WarmProgramTest, TheProgramHasAnEmptyEnvironmentAndNothingOpen) {
  setenv("SOUVENIR_TEST_VARIABLE", "x", 1);
  const UniqueFd leaked(open("/dev/null", O_RDONLY));  // exec does not close it
  WarmProgram::Options options;
  options.files = {"/etc/passwd"};
  const auto program = Shell(
      "head -c 1 > /dev/null; echo /proc/$$/fd/*; tr '\\0' '\\n' < /proc/$$/environ; readlink $1; "
      "printf '\\0'; exec cat",
      options);
  const std::string answer = *program->Exchange(Text(""));
  const std::string own = "/proc/" + std::to_string(program->pid()) + "/fd/";
  EXPECT_THAT(answer, StartsWith(own + "0 " + own + "1 " + own + "2 " + own));
  EXPECT_THAT(answer, HasSubstr("\nLC_ALL=C.UTF-8\n/etc/passwd\n"));
  // The standard descriptors, the file, and the directory that the shell reads.
  EXPECT_EQ(std::count(answer.begin(), answer.end(), ' '), 4) << answer;
  unsetenv("SOUVENIR_TEST_VARIABLE");
}

TEST(WarmProgramTest, FilesAreThoseOfTheTimeItWasMade) {
  const std::string path = testing::TempDir() + "warm-program-" + std::to_string(getpid());
  std::ofstream(path) << "before";
  WarmProgram::Options options;
  options.files = {path};
  const auto program = Shell("head -c 1 > /dev/null; cat $1; printf '\\0'; exec cat", options);
  // Another file takes the name, as in an upgrade of a package.
  std::ofstream(path + ".new") << "after";
  ASSERT_EQ(rename((path + ".new").c_str(), path.c_str()), 0);
  EXPECT_EQ(*program->Exchange(Text("")), Text("before"));
  remove(path.c_str());
  EXPECT_EQ(WarmProgram::Create(options).status().code(), absl::StatusCode::kNotFound);
}

TEST(WarmProgramTest, WhatWasOverwrittenIsNotStartedAgain) {
  const std::string path = testing::TempDir() + "warm-program-" + std::to_string(getpid());
  std::ofstream(path) << "before";
  WarmProgram::Options options;
  options.files = {path};
  const auto reader = Shell("exec cat", options);
  ASSERT_EQ(*reader->Exchange(Text("a")), Text("a"));
  std::ofstream(path) << "afterwards";
  EXPECT_EQ(*reader->Exchange(Text("b")), Text("b")) << "it has read the file before";
  reader->Stop();
  EXPECT_THAT(Failure(*reader).ToString(), HasSubstr("its files have changed"));

  // The same holds for the program itself.
  std::ofstream(path) << "#!/bin/sh\nexec cat\n";
  ASSERT_EQ(chmod(path.c_str(), 0700), 0);
  WarmProgram::Options script;
  script.path = path;
  auto program = WarmProgram::Create(script);
  ASSERT_EQ(*(*program)->Exchange(Text("a")), Text("a"));
  (*program)->Stop();
  std::ofstream(path) << "#!/bin/sh\n# another version\nexec cat\n";
  EXPECT_THAT(Failure(**program).ToString(), HasSubstr("its files have changed"));
  remove(path.c_str());
}

TEST(WarmProgramTest, AProgramEndsWithTheProcessThatStartedIt) {
  ASSERT_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0) << "an orphan comes to this process";
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  const pid_t owner = fork();
  if (owner == 0) {
    // The program ignores the end of its input.
    const auto program = Shell("head -c 2; exec sleep 1000");
    const bool answered = program->Exchange(Text("a")).ok();
    const pid_t pid = answered ? program->pid() : -1;
    (void)!write(pipe_ends[1], &pid, sizeof(pid));
    pause();
    _exit(0);
  }
  pid_t program = -1;
  ASSERT_EQ(read(pipe_ends[0], &program, sizeof(program)), static_cast<ssize_t>(sizeof(program)));
  ASSERT_GT(program, 0);
  kill(owner, SIGKILL);
  int status = 0;
  ASSERT_EQ(waitpid(owner, &status, 0), owner);
  ASSERT_EQ(waitpid(program, &status, 0), program);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
  close(pipe_ends[0]);
  close(pipe_ends[1]);
  prctl(PR_SET_CHILD_SUBREAPER, 0);
}

}  // namespace
}  // namespace souvenir::compute
