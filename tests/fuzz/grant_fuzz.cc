// Any bytes as an ask with a grant: never a crash, and never leave to run: nobody can make a grant without the key.
#include <cstdint>
#include <cstdlib>

#include "core/access/grant_book.h"
#include "format/inner/grant.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace aigrid;
  constexpr std::string_view kKey = "0123456789abcdef0123456789abcdef";
  const std::string_view all(reinterpret_cast<const char*>(bytes), size);
  inner::Decoder decoder;
  decoder.feed(all);
  inner::Ask ask;
  if (auto frame = decoder.next(); frame.ok() && frame->has_value() && std::holds_alternative<inner::Ask>(**frame)) {
    ask = std::get<inner::Ask>(**frame);
  }
  if (ask.grant.empty()) ask.grant = all;
  const auto opened = inner::open_grant(ask, kKey);
  if (opened.ok() || opened.error().message.empty()) std::abort();
  // One of ours, with terms of any bytes: the book says yes to it at most once.
  inner::GrantTerms terms;
  for (std::size_t i = 0; i < size && i < 8; ++i) terms.expires_ms = terms.expires_ms << 8U | bytes[i];
  for (std::size_t i = 8; i < size && i < 16; ++i) terms.bundle_version = terms.bundle_version << 8U | bytes[i];
  ask.grant = inner::issue_grant(ask, kKey, terms);
  const auto ours = inner::open_grant(ask, kKey);
  if (!ours.ok() || ours->expires_ms != terms.expires_ms) std::abort();
  access::GrantBook book;
  access::GrantBook::Question question{ask.grant, ours->expires_ms, ours->bundle_version, 1, 1s};
  (void)book.take(question, Time(5s));
  if (book.take(question, Time(5s)).ok()) std::abort();
  return 0;
}
