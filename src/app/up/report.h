// GridReport: a running grid as scripts see it: the one JSON object of `up --detach --json`, which stays stable. Also
// where the CLI finds the grid it talks to when nothing else is said. Plain values; the text holds keys and lies in a
// file of mode 0600.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"

namespace aigrid::up {

struct ReportedEngine {
  std::string driver;
  std::string model;
  int pid = 0;
  std::string url;
  std::string secret;  // empty: none
};

struct ReportedNode {
  std::string name;
  std::string site;
  int pid = 0;
  std::vector<ReportedEngine> engines;
};

struct ReportedSite {
  std::string name;
  std::string country;
  std::string gateway;    // http://…
  std::vector<int> pids;  // of its gateways, then of its agents; engines end with their agents
};

struct ReportedTenant {
  std::string name;
  std::string key;
  std::string zone;  // empty: null
};

struct ReportedLink {
  std::string a;
  std::string b;
  std::string relay;  // path of the relay's socket
};

struct GridReport {
  std::string bin;
  std::map<std::string, std::string> env;  // with which `bin` talks to this grid
  std::string management;
  std::string admin_key;
  std::string chat_model;
  std::string embedding_model;
  int control_pid = 0;
  std::vector<ReportedSite> sites;
  std::vector<ReportedNode> nodes;
  std::vector<ReportedTenant> tenants;
  std::vector<ReportedLink> links;
};

std::string encode(const GridReport& report);  // one line with its newline
// The parts the CLI needs: everything but pids and engines.
Result<GridReport> decode_report(std::string_view text);

// Whose key the demonstration uses: the first that is bound to no zone. There is at least one tenant.
const ReportedTenant& demo_tenant(const GridReport& report);

// Files and sockets in the state folder of `up` itself.
std::string own_folder(const std::string& state);
std::string report_file(const std::string& state);
std::string mark_file(const std::string& state);
std::string remembered_file(const std::string& state);
std::string log_file(const std::string& state);
std::string command_socket(const std::string& state);
std::string relay_socket(const std::string& state, const std::string& link);

}  // namespace aigrid::up
