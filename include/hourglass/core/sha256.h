#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct evp_md_ctx_st;  // OpenSSL's EVP_MD_CTX: its headers stay out of ours

namespace hourglass {

/// SHA-256 (FIPS 180-4) of bytes that arrive piece by piece. Move-only; a moved-from one may only
/// be assigned to or destroyed. Throws Error where OpenSSL offers no SHA-256.
class Sha256 {
 public:
  Sha256();
  void update(std::span<const std::byte> bytes);
  void update(std::string_view text) { update(std::as_bytes(std::span(text))); }

  /// The digest of all bytes so far, as 64 lower-case hex digits. More may follow.
  std::string hex() const;

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const noexcept;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

}  // namespace hourglass
