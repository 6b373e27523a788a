#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace souvenir {

using Sha256Digest = std::array<uint8_t, 32>;

// SHA-256 (FIPS 180-4) over parts, each put in after its length, so that parts cannot run together:
// ("ab", "c") and ("a", "bc") differ.
//
// Not thread-safe. One at a time may live in each thread: it works in a context kept by the thread,
// whose making would cost more than the hash of a short text.
class Sha256 {
 public:
  Sha256();

  void Add(std::string_view part);
  void Add(uint64_t number);

  // The digest of all that was added. Called once.
  Sha256Digest Finish();

 private:
  evp_md_ctx_st* const context_;
};

// 64 lower-case hex digits.
std::string HexString(const Sha256Digest& digest);

}  // namespace souvenir
