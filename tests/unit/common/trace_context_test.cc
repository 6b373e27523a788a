#include "common/trace_context.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace souvenir {
namespace {

using ::testing::IsEmpty;
using ::testing::MatchesRegex;

constexpr char kTraceId[] = "0af7651916cd43dd8448eb211c80319c";
constexpr char kParent[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

std::map<std::string, std::string> HeadersOf(const TraceContext& trace) {
  const auto headers = trace.Headers();
  return {headers.begin(), headers.end()};
}

TEST(TraceContextTest, PassesATraceOnWithASpanOfItsOwn) {
  TraceContext trace;
  EXPECT_TRUE(trace.Take("traceparent", kParent));
  EXPECT_TRUE(trace.Take("tracestate", "congo=t61rcWkgMzE"));
  EXPECT_EQ(trace.trace_id(), kTraceId);
  const auto first = HeadersOf(trace);
  const auto second = HeadersOf(trace);
  EXPECT_THAT(first.at("traceparent"),
              MatchesRegex("00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-01"));
  EXPECT_NE(first.at("traceparent"), kParent);
  EXPECT_NE(first.at("traceparent"), second.at("traceparent"));
  EXPECT_EQ(first.at("tracestate"), "congo=t61rcWkgMzE");
  EXPECT_EQ(first.count("x-request-id"), 0u);
}

TEST(TraceContextTest, AMalformedParentIsLeftOutOfAccount) {
  const std::string parent = kParent;
  for (const std::string& wrong :
       std::vector<std::string>{std::string(), parent.substr(0, 54), parent + "-", parent + "-ab",
                                "ff" + parent.substr(2), "0g" + parent.substr(2),
                                "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                                "00_0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331_01",
                                "00-00000000000000000000000000000000-b7ad6b7169203331-01",
                                "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
                                "00- af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0x"}) {
    TraceContext trace;
    EXPECT_TRUE(trace.Take("traceparent", wrong));
    EXPECT_FALSE(trace.has_trace()) << wrong;
    EXPECT_THAT(trace.Headers(), IsEmpty());
  }
}

TEST(TraceContextTest, AVersionOfTheFutureIsReadAsFarAsItIsKnown) {
  TraceContext trace;
  trace.Take("traceparent", "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-09-what-comes");
  EXPECT_EQ(trace.trace_id(), kTraceId);
  EXPECT_THAT(HeadersOf(trace).at("traceparent"), MatchesRegex("00-.*-01"));
}

TEST(TraceContextTest, BeginsATraceWhereThereIsNone) {
  TraceContext first;
  TraceContext second;
  first.Begin();
  second.Begin();
  EXPECT_THAT(first.trace_id(), MatchesRegex("[0-9a-f]{32}"));
  EXPECT_NE(first.trace_id(), second.trace_id());
  EXPECT_THAT(HeadersOf(first).at("traceparent"),
              MatchesRegex("00-" + first.trace_id() + "-[0-9a-f]{16}-00"));
  TraceContext given;
  given.Take("traceparent", kParent);
  given.Begin();
  EXPECT_EQ(given.trace_id(), kTraceId);
}

TEST(TraceContextTest, ARequestIdIsWhatCanStandInALog) {
  TraceContext trace;
  EXPECT_TRUE(trace.Take("x-request-id", "order-7/retry=2"));
  EXPECT_EQ(trace.request_id(), "order-7/retry=2");
  EXPECT_EQ(HeadersOf(trace).at("x-request-id"), "order-7/retry=2");
  for (const std::string& wrong : std::vector<std::string>{
           std::string(), std::string("two words"), std::string("line\nbreak"),
           std::string("gr\xc3\xbc"), std::string(129, 'a'), std::string("nul\0", 4)}) {
    trace.Take("x-request-id", wrong);
    EXPECT_EQ(trace.request_id(), "order-7/retry=2");
  }
  EXPECT_FALSE(trace.Take("user-agent", "grpc"));
}

TEST(TraceContextTest, AStateThatIsTooLongIsLeftOut) {
  TraceContext trace;
  trace.Take("traceparent", kParent);
  trace.Take("tracestate", std::string(513, 'a'));
  EXPECT_EQ(HeadersOf(trace).count("tracestate"), 0u);
}

}  // namespace
}  // namespace souvenir
