#pragma once

#include <openssl/sha.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace souvenir {

using Sha256Digest = std::array<uint8_t, 32>;

// SHA-256 (FIPS 180-4) over parts. Each text is preceded by its length, so that ("ab", "c") and
// ("a", "bc") differ.
//
// Small parts are gathered and hashed together, because OpenSSL takes 12 ns for each piece, however
// short, and a question has a dozen numbers and names. Not thread-safe.
class Sha256 {
 public:
  Sha256();
  // A copy goes on from where the other one is.
  Sha256(const Sha256& other);
  Sha256& operator=(const Sha256&) = delete;

  void Add(std::string_view part);
  void Add(uint64_t number);

  // Adds a part that is not in memory at once: first its size, then its bytes in pieces of any
  // size, `size` bytes together. The digest is the same as with Add().
  void BeginPart(uint64_t size) { Add(size); }
  void AddPiece(std::string_view piece) { Append(piece.data(), piece.size()); }

  // Hashes the parts that are still gathered, so that copies need not do it.
  void Flush() { HashGathered(); }

  // Returns the digest of all parts. REQUIRES: it was not called before.
  Sha256Digest Finish();

 private:
  void Append(const void* bytes, size_t size);
  void HashGathered();

  SHA256_CTX context_;
  size_t gathered_size_ = 0;
  std::array<uint8_t, 256> gathered_;
};

// Returns 64 lower-case hex digits.
std::string HexString(const Sha256Digest& digest);

}  // namespace souvenir
