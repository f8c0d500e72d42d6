#include "app/cli/command_line.h"

#include <CLI/CLI.hpp>
#include <charconv>
#include <memory>

#include "base/nearest_name.h"

namespace aigrid::cli {

namespace {

constexpr const char* kFooter =
    "Data goes to standard output, notes to standard error. Exit code 0: done, 1: failed, 2: mistake in the command "
    "line.\n"
    "Which grid: --management and --admin-key, else AIGRID_MANAGEMENT and AIGRID_ADMIN_KEY, else the grid of `aigrid "
    "up`.";

// The parsed values live as long as the App that points at them.
class Reader {
 public:
  Reader() : app_("one inference service over many sites", "aigrid") {
    app_.footer(kFooter);
    app_.require_subcommand(1);
    app_.set_help_all_flag("--help-all", "help of every command");
    add_up();
    add_down();
    add_control();
    add_gateway();
    add_agent();
    add_apply();
    add_get();
    add_policy();
    add_token();
    add_key();
    add_admin();
    add_chat();
    add_reports();
    add_drain();
    add_audit();
  }

  Command read(std::vector<std::string> arguments);

 private:
  // A command that becomes `make()` when it is the one.
  template <class T>
  CLI::App* command(CLI::App& parent, const char* name, const char* summary, T& value) {
    CLI::App* sub = parent.add_subcommand(name, summary);
    choices_.push_back({sub, [&value] { return Command(value); }});
    return sub;
  }
  void add_state(CLI::App* sub, std::string& state) {
    sub->add_option("--state", state, "folder of the grid's state")->envname("AIGRID_STATE")->capture_default_str();
  }
  void add_access(CLI::App* sub, Access& access, bool* json) {
    sub->add_option("--management", access.management, "control's management address")->envname("AIGRID_MANAGEMENT");
    sub->add_option("--admin-key", access.admin_key, "admin credential")->envname("AIGRID_ADMIN_KEY");
    sub->add_option("--ca", access.ca, "PEM file of whom to trust behind https://, if not this machine's")
        ->envname("AIGRID_CA");
    add_state(sub, access.state);
    if (json != nullptr) add_json(sub, *json);
  }
  void add_json(CLI::App* sub, bool& json) {
    sub->add_flag("--json", json, "JSON on standard output");
    sub->add_option_function<std::string>(
           "-o,--output", [&json](const std::string& form) { json = form == "json"; }, "text or json")
        ->check(CLI::IsMember({"text", "json"}));
  }
  // A span of time such as 90s or 36h.
  void add_seconds(CLI::App* sub, const char* flag, std::int64_t& seconds, const char* meaning) {
    sub->add_option_function<std::string>(
        flag,
        [&seconds, flag](const std::string& text) {
          auto parsed = parse_seconds(text);
          if (!parsed.ok()) throw CLI::ValidationError(flag, parsed.error().message);
          seconds = *parsed;
        },
        meaning);
  }
  // SITE=N, several times.
  static void add_workers(CLI::App* sub, std::uint32_t& workers) {
    sub->add_option("--workers", workers, "event loops of a gateway, each on a thread of its own")
        ->check(CLI::Range(1, 1024))
        ->capture_default_str();
  }
  void add_gateway_counts(CLI::App* sub) {
    sub->add_option_function<std::vector<std::string>>(
        "--gateways",
        [this](const std::vector<std::string>& all) {
          for (const auto& text : all) {
            const auto at = text.find('=');
            const std::string count = at == std::string::npos ? "" : text.substr(at + 1);
            if (at == 0 || count.size() != 1 || count[0] < '1' || count[0] > '0' + up_.limits.most_gateways) {
              throw CLI::ValidationError("--gateways", "\"" + text + "\" is not SITE=N with N from 1 to " +
                                                           std::to_string(up_.limits.most_gateways) +
                                                           ": write e.g. lyon=2");
            }
            up_.gateways[text.substr(0, at)] = count[0] - '0';
          }
        },
        "SITE=N: so many gateway processes there, sharing its port");
    add_workers(sub, up_.workers);
  }
  void add_up();
  void add_down();
  void add_control();
  void add_gateway();
  void add_agent();
  void add_apply();
  void add_get();
  void add_policy();
  void add_token();
  void add_key();
  void add_admin();
  void add_chat();
  void add_reports();
  void add_place(CLI::App* sub, std::string& what, std::string& name);
  void add_drain();
  void add_audit();
  const CLI::App* deepest() const;
  std::string explain(const CLI::ParseError& error) const;
  Command chosen();

  struct Choice {
    CLI::App* sub;
    std::function<Command()> make;
  };
  CLI::App app_;
  std::vector<Choice> choices_;
  up::UpOptions up_;
  up::LinkOptions link_;
  double link_delay_ = -1;
  double link_jitter_ = 0;
  bool link_cut_ = false;
  bool link_restore_ = false;
  up::RestartOptions restart_;
  up::DownOptions down_;
  control::ControlOptions control_;
  std::int64_t certificate_seconds_ = 0;
  gateway::GatewayOptions gateway_;
  agent::AgentOptions agent_;
  agent::ProbeOptions probe_;
  ApplyOptions apply_;
  GetOptions get_;
  PolicyTestOptions policy_test_;
  AuditExportOptions audit_export_;
  AuditVerifyOptions audit_verify_;
  PolicyDiffOptions policy_diff_;
  PolicyPreviewOptions policy_preview_;
  bool get_json_ = false;
  TokenOptions token_;
  KeyCreateOptions key_create_;
  KeyListOptions key_list_;
  KeyRevokeOptions key_revoke_;
  AdminOptions admin_create_{{}, AdminOptions::What::Create, {}, {}, false};
  AdminOptions admin_list_;
  AdminOptions admin_renew_{{}, AdminOptions::What::Renew, {}, {}, false};
  AdminOptions admin_revoke_{{}, AdminOptions::What::Revoke, {}, {}, false};
  ChatOptions chat_;
  UsageOptions usage_;
  StatusOptions status_;
  CordonOptions cordon_;
  CordonOptions uncordon_;
  DrainOptions drain_;
  VersionOptions version_;
};

void Reader::add_up() {
  CLI::App* sub = command(app_, "up", "start a grid on this machine and ask it something", up_);
  sub->add_option("--config", up_.config, "folder of YAML resources")->capture_default_str();
  add_state(sub, up_.state);
  sub->add_flag("--detach", up_.detach, "return when it is ready; aigrid down stops it");
  sub->add_flag("--json", up_.json, "one JSON object on standard output when it is ready");
  add_gateway_counts(sub);
  sub->add_flag("--no-chat", up_.no_chat, "do not make a first request");
  sub->add_flag("--supervised", up_.supervised, "")->group("");
  sub->add_option("--python", up_.python, "Python with the engines' packages")->envname("AIGRID_PYTHON");
  sub->add_option("--models", up_.models, "folder of model files")->envname("AIGRID_MODELS");
  sub->add_option("--engines", up_.engines, "folder of the engines' launchers")
      ->envname("AIGRID_ENGINES")
      ->capture_default_str();
  sub->require_subcommand(0, 1);

  CLI::App* link = command(*sub, "link", "work the relay between two sites, or a site and control", link_);
  link->add_option("a", link_.a, "a site")->required();
  link->add_option("b", link_.b, "another, or control")->required();
  add_state(link, link_.state);
  auto* delay =
      link->add_option("--delay-ms", link_delay_, "added in each direction; the round trip grows by twice that");
  link->add_option("--jitter-ms", link_jitter_, "each piece takes delay ± jitter")->needs(delay);
  auto* cut = link->add_flag("--cut", link_cut_, "end its connections, refuse new ones")->excludes(delay);
  link->add_flag("--restore", link_restore_, "as configured")->excludes(delay)->excludes(cut);

  CLI::App* restart = command(*sub, "restart", "start a process again that has died", restart_);
  restart->add_option("name", restart_.name, "control, gateway-SITE or agent-NODE")->required();
  add_state(restart, restart_.state);
}

void Reader::add_down() {
  CLI::App* sub = command(app_, "down", "stop the grid that aigrid up --detach started", down_);
  add_state(sub, down_.state);
}

void Reader::add_control() {
  CLI::App* sub = command(app_, "control", "run the control plane", control_);
  sub->add_option("--state", control_.state, "its own folder")->required();
  sub->add_option("--management", control_.management, "address of the management API")->required();
  sub->add_option("--management-certificate", control_.management_tls.certificate, "PEM file; needed off loopback");
  sub->add_option("--management-key", control_.management_tls.key, "PEM file of the certificate's key");
  sub->add_option("--inner", control_.inner, "address for gateways")->required();
  sub->add_option("--ops", control_.ops, "address of /livez, /readyz, /metrics");
  sub->add_option("--grid", control_.grid, "name of the grid")->capture_default_str();
  sub->add_option("--admin-key", control_.admin_key, "admin credential; made and kept where none is given")
      ->envname("AIGRID_ADMIN_KEY");
  add_seconds(sub, "--certificate-lifetime", certificate_seconds_, "of gateways' and agents' certificates (36h)");
}

void Reader::add_gateway() {
  CLI::App* sub = command(app_, "gateway", "run a gateway", gateway_);
  sub->add_option("--state", gateway_.state, "its own folder")->required();
  sub->add_option("--name", gateway_.name, "its name, unique in the grid")->required();
  sub->add_option("--control", gateway_.control, "control's inner address")->required();
  sub->add_option("--token", gateway_.token, "join token, for the first start")->envname("AIGRID_JOIN_TOKEN");
  add_workers(sub, gateway_.workers);
  sub->add_option("--public-address", gateway_.public_address, "address of the client API")->capture_default_str();
  sub->add_flag("--share-public-port", gateway_.share_public_port,
                "with the site's other gateways on this machine: whichever lives answers");
  sub->add_option("--inner", gateway_.inner, "address for agents and peers")->capture_default_str();
  sub->add_option("--ops", gateway_.ops, "address of /livez, /readyz, /metrics");
  sub->add_option("--public-certificate", gateway_.public_tls.certificate, "PEM file; needed off loopback");
  sub->add_option("--public-key", gateway_.public_tls.key, "PEM file of the certificate's key");
  sub->add_option("--advertise-public", gateway_.advertise_public, "what clients dial, if another");
  sub->add_option("--advertise-inner", gateway_.advertise_inner, "what peers dial, if another");
}

void Reader::add_agent() {
  CLI::App* sub = command(app_, "agent", "run a node's agent", agent_);
  sub->add_option("--state", agent_.state, "its own folder")->required();
  sub->add_option("--name", agent_.name, "name of the node")->required();
  sub->add_option("--gateway", agent_.gateway, "inner address of its site's gateway")->required();
  sub->add_option("--token", agent_.token, "join token, for the first start")->envname("AIGRID_JOIN_TOKEN");
  sub->add_option("--ops", agent_.ops, "address of /livez, /readyz, /metrics");
  sub->add_option("--python", agent_.python, "Python with the engines' packages")->envname("AIGRID_PYTHON");
  sub->add_option("--engines-folder", agent_.engines_folder, "folder of the engines' launchers")
      ->envname("AIGRID_ENGINES");
  sub->add_option("--models-folder", agent_.models_folder, "folder of model files")->envname("AIGRID_MODELS");
  sub->add_option("--engine-secret", agent_.engine_secret, "for engines it starts")->envname("AIGRID_ENGINE_SECRET");
  sub = command(app_, "probe", "what an agent would report of this machine: GPUs, power, memory, disk", probe_);
  sub->add_option("--disk", probe_.disk, "a path on the disk whose fill counts")->capture_default_str();
}

void Reader::add_apply() {
  CLI::App* sub = command(app_, "apply", "change the grid's resources to those of files", apply_);
  sub->add_option("-f,--file", apply_.files, "YAML files or folders")->required();
  sub->add_flag("--dry-run", apply_.dry_run, "check everything, write nothing");
  sub->add_option("--approve-with", apply_.approve_with, "a second admin's key, for what opens sites to an account")
      ->envname("AIGRID_APPROVAL_KEY");
  add_access(sub, apply_.access, &apply_.json);
}

void Reader::add_get() {
  CLI::App* sub = command(app_, "get", "show resources", get_);
  sub->add_option("kind", get_.kind, "sites, nodes, links, zones, …")->required();
  sub->add_option("name", get_.name, "one of them");
  sub->add_option("-o,--output", get_.output, "table, json or yaml")
      ->check(CLI::IsMember({"table", "json", "yaml"}))
      ->capture_default_str();
  sub->add_flag("--json", get_json_, "the same as -o json");
  add_access(sub, get_.access, nullptr);
}

void Reader::add_policy() {
  CLI::App* group = app_.add_subcommand("policy", "policies, before they are applied");
  group->require_subcommand(1);
  CLI::App* test = command(*group, "test", "check the examples that policies carry", policy_test_);
  test->add_option("files", policy_test_.files, "YAML files or folders, together")->required();
  add_json(test, policy_test_.json);
  CLI::App* diff = command(*group, "diff", "say which sites a change opens and closes, for whom", policy_diff_);
  diff->add_option("old", policy_diff_.before, "YAML file or folder")->required();
  diff->add_option("new", policy_diff_.after, "YAML file or folder")->required();
  add_json(diff, policy_diff_.json);
  CLI::App* preview =
      command(*group, "preview", "say which recorded requests a change would have refused or moved", policy_preview_);
  preview->add_option("-f,--file", policy_preview_.files, "YAML files or folders, as for apply")->required();
  add_seconds(preview, "--since", policy_preview_.seconds, "how far back (all that is recorded)");
  add_access(preview, policy_preview_.access, &policy_preview_.json);
}

void Reader::add_token() {
  CLI::App* group = app_.add_subcommand("token", "tokens with which gateways and agents join");
  group->require_subcommand(1);
  CLI::App* sub = command(*group, "create", "make a single-use join token; it is shown once", token_);
  sub->add_option("--role", token_.role, "gateway or agent")->required()->check(CLI::IsMember({"gateway", "agent"}));
  sub->add_option("--site", token_.site, "where it will stand")->required();
  sub->add_option("--name", token_.name, "of the gateway or node");
  add_seconds(sub, "--ttl", token_.seconds, "how long it can be used (1h)");
  add_access(sub, token_.access, &token_.json);
}

void Reader::add_admin() {
  CLI::App* group = app_.add_subcommand("admin", "people who may change the grid, each with a key of his own");
  group->require_subcommand(1);
  CLI::App* create = command(*group, "create", "make a named admin's key; it is shown once", admin_create_);
  create->add_option("name", admin_create_.name, "whose it is; stands at every change he makes")->required();
  create->add_option("--approve-with", admin_create_.approve_with, "a second admin's key; only the first needs none")
      ->envname("AIGRID_APPROVAL_KEY");
  add_access(create, admin_create_.access, &admin_create_.json);
  CLI::App* list = command(*group, "list", "show the admins", admin_list_);
  add_access(list, admin_list_.access, &admin_list_.json);
  CLI::App* renew = command(*group, "renew", "another key for yourself; nobody else has seen it", admin_renew_);
  add_access(renew, admin_renew_.access, &admin_renew_.json);
  CLI::App* revoke = command(*group, "revoke", "end an admin's key at once", admin_revoke_);
  revoke->add_option("name", admin_revoke_.name, "as in admin list")->required();
  add_access(revoke, admin_revoke_.access, &admin_revoke_.json);
}

void Reader::add_key() {
  CLI::App* group = app_.add_subcommand("key", "keys with which tenants ask");
  group->require_subcommand(1);
  CLI::App* create = command(*group, "create", "make a key; it is shown once", key_create_);
  create->add_option("--tenant", key_create_.tenant, "whose key it is")->required();
  create->add_option("--project", key_create_.project, "what it counts for");
  create->add_option("--zone", key_create_.zone, "narrows where its requests may run");
  create->add_option("--model", key_create_.models, "which models it may ask for; none: all");
  add_seconds(create, "--ttl", key_create_.seconds, "how long it is valid (for ever)");
  add_access(create, key_create_.access, &key_create_.json);
  CLI::App* list = command(*group, "list", "show the keys, without their secrets", key_list_);
  add_access(list, key_list_.access, &key_list_.json);
  CLI::App* revoke = command(*group, "revoke", "end a key at once", key_revoke_);
  revoke->add_option("kid", key_revoke_.kid, "its id, as in key list")->required();
  add_access(revoke, key_revoke_.access, &key_revoke_.json);
}

void Reader::add_chat() {
  CLI::App* sub = command(app_, "chat", "ask a model something", chat_);
  sub->add_option("message", chat_.message, "what you say to it")->required();
  sub->add_option("--model", chat_.model, "which model");
  sub->add_option("--zone", chat_.zone, "where it may run");
  sub->add_option("--key", chat_.key, "an API key")->envname("AIGRID_API_KEY");
  sub->add_option("--gateway", chat_.gateway, "which gateway to ask")->envname("AIGRID_GATEWAY");
  sub->add_option("--max-tokens", chat_.max_tokens, "longest answer")->check(CLI::PositiveNumber);
  sub->add_option("--temperature", chat_.temperature, "0: always the likeliest word")->check(CLI::Range(0.0, 2.0));
  add_access(sub, chat_.access, &chat_.json);
}

void Reader::add_place(CLI::App* sub, std::string& what, std::string& name) {
  sub->add_option("what", what, "site or node")->required()->check(CLI::IsMember({"site", "node"}));
  sub->add_option("name", name, "which one")->required();
}

void Reader::add_drain() {
  CLI::App* cordon = command(app_, "cordon", "give a site or node no new work", cordon_);
  add_place(cordon, cordon_.what, cordon_.name);
  add_access(cordon, cordon_.access, nullptr);
  uncordon_.closed = false;
  CLI::App* uncordon = command(app_, "uncordon", "let a site or node take work again", uncordon_);
  add_place(uncordon, uncordon_.what, uncordon_.name);
  add_access(uncordon, uncordon_.access, nullptr);
  CLI::App* drain = command(app_, "drain", "empty a site or node: running streams move, nothing new comes", drain_);
  add_place(drain, drain_.what, drain_.name);
  auto* forecast = drain->add_flag("--forecast", drain_.forecast, "only say what would move, and where to");
  drain->add_flag("--abort", drain_.abort, "end a drain: what runs there stays")->excludes(forecast);
  drain->add_flag("--force", drain_.force, "also where there is not room for all");
  add_seconds(drain, "--within", drain_.seconds, "how long to watch it (10m)");
  add_access(drain, drain_.access, &drain_.json);
}

void Reader::add_audit() {
  CLI::App* group = app_.add_subcommand("audit", "the audit logs: what was decided, where it ran, and the proof");
  group->require_subcommand(1);
  CLI::App* fetch = command(*group, "export", "write every log of the grid to a new folder", audit_export_);
  fetch->add_option("folder", audit_export_.folder, "to be made")->required();
  fetch->add_flag("--https", audit_export_.https, "the gateways' client API is behind TLS");
  add_access(fetch, audit_export_.access, nullptr);
  CLI::App* verify =
      command(*group, "verify", "judge an export, or one proof; needs no grid and no network", audit_verify_);
  verify->add_option("path", audit_verify_.path, "folder of an export, or file of a proof")->required();
  verify->add_option("--key", audit_verify_.keys, "verifier key that you trust, or file of them; several times");
  verify->add_option("--checkpoint", audit_verify_.checkpoints, "file with a checkpoint you kept; several times");
  verify->add_option("--request", audit_verify_.request, "of a proof: file with the body that was sent");
  verify->add_option("--answer", audit_verify_.answer, "of a proof: file with the answer up to its grid object");
  add_json(verify, audit_verify_.json);
}

void Reader::add_reports() {
  CLI::App* usage = command(app_, "usage", "requests, tokens and money, by tenant or by what you ask", usage_);
  usage->add_option("--by", usage_.by, "tenant, project, key, model, endpoint, site, day; several with commas")
      ->delimiter(',');
  usage->add_option("--from", usage_.from, "a day such as 2026-11-22 or an instant such as 2026-11-22T10:30Z, UTC");
  usage->add_option("--to", usage_.to, "up to, not included");
  usage->add_flag("--settlement", usage_.settlement, "what operators owe each other");
  add_access(usage, usage_.access, &usage_.json);
  CLI::App* status = command(app_, "status", "sites, nodes, engines, queues, links", status_);
  add_access(status, status_.access, &status_.json);
  CLI::App* version = command(app_, "version", "which aigrid this is", version_);
  add_json(version, version_.json);
}

const CLI::App* Reader::deepest() const {
  const CLI::App* at = &app_;
  for (auto subs = at->get_subcommands(); !subs.empty(); subs = at->get_subcommands()) at = subs.back();
  return at;
}

// CLI11's sentence, with what was nearest to the word it did not know.
std::string Reader::explain(const CLI::ParseError& error) const {
  const CLI::App* at = deepest();
  const std::string name = at == &app_ ? "aigrid"
                           : at->get_parent() == &app_
                               ? "aigrid " + at->get_name()
                               : "aigrid " + at->get_parent()->get_name() + " " + at->get_name();
  std::string text = "error: ";
  const auto extra = app_.remaining(true);
  std::vector<std::string> known;
  const bool flag = !extra.empty() && extra.front().starts_with("-");
  if (flag) {
    for (const auto* option : at->get_options()) {
      for (const auto& longer : option->get_lnames()) known.push_back("--" + longer);
    }
  } else {
    for (const auto* sub : at->get_subcommands([](const CLI::App*) { return true; })) known.push_back(sub->get_name());
  }
  if (extra.empty() || (!flag && known.empty())) {
    text += error.what();
  } else {
    const std::string word = extra.front().substr(0, extra.front().find('='));
    text += name + " does not know " + (flag ? "the option \"" : "\"") + word + "\"";
    const std::string near = nearest_name(word, known);
    if (!near.empty()) text += "; did you mean " + near + "?";
  }
  return text + "\n" + name + " --help shows what it takes";
}

Command Reader::chosen() {
  if (link_delay_ >= 0) {
    link_.command = CLI::detail::to_string(link_delay_);
    link_.command = "delay " + link_.command + " jitter " + CLI::detail::to_string(link_jitter_);
  } else {
    link_.command = link_cut_ ? "cut" : link_restore_ ? "restore" : "show";
  }
  if (get_json_) get_.output = "json";
  if (certificate_seconds_ > 0) control_.certificate_lifetime = std::chrono::seconds(certificate_seconds_);
  const CLI::App* at = deepest();
  for (const auto& choice : choices_) {
    if (choice.sub == at) return choice.make();
  }
  return Said{2, "error: no command given\naigrid --help lists them"};
}

Command Reader::read(std::vector<std::string> arguments) {
  std::reverse(arguments.begin(), arguments.end());  // as CLI11 takes them
  try {
    app_.parse(std::move(arguments));
  } catch (const CLI::CallForAllHelp&) {
    return Said{0, app_.help("", CLI::AppFormatMode::All)};
  } catch (const CLI::CallForHelp&) {
    return Said{0, deepest()->help()};
  } catch (const CLI::ParseError& error) {
    return Said{2, explain(error)};
  }
  return chosen();
}

}  // namespace

Result<std::int64_t> parse_seconds(const std::string& text) {
  std::int64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string unit(parsed.ptr, text.data() + text.size());
  constexpr std::int64_t kMost = 100LL * 366 * 24 * 3600;
  const std::int64_t factor = unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3600 : unit == "d" ? 24 * 3600 : 0;
  if (parsed.ec != std::errc{} || factor == 0 || number < 1 || number > kMost / factor) {
    return invalid("\"" + text + "\" is not a span of time: write 90s, 15m, 36h or 7d");
  }
  return number * factor;
}

Command read_command_line(std::vector<std::string> arguments) {
  auto reader = std::make_unique<Reader>();
  return reader->read(std::move(arguments));
}

}  // namespace aigrid::cli
