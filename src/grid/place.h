// Places: operators, sites, nodes, gateways and the links between sites, as configured (spec only).
// Plain values, any thread. Names are unique within a kind. Powers in watts, distances by coordinates in degrees.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace aigrid::grid {

// The firm that owns sites. `control`: jurisdictions whose law reaches it (ISO 3166-1 alpha-2, upper case).
struct Operator {
  std::string name;
  std::string legal_name;
  std::vector<std::string> control;
  std::int64_t margin_ppm = 0;  // owed on top of its cost by other operators whose tenants it serves; parts per million
};

enum class SiteKind : std::uint8_t { Factory, Hub, Metro, Edge, Campus };

// A certification, as the operator states it. Dates as in grid/law.h.
struct Certificate {
  std::string name;
  std::string until{};
};

struct Site {
  std::string name;
  SiteKind kind = SiteKind::Metro;
  std::string operator_name;
  std::string country;       // where it stands, ISO 3166-1 alpha-2
  std::string jurisdiction;  // the cell whose law applies there: a country or a subdivision such as "FR" or "US-CA"
  std::string city;
  double lat = 0;
  double lon = 0;
  double power_limit_w = 0;  // 0: none stated
  double cooling_limit_c = 0;
  std::int64_t cost_nano_per_token = 0;           // what a token costs the operator here, 1e-9 of the currency unit
  std::map<std::string, std::string> attributes;  // certifications and the like; absent means unknown
  std::vector<std::string> staff{};               // cells from which its admins act; none: unknown
  std::vector<std::string> telemetry{};           // cells it reports to; none: unknown
  std::int32_t seal = -1;                         // sovereignty level 0–4; -1: unknown
  std::vector<Certificate> certs{};
  std::string attest{};                        // how its nodes prove what they run: none, tpm, tee; empty: unknown
  std::string tenancy{};                       // shared | dedicated; empty: unknown
  std::map<std::string, std::string> hosts{};  // names by which clients call its gateways → the zone that asks for
  bool cordoned = false;                          // takes no new work
  bool drain = false;                             // and what runs there moves away
};

struct Node {
  std::string name;
  std::string site;
  bool cordoned = false;  // takes no new work
  double nameplate_w = 0;
  double idle_w = 0;
  std::vector<std::string> accelerators;
  std::map<std::string, std::string> labels;
  bool drain = false;  // takes no new work, and what runs there moves away
};

// Made at join. Addresses are what others dial.
struct Gateway {
  std::string name;
  std::string site;
  std::string public_address;
  std::string inner_address;
  std::uint32_t workers = 1;
};

struct Link {
  std::string name;
  std::string a;  // sites; "control" is allowed for b
  std::string b;
  double rtt_ms = 0;   // a prior; what is measured wins
  std::string source;  // measured | derived
  // Overrides the address that a gateway at site KEY dials to reach the other end.
  std::map<std::string, std::string> dial;
};

}  // namespace aigrid::grid
