// VirtualConnection: two ends and, between them, bytes in flight: in order, delayed by the link, held by a cut, bounded
// by the window until the reader takes them. It frees itself when both streams are gone and nothing is under way.
#pragma once

#include <deque>
#include <memory>
#include <string>

#include "io/env/virtual_core.h"

namespace aigrid::io {

class VirtualNetwork;
class VirtualConnection;

// One end, and the pipe out of it.
class VirtualEnd final : Timed {
 public:
  VirtualEnd(VirtualConnection& connection, VirtualCore& core, int number);

  Result<std::size_t> read(std::span<char> into);
  Result<std::size_t> write(std::span<const std::string_view> pieces);
  void on_readable(Waiter* waiter);
  void on_writable(Waiter* waiter);
  void finish();   // end of stream after what was written
  void close();    // by the program
  void abandon();  // the stream object is gone
  void abort();    // the process is gone: a reset after what is in flight
  void fail();     // reset here and now
  // Starts what a cut held back.
  void resume() { schedule_delivery(); }

  const void* owner = nullptr;  // the process; for identity only
  const Place* place = nullptr;
  Peer peer;
  bool gone() const { return gone_; }
  bool quiet() const { return flight_.empty(); }

 private:
  friend class VirtualConnection;
  enum class Kind : std::uint8_t { Bytes, Finish, Reset };
  struct Parcel {
    Time at;
    Kind kind;
    std::string bytes;
  };
  class Nudge final : public Ready {
   public:
    explicit Nudge(VirtualEnd& end) : end_(end) {}

   private:
    void run() noexcept override { end_.wake(); }
    VirtualEnd& end_;
  };

  VirtualEnd& other();
  void due() noexcept override;
  void deliver(Parcel& parcel);
  void send(Kind kind, std::string bytes);
  void schedule_delivery();
  void wake() noexcept;
  bool readable() const { return closed_ || reset_ || finished_ || !inbox_.empty(); }
  bool writable() const;
  void nudge();

  VirtualConnection& connection_;
  VirtualCore& core_;
  int number_;
  std::deque<Parcel> flight_;
  std::size_t unread_ = 0;  // bytes sent that the other program has not read
  Time last_arrival_{};
  std::deque<std::string> inbox_;
  std::size_t inbox_taken_ = 0;  // of the front piece
  bool finished_ = false;        // the other side ended its stream
  bool reset_ = false;
  bool closed_ = false;
  bool ended_ = false;  // we sent our end
  bool gone_ = false;
  Waiter* reader_ = nullptr;
  Waiter* writer_ = nullptr;
  Nudge nudge_{*this};
};

class VirtualConnection {
 public:
  VirtualConnection(VirtualNetwork& network, VirtualCore& core, std::uint64_t number);
  VirtualNetwork& network;
  const std::uint64_t number;
  VirtualEnd ends[2];  // the dialler's, the listener's

  Duration transit();  // one way, with jitter, now
  void reset_both();
  void free_if_done();  // may destroy this

 private:
  VirtualCore& core_;
  Link link_;
  std::uint64_t link_version_ = 0;
};

class VirtualStream final : public Stream {
 public:
  explicit VirtualStream(VirtualEnd& end) : end_(end) {}
  ~VirtualStream() override { end_.abandon(); }
  Result<std::size_t> try_read(std::span<char> into) override { return end_.read(into); }
  Result<std::size_t> try_write(std::span<const std::string_view> pieces) override { return end_.write(pieces); }
  void on_readable(Waiter* waiter) override { end_.on_readable(waiter); }
  void on_writable(Waiter* waiter) override { end_.on_writable(waiter); }
  void shutdown_write() override { end_.finish(); }
  void close() override { end_.close(); }
  const Peer& peer() const override { return end_.peer; }

 private:
  VirtualEnd& end_;
};

}  // namespace aigrid::io
