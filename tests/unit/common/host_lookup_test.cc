#include "common/host_lookup.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include <future>
#include <string>

namespace souvenir {
namespace {

// Answers numeric hosts like the system, and names when a test says so.
struct Resolver {
  int operator()(const char* host, const char* port, const addrinfo* hints,
                 addrinfo** found) const {
    if ((hints->ai_flags & AI_NUMERICHOST) == 0) {
      answers.wait();
      return EAI_AGAIN;
    }
    return getaddrinfo(host, port, hints, found);
  }
  std::shared_future<void> answers;
};

TEST(HostLookupTest, ANumberIsNotLookedUp) {
  std::promise<void> never;
  const HostLookupOptions options{.look_up = Resolver{never.get_future().share()}};
  for (const char* host : {"127.0.0.1", "::1", "0.0.0.0", ""}) {
    const auto found = LookUpHost(host, "8001", options);
    ASSERT_TRUE(found.ok()) << host << ": " << found.status();
    const sockaddr* const address = (*found)->ai_addr;
    const in_port_t port = address->sa_family == AF_INET6
                               ? reinterpret_cast<const sockaddr_in6*>(address)->sin6_port
                               : reinterpret_cast<const sockaddr_in*>(address)->sin_port;
    EXPECT_EQ(ntohs(port), 8001);
  }
}

TEST(HostLookupTest, ANameWithoutAnAnswerIsGivenUp) {
  std::promise<void> late;
  const HostLookupOptions options{.limit = absl::Milliseconds(1),
                                  .look_up = Resolver{late.get_future().share()}};
  const auto found = LookUpHost("gateway.example", "8001", options);
  EXPECT_EQ(found.status(),
            absl::UnavailableError("'gateway.example' cannot be looked up: no name server has "
                                   "answered within 1ms"));
  late.set_value();  // the lookup may answer after its caller has gone
}

TEST(HostLookupTest, TheReasonOfTheResolverIsTold) {
  std::promise<void> now;
  now.set_value();
  const HostLookupOptions options{.look_up = Resolver{now.get_future().share()}};
  const auto found = LookUpHost("gateway.example", "8001", options);
  EXPECT_EQ(found.status(), absl::UnavailableError(gai_strerror(EAI_AGAIN)));
}

}  // namespace
}  // namespace souvenir
