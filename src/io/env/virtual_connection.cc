#include "io/env/virtual_connection.h"

#include <algorithm>

#include "io/env/virtual_network.h"

namespace aigrid::io {

VirtualEnd::VirtualEnd(VirtualConnection& connection, VirtualCore& core, int n)
    : Timed(core.timers), connection_(connection), core_(core), number_(n) {}

VirtualEnd& VirtualEnd::other() { return connection_.ends[1 - number_]; }

bool VirtualEnd::writable() const { return closed_ || reset_ || unread_ <= core_.options.window / 2; }

Result<std::size_t> VirtualEnd::read(std::span<char> into) {
  if (closed_) return Error{Code::Cancelled, Origin::Self, Retry::Never, "the connection was closed on this side"};
  std::size_t got = 0;
  while (got < into.size() && !inbox_.empty()) {
    std::string& front = inbox_.front();
    const std::size_t part = front.copy(into.data() + got, into.size() - got, inbox_taken_);
    got += part;
    inbox_taken_ += part;
    if (inbox_taken_ < front.size()) break;
    inbox_.pop_front();
    inbox_taken_ = 0;
  }
  if (got != 0) {
    VirtualEnd& sender = other();
    sender.unread_ -= got;
    if (sender.writer_ && sender.writable()) sender.nudge();
    return got;
  }
  if (reset_) return unavailable("cannot read from " + peer.address + ": connection reset by peer");
  if (finished_) return std::size_t{0};
  return Error{Code::WouldBlock, Origin::Self, Retry::Same, {}};
}

Result<std::size_t> VirtualEnd::write(std::span<const std::string_view> pieces) {
  if (closed_) return Error{Code::Cancelled, Origin::Self, Retry::Never, "the connection was closed on this side"};
  if (reset_ || ended_) return unavailable("cannot write to " + peer.address + ": connection reset by peer");
  const std::size_t window = core_.options.window;
  std::size_t room = window > unread_ ? window - unread_ : 0;
  if (room == 0) return Error{Code::WouldBlock, Origin::Self, Retry::Same, {}};
  std::string bytes;
  for (const auto piece : pieces) bytes += piece.substr(0, room - bytes.size());
  const std::size_t taken = bytes.size();
  unread_ += taken;
  send(Kind::Bytes, std::move(bytes));
  return taken;
}

void VirtualEnd::send(Kind kind, std::string bytes) {
  last_arrival_ = std::max(last_arrival_, core_.now + connection_.transit());
  if (kind == Kind::Bytes && !flight_.empty() && flight_.back().kind == kind && flight_.back().at == last_arrival_) {
    flight_.back().bytes += bytes;
    return;
  }
  flight_.push_back({last_arrival_, kind, std::move(bytes)});
  if (!armed()) schedule_delivery();
}

void VirtualEnd::schedule_delivery() {
  if (!flight_.empty()) arm_at(std::max(core_.now, flight_.front().at));
}

void VirtualEnd::due() noexcept {
  if (connection_.network.is_cut(*place, *other().place)) return;  // restore() or the reset ends the wait
  while (!flight_.empty() && flight_.front().at <= core_.now) {
    Parcel parcel = std::move(flight_.front());
    flight_.pop_front();
    other().deliver(parcel);
  }
  schedule_delivery();
  connection_.free_if_done();
}

void VirtualEnd::deliver(Parcel& parcel) {
  if (reset_) return;
  switch (parcel.kind) {
    case Kind::Bytes:
      core_.record("deliver", connection_.number, number_ == 1 ? ">" : "<", parcel.bytes.size());
      if (gone_ || closed_) {
        // Nobody will read this: the sender learns it, as from a kernel.
        other().unread_ -= parcel.bytes.size();
        if (!other().gone_ && !reset_) send(Kind::Reset, {});
        reset_ = true;
        return;
      }
      inbox_.push_back(std::move(parcel.bytes));
      break;
    case Kind::Finish:
      core_.record("end", connection_.number, number_ == 1 ? ">" : "<");
      finished_ = true;
      break;
    case Kind::Reset:
      core_.record("reset", connection_.number, number_ == 1 ? ">" : "<");
      fail();
      break;
  }
  nudge();
}

void VirtualEnd::on_readable(Waiter* waiter) {
  reader_ = waiter;
  if (waiter && readable()) nudge();
}

void VirtualEnd::on_writable(Waiter* waiter) {
  writer_ = waiter;
  if (waiter && writable()) nudge();
}

void VirtualEnd::nudge() {
  if (reader_ || writer_) core_.executor.schedule(nudge_);
}

void VirtualEnd::wake() noexcept {
  // The connection is freed from the run of a delivery only, so a waiter that destroys its stream leaves this whole;
  // abandon() has then forgotten the waiters.
  if (reader_ && readable()) reader_->wake();
  if (writer_ && writable()) writer_->wake();
}

void VirtualEnd::finish() {
  if (ended_ || reset_) return;
  ended_ = true;
  send(Kind::Finish, {});
}

void VirtualEnd::close() {
  if (closed_) return;
  if (!inbox_.empty() && !reset_) {  // what came is thrown away unread: the sender learns it, as from a kernel
    ended_ = true;
    inbox_.clear();
    send(Kind::Reset, {});
  } else {
    finish();
  }
  closed_ = true;
  core_.record("close", connection_.number, number_ == 0 ? ">" : "<");
  nudge();
}

void VirtualEnd::abandon() {
  reader_ = writer_ = nullptr;
  close();
  gone_ = true;
  connection_.network.sweep_later(connection_);
}

void VirtualEnd::abort() {
  if (reset_ || closed_) return;
  ended_ = closed_ = true;
  inbox_.clear();
  send(Kind::Reset, {});
}

void VirtualEnd::fail() {
  reset_ = true;
  flight_.clear();
  disarm();
  nudge();
}

VirtualConnection::VirtualConnection(VirtualNetwork& net, VirtualCore& core, std::uint64_t n)
    : network(net), number(n), ends{{*this, core, 0}, {*this, core, 1}}, core_(core) {}

Duration VirtualConnection::transit() {
  if (link_version_ != network.link_version()) {
    link_version_ = network.link_version();
    link_ = network.link(*ends[0].place, *ends[1].place);
  }
  if (link_.jitter.count() <= 0) return link_.delay;
  return link_.delay +
         Duration(static_cast<std::int64_t>(core_.random.below(static_cast<std::uint64_t>(link_.jitter.count()))));
}

void VirtualConnection::reset_both() {
  core_.record("cut_off", number);
  for (auto& end : ends) end.fail();
}

void VirtualConnection::free_if_done() {
  if (ends[0].gone() && ends[1].gone() && ends[0].quiet() && ends[1].quiet()) network.forget(*this);
}

}  // namespace aigrid::io
