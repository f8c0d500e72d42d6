// Env: the only door to clock, randomness, network, files, processes and threads. EpollEnv is real; VirtualEnv is one
// host of a seeded world where time, network, files and processes are simulated. Code cannot ask which it has.
// Thread contract: everything here belongs to one worker (one thread, one loop), except Mailbox::post.
// Lifetime: an Env outlives every Stream, Listener, Process, Timer and task made from it.
// Errors: Unavailable for a refused, reset or unreachable peer; DeadlineExceeded; ResourceExhausted (a full disk, no
// file descriptors); NotFound, PermissionDenied, AlreadyExists (address taken) as the words say.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "io/env/task.h"

namespace aigrid::io {

class Tls;   // io/tls/tls.h
class Keys;  // io/pki/keys.h

// "127.0.0.1:8080", "[::1]:8080" or "unix:/path". Port 0 means: any free one. Names are not resolved: no DNS needed.
using Address = std::string;

// Who is at the other end. Set by TLS; empty on a plain stream.
struct Peer {
  Address address;
  std::string identity;  // spiffe://… as certified, or empty
  std::string alpn;
  std::string binding_key;  // 32 bytes shared by both ends of this TLS connection only (RFC 9266 exporter), or empty
};

// Woken at least once after the condition may hold; spurious wake-ups are legal.
class Waiter {
 public:
  virtual void wake() noexcept = 0;

 protected:
  ~Waiter() = default;
};

// A reliable ordered byte stream. The non-blocking quartet is what implementations provide; coroutines use read() and
// write() below. At most one waiter per direction. Destruction closes (pending bytes are sent if the OS still can).
class Stream {
 public:
  virtual ~Stream() = default;
  // Bytes read (>= 1), 0 at end of stream, or Error (WouldBlock: nothing there yet).
  virtual Result<std::size_t> try_read(std::span<char> into) = 0;
  // Bytes taken (>= 1, perhaps fewer than given), or Error (WouldBlock: full).
  virtual Result<std::size_t> try_write(std::span<const std::string_view> pieces) = 0;
  virtual void on_readable(Waiter* waiter) = 0;  // nullptr to forget
  virtual void on_writable(Waiter* waiter) = 0;
  virtual void shutdown_write() = 0;  // half close, after what was written
  // Fails what is pending and everything later with Cancelled; wakes waiters. Idempotent.
  virtual void close() = 0;
  virtual const Peer& peer() const = 0;
  // The fd to hand to another worker, or -1 where there is none (TLS, virtual).
  virtual int release_fd() { return -1; }
};

// Awaits at least one byte (0 = end of stream).
class ReadAwaiter final : Waiter, Ready {
 public:
  ReadAwaiter(Executor& ex, Stream& s, std::span<char> into) : executor_(ex), stream_(s), into_(into) {}
  ~ReadAwaiter() {
    if (self_) stream_.on_readable(nullptr);
  }
  bool await_ready() { return attempt(); }
  void await_suspend(std::coroutine_handle<> h) {
    self_ = h;
    stream_.on_readable(this);
  }
  Result<std::size_t> await_resume() {
    if (self_) stream_.on_readable(nullptr);
    self_ = {};
    return std::move(result_);
  }

 private:
  bool attempt() {
    result_ = stream_.try_read(into_);
    return result_.ok() || result_.error().code != Code::WouldBlock;
  }
  void wake() noexcept override {
    if (!scheduled()) executor_.schedule(*this);
  }
  void run() noexcept override {
    if (attempt()) {
      self_.resume();
    } else {
      stream_.on_readable(this);
    }
  }
  Executor& executor_;
  Stream& stream_;
  std::span<char> into_;
  Result<std::size_t> result_{std::size_t{0}};
  std::coroutine_handle<> self_;
};

class Listener {
 public:
  virtual ~Listener() = default;
  virtual Task<Result<std::unique_ptr<Stream>>> accept() = 0;
  virtual const Address& address() const = 0;  // with the real port
  virtual void close() = 0;
};

struct ListenOptions {
  bool share_port = false;  // several workers or processes accept on it (SO_REUSEPORT)
  int backlog = 1024;
};

// One-shot timer; destruction cancels. `fire` runs on the worker, never inside arm().
class Timer {
 public:
  virtual ~Timer() = default;
  virtual void arm(Time at) = 0;  // replaces an earlier time
  virtual void cancel() = 0;
};

struct Stat {
  std::uint64_t size = 0;
  bool directory = false;
};

// Synchronous: small reads and appends land in the page cache. sync() is the slow part and awaits.
class File {
 public:
  virtual ~File() = default;
  virtual Result<std::size_t> read_at(std::uint64_t offset, std::span<char> into) = 0;  // fewer at the end
  virtual Result<void> write_at(std::uint64_t offset, std::string_view bytes) = 0;      // all or error
  virtual Result<void> append(std::string_view bytes) = 0;
  virtual Result<void> truncate(std::uint64_t size) = 0;
  virtual Result<std::uint64_t> size() = 0;
  virtual Task<Result<void>> sync() = 0;  // durable when it returns
  virtual Result<void> sync_now() = 0;    // the same, blocking; for start-up and databases on their own thread
};

enum class OpenMode : std::uint8_t { Read, ReadWrite, Create, CreateNew };

// Paths are absolute or relative to the process's working directory.
class Files {
 public:
  virtual ~Files() = default;
  virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
  virtual Result<std::string> read_all(const std::string& path) = 0;
  // Temp file, fsync, rename, fsync of the folder: after a crash either the old or the new whole.
  virtual Result<void> replace(const std::string& path, std::string_view bytes, unsigned mode = 0600) = 0;
  virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  virtual Result<void> remove(const std::string& path) = 0;  // file or empty folder
  virtual Result<void> make_folders(const std::string& path, unsigned mode = 0700) = 0;
  virtual Result<std::vector<std::string>> list(const std::string& folder) = 0;  // names, sorted
  virtual Result<Stat> stat(const std::string& path) = 0;
  virtual Result<std::uint64_t> free_bytes(const std::string& path) = 0;   // for us, on the disk of `path`
  virtual Result<std::uint64_t> total_bytes(const std::string& path) = 0;  // free and used by whomever
};

// What one GPU says of itself. Absent: no reading, never zero.
struct GpuReading {
  std::string name;
  std::optional<double> power_w;
  std::optional<double> temperature_c;
  std::optional<double> busy;  // 0..1
  std::optional<std::uint64_t> memory_used_bytes;
  std::optional<std::uint64_t> memory_total_bytes;
};

struct ProcessSpec {
  std::vector<std::string> argv;                         // argv[0] is looked up on PATH when it has no slash
  std::vector<std::pair<std::string, std::string>> env;  // added to our own
  std::string folder;                                    // working directory; empty: ours
  std::string output_file;                               // stdout and stderr appended here; empty: ours
  bool dies_with_parent = true;                          // PDEATHSIG
  bool new_session = false;                              // without our terminal, so that closing it ends nothing
};

struct ExitStatus {
  int code = 0;    // exit code, or
  int signal = 0;  // the signal that ended it
};

class Process {
 public:
  virtual ~Process() = default;  // kills (SIGKILL) and reaps if still running
  virtual int pid() const = 0;
  virtual Task<ExitStatus> wait() = 0;  // one waiter
  virtual void signal(int number) = 0;
};

// Thread-safe door into another worker: runs `fn` on its loop. After that worker stopped, posts are dropped.
class Mailbox {
 public:
  virtual ~Mailbox() = default;
  virtual void post(std::function<void()> fn) = 0;
};

class Env : public Clock {
 public:
  virtual Executor& executor() = 0;
  virtual void entropy(std::span<char> into) = 0;  // cryptographic in real life, seeded in the virtual world
  virtual Task<Result<std::unique_ptr<Stream>>> dial(Address to, Duration within) = 0;
  virtual Result<std::unique_ptr<Listener>> listen(const Address& at, const ListenOptions& options) = 0;
  virtual std::unique_ptr<Timer> timer(std::function<void()> fire) = 0;
  virtual Files& files() = 0;
  virtual Result<std::unique_ptr<Process>> start(const ProcessSpec& spec) = 0;
  virtual Tls& tls() = 0;
  virtual Keys& keys() = 0;
  virtual Log& log() = 0;
  virtual std::shared_ptr<Mailbox> mailbox() = 0;
  // Runs `fn` where it may block (a thread of its own in real life; inline in the virtual world).
  virtual Task<void> blocking(std::function<void()> fn) = 0;
  // The GPUs of this machine, in their driver's order; empty: none, or no driver library to ask.
  virtual Task<std::vector<GpuReading>> gpus() = 0;
  // Set once when the process is asked to end (SIGTERM, SIGINT; the virtual world's stop()).
  virtual Event& stop_requested() = 0;
  virtual int pid() const = 0;
  // Adds a worker with an Env of its own; `body` runs on it until it returns or the process stops.
  virtual void add_worker(std::function<Task<void>(Env&)> body) = 0;
  // An environment variable, or empty.
  virtual std::string variable(const char* name) const = 0;

  Task<void> sleep_until(Time at);
  Task<void> sleep_for(Duration d) { return sleep_until(now() + d); }
};

// Reads some bytes; 0 = end.
inline ReadAwaiter read_some(Env& env, Stream& s, std::span<char> into) { return ReadAwaiter(env.executor(), s, into); }
// Writes all pieces.
Task<Result<void>> write_all(Env& env, Stream& s, std::vector<std::string_view> pieces);
Task<Result<void>> write_all(Env& env, Stream& s, std::string_view bytes);

}  // namespace aigrid::io
