#include "gateway/upstream/address_watcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "common/mutex.h"

namespace souvenir::gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(AddressLookupTest, NumbersAreTheirOwnAddresses) {
  EXPECT_TRUE(IsNumericAddress("127.0.0.1:8011"));
  EXPECT_TRUE(IsNumericAddress("[::1]:8011"));
  EXPECT_FALSE(IsNumericAddress("localhost:8011"));
  EXPECT_THAT(*LookUpAddresses("127.0.0.1:8011"), ElementsAre("127.0.0.1:8011"));
  EXPECT_THAT(*LookUpAddresses("[::1]:8011"), ElementsAre("[::1]:8011"));
}

TEST(AddressLookupTest, ANameIsLookedUp) {
  const auto addresses = LookUpAddresses("localhost:8011");
  ASSERT_TRUE(addresses.ok()) << addresses.status();
  for (const std::string& address : *addresses) {
    EXPECT_TRUE(address == "127.0.0.1:8011" || address == "[::1]:8011") << address;
  }
}

TEST(AddressLookupTest, ANameThatCannotBeLookedUpIsNamed) {
  // No name has a space in it, so that no server is asked.
  const absl::Status status = LookUpAddresses("no name:8011").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("'no name:8011' cannot be looked up"));
}

// Names that a test moves.
class AddressWatcherTest : public testing::Test {
 protected:
  void Start(const std::vector<std::string>& names) {
    watcher_ =
        std::make_unique<AddressWatcher>(AddressWatcher::Options{.names = names,
                                                                 .interval = absl::Milliseconds(1),
                                                                 .most = 3,
                                                                 .look_up =
                                                                     [this](const std::string&) {
                                                                       MutexLock lock(&mutex_);
                                                                       return found_;
                                                                     }},
                                         [this](std::vector<EndpointAddress> addresses) {
                                           MutexLock lock(&mutex_);
                                           told_ = std::move(addresses);
                                           ++times_;
                                         });
  }
  ~AddressWatcherTest() override {
    if (watcher_ != nullptr) watcher_->Stop();
  }

  void Move(absl::StatusOr<std::vector<std::string>> found) {
    MutexLock lock(&mutex_);
    found_ = std::move(found);
  }

  // What is told once it has looked anew; an asterisk: not there from the start.
  std::vector<std::string> AfterALook() {
    const int before = times_;
    while (times_ < before + 2) std::this_thread::yield();
    return Told();
  }
  std::vector<std::string> Told() {
    MutexLock lock(&mutex_);
    std::vector<std::string> told;
    for (const EndpointAddress& at : told_) told.push_back(at.address + (at.from_start ? "" : "*"));
    return told;
  }

  Mutex mutex_;
  absl::StatusOr<std::vector<std::string>> found_ ABSL_GUARDED_BY(mutex_) =
      absl::UnavailableError("no name server");
  std::vector<EndpointAddress> told_ ABSL_GUARDED_BY(mutex_);
  std::atomic<int> times_{0};
  std::unique_ptr<AddressWatcher> watcher_;
};

TEST_F(AddressWatcherTest, NumericAddressesAreToldAtOnceAndNeverLookedUp) {
  Start({"10.0.0.1:1", "[::1]:1", "10.0.0.1:1"});
  EXPECT_THAT(Told(), ElementsAre("10.0.0.1:1", "[::1]:1"));
  EXPECT_EQ(times_, 1);
}

TEST_F(AddressWatcherTest, ANamesAddressesAreFollowedAndKeptWhileItCannotBeLookedUp) {
  Start({"10.0.0.9:1", "compute:1"});
  EXPECT_THAT(AfterALook(), ElementsAre("10.0.0.9:1"));
  Move(std::vector<std::string>{"10.0.0.1:1", "10.0.0.2:1"});
  EXPECT_THAT(AfterALook(), ElementsAre("10.0.0.9:1", "10.0.0.1:1", "10.0.0.2:1"));
  Move(absl::UnavailableError("no name server"));
  EXPECT_THAT(AfterALook(), ElementsAre("10.0.0.9:1", "10.0.0.1:1", "10.0.0.2:1"));
  Move(std::vector<std::string>{"10.0.0.2:1", "10.0.0.3:1"});
  EXPECT_THAT(AfterALook(), ElementsAre("10.0.0.9:1", "10.0.0.2:1", "10.0.0.3:1*"));
}

TEST_F(AddressWatcherTest, MoreThanTheMostAreLeftOut) {
  Move(std::vector<std::string>{"a:1", "b:1", "c:1", "d:1"});
  Start({"compute:1"});
  EXPECT_THAT(AfterALook(), ElementsAre("a:1", "b:1", "c:1"));
}

}  // namespace
}  // namespace souvenir::gateway
