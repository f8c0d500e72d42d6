#include "app/gateway/client_writer.h"

#include <utility>

namespace aigrid::gateway {

namespace event = dispatch::event;

ClientWriter::ClientWriter(io::Env& env, io::Exchange& exchange, Meters& meters, Time received, Events& events)
    : env_(env),
      exchange_(exchange),
      meters_(meters),
      received_(received),
      events_(events),
      output_(env.executor()),
      writing_(env.executor()) {
  writing_.spawn(write_all());
}

io::Task<void> ClientWriter::close() {
  output_.close();
  co_await writing_.join();
}

void ClientWriter::abort() {
  output_.close();
  writing_.cancel();
  exchange_.abort();
}

io::Task<void> ClientWriter::write_all() {
  while (auto output = co_await output_.next()) {
    auto written = co_await write(*output);
    if (!written.ok()) {
      events_.push({event::ClientGone{}});
      co_return;
    }
    if (const auto* bytes = std::get_if<Bytes>(&*output)) {
      events_.push({event::Delivered{bytes->attempt, bytes->bytes.size()}});
    }
  }
}

io::Task<Result<void>> ClientWriter::write(Output& output) {
  if (auto* start = std::get_if<Start>(&output)) {
    co_return co_await exchange_.start(200, std::move(start->headers));
  }
  if (auto* whole = std::get_if<Whole>(&output)) {
    if (whole->status == 200) note_first_byte();
    co_return co_await exchange_.respond(whole->status, std::move(whole->headers), std::move(whole->body));
  }
  note_first_byte();
  if (auto* bytes = std::get_if<Bytes>(&output)) co_return co_await exchange_.write(bytes->bytes);
  auto written = co_await exchange_.write(std::get<Last>(output).bytes);
  if (!written.ok()) co_return std::move(written).error();
  co_return co_await exchange_.finish();
}

void ClientWriter::note_first_byte() {
  if (first_byte_ != Time{}) return;
  first_byte_ = env_.now();
  meters_.first_byte(first_byte_ - received_);
}

}  // namespace aigrid::gateway
