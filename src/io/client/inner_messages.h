// The JSON bodies of /inner/join and /inner/renew, and the MACs of a join. Pure; used by joiners and by control.
// The token's secret never travels: both sides hold K = crypto::join_key(token); question and answer are MACed with it,
// all their fields with their lengths, so that a relaying gateway can neither use nor change them. Errors:
// InvalidArgument naming the field; a wrong MAC is the caller's PermissionDenied.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/spiffe.h"

namespace aigrid::io {

// A joiner does not know its site before it is told: its CSR names this one.
inline constexpr std::string_view kUnassignedSite = "unassigned";

// More roots than any rotation needs are a mistake or an attack.
inline constexpr std::size_t kMaxRoots = 16;
Result<void> check_roots(const std::vector<std::string>& roots);

// Control's own name: spiffe://<grid>/control/control/control.
Spiffe control_name(std::string_view grid);

struct JoinAsk {
  std::string kid;  // 8 raw bytes
  std::string csr;
  std::string mac;  // 32 raw bytes
  Role role = Role::Agent;
  std::string site;  // may be empty: as the token says
  std::string name;
  std::string public_address;
  std::string inner_address;
  std::uint32_t workers = 1;
};

struct JoinAnswer {
  std::string chain;
  std::vector<std::string> roots;
  std::string bundle_key;  // 32 raw bytes
  std::string grid;
  std::string mac;  // 32 raw bytes
};

struct RenewAnswer {
  std::string chain;
  std::vector<std::string> roots;
};

// Of everything but `mac` itself.
std::string join_ask_mac(std::string_view join_key, const JoinAsk& ask);
std::string join_answer_mac(std::string_view join_key, const JoinAnswer& answer);

std::string encode(const JoinAsk& ask);
Result<JoinAsk> decode_join_ask(std::string_view body);
std::string encode(const JoinAnswer& answer);
Result<JoinAnswer> decode_join_answer(std::string_view body);
std::string encode_renew_ask(std::string_view csr);
Result<std::string> decode_renew_ask(std::string_view body);  // the CSR
std::string encode(const RenewAnswer& answer);
Result<RenewAnswer> decode_renew_answer(std::string_view body);

}  // namespace aigrid::io
