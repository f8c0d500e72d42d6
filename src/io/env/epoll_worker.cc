#include "io/env/epoll_worker.h"

#include <sys/random.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "io/env/child_process.h"
#include "io/env/socket_listener.h"
#include "io/env/socket_stream.h"

namespace aigrid::io {
namespace {

template <class T>
T& made_once(std::shared_ptr<T>& slot, const std::function<std::shared_ptr<T>(Env&)>& make, Env& env,
             const char* what) {
  if (!slot && make) slot = make(env);
  if (!slot) {
    std::fprintf(stderr, "aigrid: this program uses %s but was started without\n", what);
    std::abort();
  }
  return *slot;
}

}  // namespace

EpollWorker::EpollWorker(Crew& crew, std::shared_ptr<PostBox> box)
    : crew_(crew),
      box_(std::move(box)),
      log_(*this, crew.options().log_sink, crew.options().log_level),
      stop_requested_(reactor_.executor()) {
  box_->attach(reactor_);
}

EpollWorker::~EpollWorker() { box_->close(reactor_); }

WallTime EpollWorker::wall() const {
  timespec t{};
  ::clock_gettime(CLOCK_REALTIME, &t);
  return WallTime(Duration(std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec));
}

void EpollWorker::entropy(std::span<char> into) {
  while (!into.empty()) {
    const ssize_t got = ::getrandom(into.data(), into.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      std::perror("getrandom");
      std::abort();  // nothing here is safe without it
    }
    into = into.subspan(static_cast<std::size_t>(got));
  }
}

Task<Result<std::unique_ptr<Stream>>> EpollWorker::dial(Address to, Duration within) {
  return dial_socket(*this, reactor_, std::move(to), within);
}

Result<std::unique_ptr<Listener>> EpollWorker::listen(const Address& at, const ListenOptions& options) {
  return listen_socket(*this, reactor_, at, options);
}

std::unique_ptr<Timer> EpollWorker::timer(std::function<void()> fire) {
  return std::make_unique<QueueTimer>(reactor_.timers(), std::move(fire));
}

Result<std::unique_ptr<Process>> EpollWorker::start(const ProcessSpec& spec) { return start_process(reactor_, spec); }

Tls& EpollWorker::tls() { return made_once(tls_, crew_.options().tls, *this, "TLS"); }
Keys& EpollWorker::keys() { return made_once(keys_, crew_.options().keys, *this, "keys"); }

Task<void> EpollWorker::blocking(std::function<void()> fn) { return crew_.pool().run(executor(), box_, std::move(fn)); }

Task<std::vector<GpuReading>> EpollWorker::gpus() {
  // Shared: the work goes on when its asker is gone.
  const auto found = std::make_shared<std::vector<GpuReading>>();
  const auto read = [nvml = nvml_, found] { *found = nvml->read(); };
  co_await blocking(read);
  co_return std::move(*found);
}

int EpollWorker::pid() const { return ::getpid(); }

std::string EpollWorker::variable(const char* name) const {
  const char* value = std::getenv(name);
  return value ? value : "";
}

void EpollWorker::run(const std::function<void(TaskGroup&, bool& done)>& begin,
                      const std::function<void()>& before_teardown) {
  TaskGroup root(executor());
  begin(root, done_);
  while (!done_) reactor_.turn(done_);
  before_teardown();
}

Crew::Crew(EpollOptions options) : options_(std::move(options)), pool_(options_.blocking_threads) {
  if (!options_.log_sink) options_.log_sink = standard_error_sink();
}

namespace {

Task<void> run_worker(Env& env, std::function<Task<void>(Env&)> body, bool& done) {
  co_await body(env);
  done = true;
}

}  // namespace

void Crew::work(Member& member, const std::function<Task<void>(Env&)>& body) {
  EpollWorker worker(*this, member.box);
  member.worker = &worker;
  worker.run([&](TaskGroup& root, bool& done) { root.spawn(run_worker(worker, body, done)); }, [] {});
}

void Crew::hire(std::function<Task<void>(Env&)> body) {
  const std::lock_guard lock(mutex_);
  if (ending_) return;
  Member& member = *members_.emplace_back(std::make_unique<Member>());
  if (stopping_) member.box->post([&member] { member.worker->stop_requested().set(); });
  member.thread = std::thread([this, &member, body = std::move(body)] { work(member, body); });
}

void Crew::request_stop() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  for (auto& member : members_) {
    member->box->post([m = member.get()] { m->worker->stop_requested().set(); });
  }
}

void Crew::end() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  for (auto& member : members_) {
    member->box->post([m = member.get()] { m->worker->finish(); });
  }
  for (auto& member : members_) member->thread.join();
}

}  // namespace aigrid::io
