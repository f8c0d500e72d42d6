// The commands that talk to a running grid, through control's management API and a gateway's public one. Each returns
// its exit code: 0, or 1 with a note that says what, why and what to do. One worker.
#pragma once

#include <string>
#include <vector>

#include "app/cli/writer.h"
#include "io/env/env.h"

namespace aigrid::cli {

// How long commands wait. One source of defaults.
struct CommandLimits {
  Duration call = 30s;
  Duration chat = 120s;
  Duration look = 1s;  // between two looks at what goes on
};

// Which grid. Flags win over the environment, which wins over a grid that `aigrid up` runs on `state`.
struct Access {
  std::string management;
  std::string admin_key;
  std::string ca;  // PEM file of whom to trust behind https://; empty: whom this machine trusts
  std::string state = ".dev/state";
  CommandLimits limits;
};

struct ApplyOptions {
  Access access;
  std::vector<std::string> files;
  bool dry_run = false;
  bool json = false;
  std::string approve_with;  // a second admin's key, for what widens
};
struct PolicyTestOptions {
  std::vector<std::string> files;
  bool json = false;
};
struct PolicyDiffOptions {
  std::string before;
  std::string after;
  bool json = false;
};
struct PolicyPreviewOptions {
  Access access;
  std::vector<std::string> files;
  std::int64_t seconds = 0;  // how far back; 0: all there is
  bool json = false;
};
struct GetOptions {
  Access access;
  std::string kind;
  std::string name;
  std::string output = "table";  // table | json | yaml
};
struct TokenOptions {
  Access access;
  std::string role;
  std::string site;
  std::string name;
  std::int64_t seconds = 3600;
  bool json = false;
};
struct KeyCreateOptions {
  Access access;
  std::string tenant;
  std::string project;
  std::string zone;
  std::vector<std::string> models;
  std::int64_t seconds = 0;  // 0: for ever
  bool json = false;
};
struct KeyListOptions {
  Access access;
  bool json = false;
};
struct KeyRevokeOptions {
  Access access;
  std::string kid;
  bool json = false;
};
struct AdminOptions {
  Access access;
  enum class What { Create, List, Renew, Revoke } what = What::List;
  std::string name;
  std::string approve_with;  // a second admin's key, to make one
  bool json = false;
};
struct ChatOptions {
  Access access;
  std::string message;
  std::string model;
  std::string zone;
  std::string key;
  std::string gateway;
  int max_tokens = 0;
  double temperature = -1;  // negative: the engine's own
  bool json = false;
};
struct UsageOptions {
  Access access;
  std::vector<std::string> by;  // tenant, project, key, model, endpoint, site, day
  std::string from;
  std::string to;
  bool settlement = false;
  bool json = false;
};
struct StatusOptions {
  Access access;
  bool json = false;
};
struct CordonOptions {
  Access access;
  std::string what;  // site | node
  std::string name;
  bool closed = true;
};
struct DrainOptions {
  Access access;
  std::string what;  // site | node
  std::string name;
  bool forecast = false;  // only say what would happen
  bool abort = false;
  bool force = false;
  std::int64_t seconds = 600;  // watched for
  bool json = false;
};
struct AuditExportOptions {
  Access access;
  std::string folder;
  bool https = false;  // the gateways' client API is behind TLS
};
struct AuditVerifyOptions {
  std::string path;                      // folder of an export, or file of one proof
  std::vector<std::string> keys;         // that the reader trusts: verifier keys, or files with one a line
  std::vector<std::string> checkpoints;  // files with checkpoints that the reader kept from earlier
  std::string request;                   // of a proof: the body that was sent
  std::size_t threads = 4;               // that judge side by side
  std::string answer;                    // and what came before its `grid` object
  bool json = false;
};
struct VersionOptions {
  bool json = false;
};

io::Task<int> run_apply(io::Env& env, Writer& writer, ApplyOptions options);
io::Task<int> run_policy_test(io::Env& env, Writer& writer, PolicyTestOptions options);
io::Task<int> run_policy_diff(io::Env& env, Writer& writer, PolicyDiffOptions options);
io::Task<int> run_policy_preview(io::Env& env, Writer& writer, PolicyPreviewOptions options);
io::Task<int> run_get(io::Env& env, Writer& writer, GetOptions options);
io::Task<int> run_token(io::Env& env, Writer& writer, TokenOptions options);
io::Task<int> run_key_create(io::Env& env, Writer& writer, KeyCreateOptions options);
io::Task<int> run_key_list(io::Env& env, Writer& writer, KeyListOptions options);
io::Task<int> run_key_revoke(io::Env& env, Writer& writer, KeyRevokeOptions options);
io::Task<int> run_admin(io::Env& env, Writer& writer, AdminOptions options);
io::Task<int> run_chat(io::Env& env, Writer& writer, ChatOptions options);
io::Task<int> run_usage(io::Env& env, Writer& writer, UsageOptions options);
io::Task<int> run_status(io::Env& env, Writer& writer, StatusOptions options);
io::Task<int> run_cordon(io::Env& env, Writer& writer, CordonOptions options);
io::Task<int> run_drain(io::Env& env, Writer& writer, DrainOptions options);
io::Task<int> run_audit_export(io::Env& env, Writer& writer, AuditExportOptions options);
io::Task<int> run_audit_verify(io::Env& env, Writer& writer, AuditVerifyOptions options);
io::Task<int> run_version(io::Env& env, Writer& writer, VersionOptions options);

}  // namespace aigrid::cli
