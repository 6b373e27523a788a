#include "compute-service/workers/worker_host.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "compute-service/workers/child_environment.h"
#include "compute-service/workers/process_tree.h"
#include "tests/fakes/manual_clock.h"

namespace souvenir::compute {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

constexpr absl::Duration kLong = absl::Seconds(60);
constexpr absl::Duration kShort = absl::Milliseconds(100);  // for events that never come

size_t OpenDescriptors() {
  const std::filesystem::directory_iterator entries("/proc/self/fd");
  return static_cast<size_t>(std::distance(begin(entries), end(entries)));
}

bool HasChildren() {
  siginfo_t info;
  return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 || errno != ECHILD;
}

// Waits until the process has gone, or only its exit status is left.
void AwaitEnd(pid_t pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/stat";
  while (true) {
    FILE* file = fopen(path.c_str(), "r");
    if (file == nullptr) return;
    char state = 0;
    const int read = fscanf(file, "%*d (%*[^)]) %c", &state);
    (void)fclose(file);
    if (read != 1 || state == 'Z' || state == 'X') return;
    std::this_thread::yield();
  }
}

bool IgnoresSigpipe(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("SigIgn:")) {
      return (std::stoull(line.substr(7), nullptr, 16) >> (SIGPIPE - 1) & 1) != 0;
    }
  }
  return false;
}

class WorkerHostTest : public testing::Test {
 protected:
  WorkerHostTest() : descriptors_(OpenDescriptors()) {
    options_.name = "a-model";
    options_.program = SOUVENIR_TEST_WORKER;
    options_.arguments = {"ok"};
    options_.clock = &clock_;
  }

  // No test may leave a descriptor or a process behind.
  ~WorkerHostTest() override {
    worker_.reset();
    host_.reset();
    EXPECT_EQ(OpenDescriptors(), descriptors_);
    EXPECT_FALSE(HasChildren());
  }

  void Start() {
    auto host = WorkerHost::Start(options_);
    ASSERT_TRUE(host.ok()) << host.status();
    host_ = *std::move(host);
    auto worker = host_->Fork();
    ASSERT_TRUE(worker.ok()) << worker.status();
    worker_ = *std::move(worker);
  }

  absl::Status StartError(const std::string& how) {
    options_.arguments = {how};
    return WorkerHost::Start(options_).status();
  }

  std::string Ask(const std::string& request) {
    const auto answer = worker_->Call(request, kLong);
    return answer.ok() ? answer->payload : answer.status().ToString();
  }

  // Returns the answers that were taken, and then the status unless it is OK.
  std::vector<std::string> AskAll(const std::vector<std::string>& requests,
                                  absl::Duration timeout = kLong) {
    std::vector<std::string> answers;
    const absl::Status status =
        worker_->CallAll(requests, timeout, [&](const Worker::Answer& answer) {
          EXPECT_GT(answer.compute_time, absl::ZeroDuration());
          answers.push_back(answer.payload);
        });
    if (!status.ok()) answers.push_back(status.ToString());
    return answers;
  }

  const size_t descriptors_;
  ManualClock clock_;
  WorkerHost::Options options_;
  std::unique_ptr<WorkerHost> host_;
  std::unique_ptr<Worker> worker_;
};

TEST_F(WorkerHostTest, AnswersCallAfterCall) {
  Start();
  EXPECT_EQ(Ask("echo:one"), "one");
  EXPECT_EQ(Ask(std::string("echo:\0", 6)), std::string("\0", 1));
  EXPECT_EQ(Ask("served"), "3");
  const auto answer = worker_->Call("echo:x", kLong);
  ASSERT_TRUE(answer.ok());
  EXPECT_GT(answer->compute_time, absl::ZeroDuration());
  EXPECT_LT(answer->compute_time, absl::Seconds(5));
}

TEST_F(WorkerHostTest, AStartThatHangsCanBeGivenUp) {
  Cancellation cancellation;
  options_.cancellation = &cancellation;
  options_.start_timeout = absl::InfiniteDuration();
  std::thread canceller([&] {
    while (!HasChildren()) std::this_thread::yield();
    cancellation.Cancel();
  });
  const absl::Status status = StartError("hang");
  canceller.join();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("start was cancelled"));
}

TEST_F(WorkerHostTest, WorkersOfOneHostAreProcessesOfTheirOwn) {
  Start();
  auto other = host_->Fork();
  ASSERT_TRUE(other.ok());
  EXPECT_NE((*other)->Call("pid", kLong)->payload, Ask("pid"));
  EXPECT_EQ((*other)->Call("host", kLong)->payload, Ask("host"));
}

TEST_F(WorkerHostTest, CarriesBigMessages) {
  Start();
  EXPECT_EQ(Ask("size:30000000").size(), 30'000'000u);
  const std::string big(5'000'000, 'y');
  EXPECT_EQ(Ask("echo:" + big), big);
}

TEST_F(WorkerHostTest, WhatARequestFreesServesTheNext) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the sanitizers have an allocator of their own";
#endif
  Start();
  for (int i = 0; i < 3; ++i) Ask("faults");
  EXPECT_LT(std::stoi(Ask("faults")), 50) << "of the 1,000 pages it filled";
}

TEST_F(WorkerHostTest, ProcessesAreSetUpForTheirJob) {
  options_.nice = 3;
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);  // like the service's threads
  Start();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  const int nicest = 19;
  EXPECT_EQ(Ask("nice"), std::to_string(std::min(getpriority(PRIO_PROCESS, 0) + 3, nicest)));
  EXPECT_EQ(Ask("signals"), "default");
  EXPECT_EQ(Ask("group"), Ask("host"));
  // The answer has standard input, output and error, and the worker's own socket.
  const std::string listed = Ask("descriptors");
  EXPECT_EQ(std::count(listed.begin(), listed.end(), ' '), 4) << listed;
}

TEST_F(WorkerHostTest, AStatusOfTheEngineIsTheCallersAndTheWorkerGoesOn) {
  Start();
  EXPECT_EQ(worker_->Call("refuse", kLong).status(),
            absl::InvalidArgumentError("not such a request"));
  EXPECT_EQ(Ask("served"), "2");
}

TEST_F(WorkerHostTest, AnExceptionIsReportedAndTheWorkerReplaced) {
  Start();
  const absl::Status status = worker_->Call("throw", kLong).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(status.ToString(), HasSubstr("bad request"));
  EXPECT_EQ(Ask("served"), "1");
}

TEST_F(WorkerHostTest, AWorkerThatDiesIsReportedAndReplaced) {
  Start();
  const std::string before = Ask("pid");
  absl::Status status = worker_->Call("exit", kLong).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(status.ToString(), AllOf(HasSubstr("a-model"), HasSubstr("exit status 5")));
  EXPECT_NE(Ask("pid"), before);
  status = worker_->Call("crash", kLong).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(status.ToString(), HasSubstr("signal 9 (Killed)"));
  EXPECT_EQ(Ask("echo:again"), "again");
}

TEST_F(WorkerHostTest, AWorkerThatHangsIsKilledAndTheOthersNeverNotice) {
  Start();
  auto other = host_->Fork();
  ASSERT_TRUE(other.ok());
  const std::string pid = (*other)->Call("pid", kLong)->payload;
  const pid_t hanging = std::stoi(Ask("pid"));
  const absl::Status status = worker_->Call("hang", kShort).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(status.ToString(), HasSubstr("100ms"));
  EXPECT_EQ(kill(hanging, 0), -1);  // reaped already
  EXPECT_EQ(Ask("served"), "1");
  EXPECT_EQ((*other)->Call("pid", kLong)->payload, pid);
}

TEST_F(WorkerHostTest, AWorkerThatSendsNoAnswerIsGivenUp) {
  Start();
  const absl::Status status = worker_->Call("garbage", kLong).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(status.ToString(), HasSubstr("not an answer of a worker"));
  EXPECT_EQ(Ask("served"), "1");
}

TEST_F(WorkerHostTest, AWorkerThatDiesAtRestCostsNoCall) {
  Start();
  const pid_t pid = std::stoi(Ask("pid"));
  ASSERT_EQ(kill(pid, SIGKILL), 0);
  AwaitEnd(pid);
  EXPECT_EQ(Ask("served"), "1");
}

TEST_F(WorkerHostTest, RequestsThatCrashTheirWorkersCostNoOtherRequestAPause) {
  Start();
  for (const char* end : {"crash", "exit", "garbage", "crash", "exit", "garbage"}) {
    EXPECT_EQ(worker_->Call(end, kLong).status().code(), absl::StatusCode::kUnavailable) << end;
  }
  // The clock stands still, so that any pause would last for ever.
  EXPECT_EQ(Ask("served"), "1");
  for (int i = 0; i < 6; ++i) EXPECT_FALSE(worker_->Call("crash", kLong).ok());
  auto other = host_->Fork();
  ASSERT_TRUE(other.ok()) << other.status();
  EXPECT_EQ((*other)->Call("echo:x", kLong)->payload, "x");
  EXPECT_EQ(host_->lost(), 12u);
}

TEST_F(WorkerHostTest, ARecycledWorkerLosesNoCall) {
  options_.recycle_after = 3;
  Start();
  std::vector<std::string> served;
  for (int i = 0; i < 7; ++i) served.push_back(Ask("served"));
  EXPECT_THAT(served, ElementsAre("1", "2", "3", "1", "2", "3", "1"));
}

TEST_F(WorkerHostTest, WithOneRequestAProcessEachRequestFindsTheStateThatLoadingLeft) {
  options_.recycle_after = 1;
  Start();
  EXPECT_THAT(AskAll({"served", "served", "served"}), ElementsAre("1", "1", "1"));
  std::vector<std::string> pids = AskAll({"pid", "pid", "pid"});
  std::sort(pids.begin(), pids.end());
  EXPECT_EQ(std::unique(pids.begin(), pids.end()), pids.end());
  EXPECT_THAT(AskAll({"served", "refuse", "served"}),
              ElementsAre("1", "INVALID_ARGUMENT: not such a request"));
  EXPECT_THAT(AskAll({"served", "exit"}), ElementsAre("1", HasSubstr("exit status 5")));
  EXPECT_EQ(Ask("served"), "1");
  EXPECT_EQ(host_->lost(), 1u) << "only the one that died";
}

TEST_F(WorkerHostTest, WhileAProcessServesItsLastRequestTheNextIsForked) {
  options_.recycle_after = 2;
  Start();
  const pid_t host = std::stoi(Ask("host"));
  EXPECT_THAT(ChildrenOf(host), SizeIs(1)) << "it serves one more request";
  Ask("pid");
  std::vector<pid_t> children = ChildrenOf(host);  // the one before may be among them, still ending
  EXPECT_THAT(children, Contains(std::stoi(Ask("pid"))));
  // The next one dies at rest, and costs no call either.
  Ask("pid");
  children = ChildrenOf(host);
  for (const pid_t child : children) (void)kill(child, SIGKILL);
  for (const pid_t child : children) AwaitEnd(child);
  EXPECT_EQ(Ask("served"), "1");
}

TEST_F(WorkerHostTest, AnswersOfSeveralRequestsComeInOrder) {
  Start();
  EXPECT_THAT(AskAll({"echo:one", "served", "echo:", "echo:two"}),
              ElementsAre("one", "2", "", "two"));
  EXPECT_THAT(AskAll({}), ElementsAre());
  EXPECT_EQ(Ask("served"), "5");
  // Together they are much larger than the buffers of the socket.
  std::vector<std::string> requests;
  std::vector<std::string> expected;
  for (int i = 0; i < 100; ++i) {
    expected.emplace_back(100'000, static_cast<char>('a' + i % 26));
    requests.push_back("echo:" + expected.back());
  }
  EXPECT_TRUE(AskAll(requests) == expected);
}

TEST_F(WorkerHostTest, AnErrorInTheMiddleEndsTheRestAndTheWorkerGoesOn) {
  Start();
  EXPECT_THAT(AskAll({"echo:one", "refuse", "echo:two"}),
              ElementsAre("one", "INVALID_ARGUMENT: not such a request"));
  EXPECT_THAT(AskAll({"served", "echo:x"}), ElementsAre("3", "x"));
  EXPECT_EQ(host_->lost(), 0u);
  // The worker is replaced after an exception, and after it has died.
  EXPECT_THAT(AskAll({"echo:one", "throw", "echo:two"}),
              ElementsAre("one", HasSubstr("bad request")));
  EXPECT_THAT(AskAll({"served", "exit", "echo:two"}),
              ElementsAre("1", HasSubstr("the worker died: exit status 5")));
  EXPECT_THAT(AskAll({"served", "echo:x"}), ElementsAre("1", "x"));
  EXPECT_EQ(host_->lost(), 1u);
}

TEST_F(WorkerHostTest, ARequestThatHangsIsKilledAfterItsOwnTimeout) {
  Start();
  const pid_t hanging = std::stoi(Ask("pid"));
  const absl::Duration timeout = absl::Milliseconds(500);
  EXPECT_THAT(AskAll({"echo:one", "hang", "echo:two"}, timeout),
              ElementsAre("one", AllOf(HasSubstr("DEADLINE_EXCEEDED"), HasSubstr("500ms"))));
  EXPECT_EQ(kill(hanging, 0), -1);  // reaped already
  EXPECT_THAT(AskAll({"served", "echo:x"}), ElementsAre("1", "x"));
}

TEST_F(WorkerHostTest, EachRequestCountsUntilAWorkerIsRecycled) {
  options_.recycle_after = 3;
  Start();
  EXPECT_THAT(AskAll({"served", "served", "served", "served", "served", "served", "served"}),
              ElementsAre("1", "2", "3", "1", "2", "3", "1"));
  EXPECT_THAT(AskAll({"served", "served", "served"}), ElementsAre("2", "3", "1"));
  EXPECT_EQ(host_->lost(), 0u);
}

TEST_F(WorkerHostTest, RequestsThatAreTooBigTogetherGoOneAfterAnother) {
  options_.max_message_bytes = 40;
  Start();
  EXPECT_THAT(AskAll({"echo:12345678", "echo:12345678", "echo:12345678", "served"}),
              ElementsAre("12345678", "12345678", "12345678", "4"));
  EXPECT_THAT(AskAll({"echo:one", std::string(41, 'x'), "echo:two"}),
              ElementsAre("one", AllOf(HasSubstr("RESOURCE_EXHAUSTED"), HasSubstr("41"),
                                       HasSubstr("the limit of 40"))));
  EXPECT_EQ(worker_->Call(std::string(40, 'x'), kLong).status().code(),
            absl::StatusCode::kUnimplemented)
      << "it came to the worker";
  EXPECT_EQ(host_->lost(), 0u);
}

TEST_F(WorkerHostTest, AHostThatDiesIsRestarted) {
  Start();
  auto other = host_->Fork();
  ASSERT_TRUE(other.ok());
  const pid_t host = std::stoi(Ask("host"));
  const pid_t worker = std::stoi(Ask("pid"));
  ASSERT_EQ(kill(host, SIGKILL), 0);
  AwaitEnd(worker);  // dies with its host
  EXPECT_NE(Ask("host"), std::to_string(host));
  EXPECT_EQ(Ask("host"), (*other)->Call("host", kLong)->payload);
}

TEST_F(WorkerHostTest, AHostThatCannotBeRestartedIsReported) {
  const std::string link = testing::TempDir() + "worker-program-link";
  std::filesystem::remove(link);
  std::filesystem::create_symlink(options_.program, link);
  options_.program = link;
  Start();
  const pid_t host = std::stoi(Ask("host"));
  const pid_t worker = std::stoi(Ask("pid"));
  std::filesystem::remove(link);
  ASSERT_EQ(kill(host, SIGKILL), 0);
  AwaitEnd(worker);
  for (int i = 0; i < 3; ++i) EXPECT_THAT(Ask("echo:x"), HasSubstr("cannot run " + link));
  EXPECT_THAT(Ask("echo:x"), AllOf(HasSubstr("the host process could not be started, or was lost"),
                                   HasSubstr("the next try is in")));
  std::filesystem::create_symlink(SOUVENIR_TEST_WORKER, link);
  clock_.Advance(absl::Seconds(10));
  EXPECT_EQ(Ask("echo:x"), "x");
  std::filesystem::remove(link);
}

TEST_F(WorkerHostTest, AHostWhoseFilesChangeWhileItLoadsIsNotUsed) {
  const absl::Status changed = absl::UnavailableError("the files have changed");
  for (const char* how : {"ok", "fail", "exit"}) {
    int checks = 0;
    options_.check_files = [&] { return ++checks == 1 ? absl::OkStatus() : changed; };
    EXPECT_EQ(StartError(how), changed) << how;
    EXPECT_EQ(checks, 2);
    EXPECT_FALSE(HasChildren());
  }
  options_.check_files = [&] { return changed; };
  EXPECT_EQ(StartError("hang"), changed) << "nothing is started";
}

TEST_F(WorkerHostTest, AHostIsNotRestartedFromFilesThatHaveChanged) {
  bool changed = false;
  options_.check_files = [&]() -> absl::Status {
    return changed ? absl::UnavailableError("the files have changed") : absl::OkStatus();
  };
  Start();
  const pid_t host = std::stoi(Ask("host"));
  changed = true;
  EXPECT_FALSE(worker_->Call("crash", kLong).ok());
  EXPECT_EQ(Ask("host"), std::to_string(host)) << "the host has the old files in memory";
  const pid_t worker = std::stoi(Ask("pid"));
  ASSERT_EQ(kill(host, SIGKILL), 0);
  AwaitEnd(worker);
  for (int i = 0; i < 6; ++i) EXPECT_EQ(Ask("echo:x"), "UNAVAILABLE: the files have changed");
  changed = false;
  EXPECT_EQ(Ask("echo:x"), "x") << "such errors cause no pause";
}

TEST_F(WorkerHostTest, ARequestAboveTheLimitIsRefused) {
  options_.max_message_bytes = 100;
  Start();
  const absl::Status status = worker_->Call(std::string(101, 'x'), kLong).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(status.ToString(), AllOf(HasSubstr("101"), HasSubstr("100")));
  EXPECT_EQ(Ask("echo:x"), "x");
  // An answer above the limit costs the worker, because its stream cannot be read any further.
  EXPECT_EQ(worker_->Call("size:1000", kLong).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Ask("echo:x"), "x");
}

TEST_F(WorkerHostTest, EverythingEndsWithTheService) {
  // The service runs in a process of its own, so that it can be killed.
  int report[2];
  ASSERT_EQ(pipe(report), 0);
  const pid_t service = fork();
  if (service == 0) {
    auto host = WorkerHost::Start(options_);
    auto worker = (*host)->Fork();
    const pid_t pids[2] = {std::stoi((*worker)->Call("host", kLong)->payload),
                           std::stoi((*worker)->Call("pid", kLong)->payload)};
    (void)!write(report[1], pids, sizeof(pids));
    (void)(*worker)->Call("hang", absl::InfiniteDuration());
    _exit(0);
  }
  pid_t pids[2];
  ASSERT_EQ(read(report[0], pids, sizeof(pids)), static_cast<ssize_t>(sizeof(pids)));
  ASSERT_EQ(kill(service, SIGKILL), 0);
  ASSERT_EQ(waitpid(service, nullptr, 0), service);
  AwaitEnd(pids[0]);
  AwaitEnd(pids[1]);
  close(report[0]);
  close(report[1]);
}

TEST_F(WorkerHostTest, ALoadThatHangsEndsWithTheService) {
  options_.arguments = {"hang"};
  options_.start_timeout = absl::InfiniteDuration();
  const pid_t service = fork();
  if (service == 0) {
    (void)WorkerHost::Start(options_);
    _exit(0);
  }
  // A host that ignores SIGPIPE has reached its main function.
  const std::string children =
      "/proc/" + std::to_string(service) + "/task/" + std::to_string(service) + "/children";
  pid_t host = 0;
  while (!IgnoresSigpipe(host)) std::ifstream(children) >> host;
  ASSERT_EQ(kill(service, SIGKILL), 0);
  ASSERT_EQ(waitpid(service, nullptr, 0), service);
  AwaitEnd(host);
}

TEST_F(WorkerHostTest, WhatAWorkerStartedEndsWithIt) {
  Start();
  auto other = host_->Fork();
  ASSERT_TRUE(other.ok());
  for (const char* end : {"crash", "exit", "garbage"}) {
    const pid_t daemon = std::stoi(Ask("daemon"));
    EXPECT_EQ(kill(daemon, 0), 0);
    EXPECT_FALSE(worker_->Call(end, kLong).ok());
    EXPECT_EQ(kill(daemon, 0), -1) << end;
  }
  const pid_t killed = std::stoi(Ask("daemon"));
  EXPECT_FALSE(worker_->Call("hang", kShort).ok());
  EXPECT_EQ(kill(killed, 0), -1);
  EXPECT_EQ((*other)->Call("served", kLong)->payload, "1");
  const pid_t last = std::stoi(Ask("daemon"));
  other->reset();
  worker_.reset();
  host_.reset();
  EXPECT_EQ(kill(last, 0), -1);
}

TEST_F(WorkerHostTest, TheEnvironmentIsBuiltAndNotInherited) {
  const char* const environment[] = {"PATH=/bin", "SECRET=1", "LC_ALL=C", "OTHER=2", nullptr};
  EXPECT_THAT(ChildEnvironment({}, {}, environment), testing::ElementsAre("PATH=/bin", "LC_ALL=C"));
  EXPECT_THAT(ChildEnvironment({"PATH=/ours", "A=1"}, {"OTH*", "A"}, environment),
              testing::ElementsAre("PATH=/ours", "A=1", "LC_ALL=C", "OTHER=2"));
  EXPECT_EQ(BeforeInheritedPath("PATH", "/ours", environment), "/ours:/bin");
  EXPECT_EQ(BeforeInheritedPath("PYTHONPATH", "/ours", environment), "/ours");
  const char* const empty[] = {"PATH=", nullptr};
  EXPECT_EQ(BeforeInheritedPath("PATH", "/ours", empty), "/ours");
  EXPECT_TRUE(CheckVariableName("HF_*").ok());
  for (const char* name : {"", "*", "A=B", "A B", "A*B", "7UP", "\xc3\xbc"}) {
    EXPECT_FALSE(CheckVariableName(name).ok()) << name;
  }
}

TEST_F(WorkerHostTest, ManyCallsAndForksFromManyThreads) {
  Start();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int round = 0; round < 5; ++round) {
        auto worker = host_->Fork();
        ASSERT_TRUE(worker.ok()) << worker.status();
        for (int i = 0; i < 20; ++i) {
          const std::string text = std::to_string(t * 1000 + i);
          EXPECT_EQ((*worker)->Call("echo:" + text, kLong)->payload, text);
        }
        if (round % 2 == 1) {
          EXPECT_FALSE((*worker)->Call("crash", kLong).ok());
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(WorkerHostTest, WhatALoadThatFailsSays) {
  EXPECT_EQ(StartError("fail"), absl::NotFoundError("the model is not there"));
  absl::Status status = StartError("throw");
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(status.ToString(), HasSubstr("bad model"));
  status = StartError("exit");
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(status.ToString(),
              AllOf(HasSubstr("exit status 7"), HasSubstr("Error: cannot read the model")));
  status = StartError("crash");
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(status.ToString(), HasSubstr("signal 9 (Killed)"));
}

TEST_F(WorkerHostTest, ALoadThatHangsIsKilled) {
  options_.start_timeout = kShort;
  const absl::Status status = StartError("hang");
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(status.ToString(), HasSubstr("100ms"));
}

TEST_F(WorkerHostTest, ALoadMayWriteMoreThanIsKept) {
  options_.arguments = {"chatter"};
  Start();
  EXPECT_EQ(Ask("echo:x"), "x");
}

TEST_F(WorkerHostTest, AProgramThatIsNotThereIsNamed) {
  options_.program = "/nowhere/souvenir-worker";
  const absl::Status status = StartError("ok");
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(status.ToString(),
              AllOf(HasSubstr("/nowhere/souvenir-worker"), HasSubstr("No such file or directory")));
}

TEST_F(WorkerHostTest, OptionsAreChecked) {
  options_.nice = 20;
  EXPECT_EQ(StartError("ok").code(), absl::StatusCode::kInvalidArgument);
  options_.nice = 0;
  options_.start_timeout = absl::ZeroDuration();
  EXPECT_EQ(StartError("ok").code(), absl::StatusCode::kInvalidArgument);
  options_.start_timeout = kLong;
  for (const uint32_t bytes : {0u, MessageChannel::kDefaultLimit + 1}) {
    options_.max_message_bytes = bytes;
    EXPECT_EQ(StartError("ok").code(), absl::StatusCode::kInvalidArgument);
  }
  options_.max_message_bytes = 100;
  options_.program = "";
  EXPECT_EQ(StartError("ok").code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace souvenir::compute
