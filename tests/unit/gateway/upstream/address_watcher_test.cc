#include "gateway/upstream/address_watcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/mutex.h"
#include "gateway/upstream/bounded_lookup.h"

namespace souvenir::gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

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
  // A name with a space is invalid, so that no server is asked.
  const absl::Status status = LookUpAddresses("no name:8011").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("'no name:8011' cannot be looked up"));
}

TEST(AddressLookupTest, TheMachineItselfIsKnownWithoutAskingAnybody) {
  // A name server would not know these names.
  for (const char* name : {"souvenir.localhost:8011", "LOCALHOST.:8011"}) {
    EXPECT_FALSE(IsNumericAddress(name));
    const auto addresses = LookUpAddresses(name);
    ASSERT_TRUE(addresses.ok()) << addresses.status();
    EXPECT_THAT(*addresses, testing::IsSubsetOf({"127.0.0.1:8011", "[::1]:8011"}));
  }
}

using Found = BoundedLookup::Addresses;

// A resolver whose answers a test sets. Shared with lookups, which may outlive the test.
struct FakeResolver {
  Found LookUp(const std::string& name) {
    MutexLock lock(&mutex);
    ++calls;
    changed.NotifyAll();
    while (silent == name) changed.Wait(&mutex);
    return found;
  }
  void Answer(Found answer) {
    MutexLock lock(&mutex);
    silent.clear();
    found = std::move(answer);
    changed.NotifyAll();
  }
  // Waits for the first call. Returns the number of calls.
  int Calls() {
    MutexLock lock(&mutex);
    while (calls == 0) changed.Wait(&mutex);
    return calls;
  }

  Mutex mutex;
  CondVar changed;
  std::string silent ABSL_GUARDED_BY(mutex);  // the name that gets no answer
  Found found ABSL_GUARDED_BY(mutex) = absl::UnavailableError("no name server");
  int calls ABSL_GUARDED_BY(mutex) = 0;
};

class BoundedLookupTest : public testing::Test {
 protected:
  BoundedLookup Make(absl::Duration limit) {
    resolver_->Answer(std::vector<std::string>{"10.0.0.1:1"});
    {
      MutexLock lock(&resolver_->mutex);
      resolver_->silent = "silent:1";
    }
    return BoundedLookup(
        {.limit = limit, .look_up = [resolver = resolver_](const std::string& name) {
           return resolver->LookUp(name);
         }});
  }
  ~BoundedLookupTest() override { resolver_->Answer(absl::UnavailableError("the end")); }

  const std::shared_ptr<FakeResolver> resolver_ = std::make_shared<FakeResolver>();
};

TEST_F(BoundedLookupTest, ANameWithoutAnAnswerIsNamedWhenTheLimitHasPassed) {
  BoundedLookup lookup = Make(absl::Milliseconds(10));
  const std::vector<Found> found = lookup.LookUpAll({"silent:1"});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(found[0].status().message()),
              HasSubstr("'silent:1' cannot be looked up: no name server has answered within 10ms"));
}

TEST_F(BoundedLookupTest, OtherNamesHaveTheirAnswersBesideIt) {
  BoundedLookup lookup = Make(absl::Seconds(1));
  const std::vector<Found> found = lookup.LookUpAll({"silent:1", "compute:1"});
  ASSERT_EQ(found.size(), 2u);
  EXPECT_FALSE(found[0].ok());
  ASSERT_TRUE(found[1].ok()) << found[1].status();
  EXPECT_THAT(*found[1], ElementsAre("10.0.0.1:1"));
}

TEST_F(BoundedLookupTest, AnAnswerThatComesLateIsTheNextCallersAndNothingIsAskedTwice) {
  BoundedLookup lookup = Make(absl::Milliseconds(1));
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(lookup.LookUpAll({"silent:1"})[0].ok());
  EXPECT_EQ(resolver_->Calls(), 1);
  resolver_->Answer(std::vector<std::string>{"10.0.0.2:1"});
  Found late = lookup.LookUpAll({"silent:1"})[0];
  while (!late.ok()) late = lookup.LookUpAll({"silent:1"})[0];
  EXPECT_THAT(*late, ElementsAre("10.0.0.2:1"));
}

TEST_F(BoundedLookupTest, AStopDoesNotWaitForANameServer) {
  BoundedLookup lookup = Make(absl::Hours(1));
  std::thread stopper([&] {
    EXPECT_GT(resolver_->Calls(), 0);
    lookup.Stop();
  });
  EXPECT_THAT(lookup.LookUpAll({"silent:1"}), IsEmpty());
  stopper.join();
  EXPECT_THAT(lookup.LookUpAll({"compute:1"}), IsEmpty());
}

// Tests with names whose addresses a test changes.
class AddressWatcherTest : public testing::Test {
 protected:
  void Start(const std::vector<std::string>& names) {
    watcher_ = std::make_unique<AddressWatcher>(
        AddressWatcher::Options{
            .names = names,
            .interval = absl::Milliseconds(1),
            .most = 3,
            .lookup = {.look_up = [resolver = resolver_](
                                      const std::string& name) { return resolver->LookUp(name); }}},
        [this](std::vector<EndpointAddress> addresses) {
          MutexLock lock(&mutex_);
          told_ = std::move(addresses);
          ++times_;
        });
  }
  ~AddressWatcherTest() override {
    if (watcher_ != nullptr) watcher_->Stop();
  }

  void Move(Found found) { resolver_->Answer(std::move(found)); }

  // Returns the addresses reported after another lookup; "*" marks those that were not there from
  // the start.
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

  const std::shared_ptr<FakeResolver> resolver_ = std::make_shared<FakeResolver>();
  Mutex mutex_;
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
