#include "io/env/virtual_world.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "io/env/virtual_env.h"

namespace aigrid::io {

class VirtualWorld::State {
 public:
  State(std::uint64_t seed, WorldOptions options) : site(seed, std::move(options)) {}
  ~State() {
    // Children come after their parents; frames go before what they use.
    for (auto i = site.instances.rbegin(); i != site.instances.rend(); ++i) {
      (*i)->end({0, SIGKILL});
      (*i)->bury();
    }
  }

  VirtualHost& host(const std::string& name) {
    const auto found = hosts.find(name);
    if (found == hosts.end()) {
      std::fprintf(stderr, "virtual world: no host \"%s\"\n", name.c_str());
      std::abort();
    }
    return *found->second;
  }
  VirtualEnv& begin_life(VirtualHost& host) {
    host.instance = site.instances.emplace_back(std::make_unique<VirtualInstance>(site, host, ProcessSpec{})).get();
    return host.instance->main();
  }
  void settle(VirtualInstance& instance) {
    if (!site.core.running) instance.bury();
  }
  // One step of the world; false when nothing is left to do until `deadline`.
  bool step(Time deadline);

  std::map<std::string, std::unique_ptr<VirtualHost>> hosts;  // before site: instances refer to them
  VirtualSite site;
  std::uint64_t steps = 0;
  std::uint64_t steps_now = 0;
};

bool VirtualWorld::State::step(Time deadline) {
  VirtualCore& core = site.core;
  const Time next = core.timers.next();
  if (core.executor.idle()) {
    if (next == kNever || next > deadline) return false;
    if (next > core.now) {
      core.now = next;
      steps_now = 0;
    }
    core.timers.run_due(core.now);
  } else {
    core.executor.run_one();
  }
  ++steps;
  if (++steps_now > core.options.most_steps_per_instant) {
    std::fprintf(stderr, "virtual world: %llu steps and the clock stands still: something wakes itself for ever\n",
                 static_cast<unsigned long long>(steps_now));
    std::abort();
  }
  return true;
}

VirtualWorld::VirtualWorld(std::uint64_t seed, WorldOptions options)
    : state_(std::make_unique<State>(seed, std::move(options))) {}
VirtualWorld::~VirtualWorld() = default;

Env& VirtualWorld::add_host(const std::string& name, const std::string& site) {
  if (state_->hosts.contains(name)) {
    std::fprintf(stderr, "virtual world: host \"%s\" is there already\n", name.c_str());
    std::abort();
  }
  const std::size_t index = state_->hosts.size() + 1;
  const std::string ip = "10.0." + std::to_string(index / 250) + "." + std::to_string(index % 250 + 1);
  Place place{name, site.empty() ? name.substr(0, name.find('/')) : site, ip};
  auto& host = *(state_->hosts[name] = std::make_unique<VirtualHost>(state_->site.core, std::move(place)));
  return state_->begin_life(host);
}

Env& VirtualWorld::env(const std::string& host) { return state_->host(host).instance->main(); }
bool VirtualWorld::alive(const std::string& host) const { return state_->host(host).instance->alive; }

void VirtualWorld::spawn(const std::string& host, std::function<Task<void>(Env&)> body) {
  state_->host(host).instance->spawn(std::move(body));
}

void VirtualWorld::register_program(const std::string& name, Program program) {
  state_->site.programs[name] = std::move(program);
}

void VirtualWorld::set_variable(const std::string& host, const std::string& name, const std::string& value) {
  state_->host(host).variables[name] = value;
}

void VirtualWorld::set_link(const std::string& a, const std::string& b, const Link& link) {
  state_->site.network.set_link(a, b, link);
}
void VirtualWorld::cut(const std::string& a, const std::string& b, const Cut& how) {
  state_->site.network.cut(a, b, how);
}
void VirtualWorld::restore(const std::string& a, const std::string& b) { state_->site.network.restore(a, b); }

void VirtualWorld::kill(const std::string& name, bool power_loss) {
  VirtualHost& host = state_->host(name);
  state_->site.core.record(power_loss ? "power_loss" : "kill", name);
  host.instance->end({0, SIGKILL});
  if (power_loss) host.disk.lose_power();
  state_->settle(*host.instance);
}

Env& VirtualWorld::restart(const std::string& name) {
  VirtualHost& host = state_->host(name);
  if (host.instance->alive) kill(name);
  state_->site.core.record("restart", name);
  return state_->begin_life(host);
}

void VirtualWorld::stop(const std::string& name) {
  state_->site.core.record("stop", name);
  state_->host(name).instance->request_stop();
}

void VirtualWorld::step_clock(const std::string& host, Duration by) { state_->host(host).clock_step += by; }
void VirtualWorld::set_free_bytes(const std::string& host, std::uint64_t bytes) {
  state_->host(host).disk.set_free(bytes);
}
void VirtualWorld::set_gpus(const std::string& host, std::vector<GpuReading> gpus) {
  state_->host(host).gpus = std::move(gpus);
}
void VirtualWorld::fail_next_sync(const std::string& host, int times) { state_->host(host).disk.fail_next_sync(times); }

Time VirtualWorld::now() const { return state_->site.core.now; }

bool VirtualWorld::run_until(const std::function<bool()>& done, Time deadline) {
  VirtualCore& core = state_->site.core;
  core.running = true;
  bool right = done();
  while (!right && state_->step(deadline)) right = done();
  core.running = false;
  if (!right && deadline != kNever && deadline > core.now) core.now = deadline;
  return right;
}

void VirtualWorld::run_until(Time at) {
  run_until([] { return false; }, at);
}

const std::string& VirtualWorld::event_log() const { return state_->site.core.log.text(); }
const std::string& VirtualWorld::log_of(const std::string& host) const { return state_->host(host).log; }
std::uint64_t VirtualWorld::steps() const { return state_->steps; }

}  // namespace aigrid::io
