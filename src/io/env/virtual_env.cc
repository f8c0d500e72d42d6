#include "io/env/virtual_env.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace aigrid::io {
namespace {

// 2026-01-01T00:00:00Z: when every world begins.
constexpr WallTime kEpoch{Duration(1'767'225'600'000'000'000)};
constexpr Time kStart{Duration(1000s)};

// FNV-1a, so that a host's entropy hangs on its name and not on when it was added.
std::uint64_t hash(std::string_view text) {
  std::uint64_t h = 0xcbf29ce484222325ULL;
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return h;
}

template <class T>
T& made_once(std::shared_ptr<T>& slot, const std::function<std::shared_ptr<T>(Env&)>& make, Env& env,
             const char* what) {
  if (!slot && make) slot = make(env);
  if (!slot) {
    std::fprintf(stderr, "virtual world: a program uses %s, but WorldOptions gives none\n", what);
    std::abort();
  }
  return *slot;
}

}  // namespace

VirtualEnv::VirtualEnv(VirtualInstance& instance, int worker)
    : instance_(instance),
      core_(instance.site.core),
      random_(core_.seed ^ hash(instance.host.place.name) ^
              (static_cast<std::uint64_t>(instance.pid) << 32U | static_cast<std::uint64_t>(worker))),
      files_(*this, instance.host.disk, instance.folder),
      log_(
          *this, [&instance](std::string_view line) { instance.write_log(line); }, core_.options.log_level),
      mailbox_(std::make_shared<VirtualMailbox>(core_.executor)),
      stop_requested_(core_.executor) {}

WallTime VirtualEnv::wall() const { return kEpoch + (core_.now - kStart) + instance_.host.clock_step; }

void VirtualEnv::entropy(std::span<char> into) {
  while (!into.empty()) {
    const std::uint64_t word = random_.next();
    const std::size_t part = std::min(into.size(), sizeof(word));
    std::memcpy(into.data(), &word, part);
    into = into.subspan(part);
  }
}

Task<Result<std::unique_ptr<Stream>>> VirtualEnv::dial(Address to, Duration within) {
  return instance_.site.network.dial(*this, caller(), std::move(to), within);
}

Result<std::unique_ptr<Listener>> VirtualEnv::listen(const Address& at, const ListenOptions& options) {
  return instance_.site.network.listen(*this, caller(), at, options);
}

Tls& VirtualEnv::tls() { return made_once(tls_, core_.options.tls, *this, "TLS"); }
Keys& VirtualEnv::keys() { return made_once(keys_, core_.options.keys, *this, "keys"); }

Task<void> VirtualEnv::blocking(std::function<void()> fn) {
  fn();
  co_return;
}

Task<std::vector<GpuReading>> VirtualEnv::gpus() { co_return instance_.host.gpus; }

std::string VirtualEnv::variable(const char* name) const {
  for (const auto* variables : {&instance_.variables, &instance_.host.variables}) {
    if (const auto found = variables->find(name); found != variables->end()) return found->second;
  }
  return {};
}

}  // namespace aigrid::io
