// VirtualWorld: many simulated hosts in one thread, on one virtual clock that jumps to the next event when all are
// idle. Network, files and processes live in memory; faults are asked for by name. The same seed and the same calls
// give the same run, byte for byte (event_log). Hosts are named like "paris/gateway"; the part before '/' is the site
// unless given. Faults may be asked for from outside or from a task inside: then a killed task's frames go at its next
// suspension. Lifetime: the world outlives everything made from its Envs; an Env of a killed host stays valid, but
// nothing happens.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "io/env/env.h"

namespace aigrid::io {

struct Link {
  Duration delay = 100us;  // one way
  Duration jitter{0};      // added to delay, uniform in [0, jitter); bytes stay in order
};

struct Cut {
  // When connections across the cut are reset. Until then their bytes wait; restore() delivers them. kNeverReset:
  // never.
  Duration reset_after{0};
  // New dials: refused at once, or silent until the dialler gives up.
  bool dials_time_out = false;
};
inline constexpr Duration kNeverReset = Duration::max();

struct WorldOptions {
  std::size_t window = 262144;  // bytes a connection takes per direction before its reader must read
  Duration sync_takes = 200us;  // File::sync
  bool keep_event_log = true;
  Level log_level = Level::Note;
  std::uint64_t most_steps_per_instant = 20'000'000;  // more is a livelock: abort with a message
  std::function<std::shared_ptr<Tls>(Env&)> tls;      // asked once per Env, at the first env.tls()
  std::function<std::shared_ptr<Keys>(Env&)> keys;
};

// What Env::start runs when the last path component of argv[0] is its registered name.
using Program = std::function<Task<int>(Env&, ProcessSpec)>;

class VirtualWorld {
 public:
  explicit VirtualWorld(std::uint64_t seed, WorldOptions options = {});
  ~VirtualWorld();
  VirtualWorld(const VirtualWorld&) = delete;
  VirtualWorld& operator=(const VirtualWorld&) = delete;

  Env& add_host(const std::string& name, const std::string& site = {});
  Env& env(const std::string& host);  // of its present life
  bool alive(const std::string& host) const;
  // Runs `body` as a task of the host; it dies with the host.
  void spawn(const std::string& host, std::function<Task<void>(Env&)> body);
  void register_program(const std::string& name, Program program);
  void set_variable(const std::string& host, const std::string& name, const std::string& value);

  // Names of sites. Default: Link{} everywhere.
  void set_link(const std::string& a, const std::string& b, const Link& link);
  // Names of hosts or sites; "*" is everybody else.
  void cut(const std::string& a, const std::string& b, const Cut& cut = {});
  void restore(const std::string& a, const std::string& b);

  // The process dies at once: tasks destroyed, sockets reset, child processes killed. Files stay. With a power loss,
  // what was not synced is gone too, except a random part of an appended tail.
  void kill(const std::string& host, bool power_loss = false);
  Env& restart(const std::string& host);                  // kills it first if it lives; the same files
  void stop(const std::string& host);                     // sets stop_requested
  void step_clock(const std::string& host, Duration by);  // wall clock only
  void set_free_bytes(const std::string& host, std::uint64_t bytes);
  void set_gpus(const std::string& host, std::vector<GpuReading> gpus);
  void fail_next_sync(const std::string& host, int times = 1);

  Time now() const;
  // Until `done` holds (true), or the deadline passes or nothing can happen any more (false; the clock is then there).
  bool run_until(const std::function<bool()>& done, Time deadline);
  bool run_until(const std::function<bool()>& done, Duration within) { return run_until(done, now() + within); }
  void run_until(Time at);
  void run_for(Duration d) { run_until(now() + d); }

  // One line per dial, accept, delivery, close, reset, fault and process, with its nanosecond.
  const std::string& event_log() const;
  // The JSON log lines of all lives of a host.
  const std::string& log_of(const std::string& host) const;
  std::uint64_t steps() const;  // tasks resumed and events delivered so far

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace aigrid::io
