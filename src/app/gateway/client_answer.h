// ClientAnswer: the answer that one client gets, of whatever attempts it is made: a stream's bytes as they may go out,
// a whole one when it is whole, the `grid` object, or the error in its place. Knows from the frames what the client
// has, so that another node can go on from there. Tells the request's events of every progress. It decides nothing. One
// worker; lives as long as its Ingress.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "app/gateway/admitted.h"
#include "app/gateway/client_writer.h"
#include "app/gateway/mandate.h"
#include "app/gateway/services.h"
#include "app/gateway/told.h"
#include "core/dispatch/delivered.h"
#include "core/dispatch/request_life.h"
#include "format/inner/frames.h"
#include "format/openai/delta.h"

namespace aigrid::gateway {

class ClientAnswer {
 public:
  ClientAnswer(Services& services, Admitted& admitted, const Mandate& mandate, const dispatch::RequestLife& life,
               Events& events, ClientWriter& writer);

  // What an attempt says, once it is the one that the client gets. `node` is empty where the bundle knows none.
  void begins(std::uint32_t attempt, const std::string& site, const std::string& node, dispatch::Resume mode);
  void tokens(const inner::Tokens& tokens);
  void data(std::string_view bytes);
  void tail(std::string_view bytes);
  // What has not reached the client is void: another attempt begins.
  void begin_anew();
  // The same of one that was overtaken in a race: nobody has seen anything of it.
  void void_all();

  // What RequestLife wants done.
  void start();
  void fail(const dispatch::action::Fail& failure);
  void complete();
  void close_by_length();

  const dispatch::Delivered& given() const { return given_; }
  // Something was delivered that no other node could go on from.
  bool sealed() const { return given_.count() > 0 && given_.mode() == dispatch::Resume::None; }
  // A stream whose last object has come lacks nothing but its count.
  bool lacks_its_count() const { return streaming_ && !tail_.empty(); }
  const std::string& site() const { return site_; }
  const std::string& node() const { return node_; }
  // What of it has not been given to the writer yet, for the evidence.
  void end_evidence(bool finished);

 private:
  void progress(std::uint64_t bytes, std::uint32_t tokens);
  void release(bool all);
  http::Headers headers() const;
  std::string grid_object() const;
  std::string_view service_tier() const;  // empty: not asked for

  Services& services_;
  Admitted& admitted_;
  const Mandate& mandate_;
  const dispatch::RequestLife& life_;
  Events& events_;
  ClientWriter& writer_;
  std::string held_;  // a whole answer's bytes until it is whole; a stream's until they may go out
  std::string tail_;
  dispatch::Delivered given_;
  openai::DeltaText delta_;
  std::uint32_t attempt_ = 0;  // that it comes from
  std::string site_;
  std::string node_;
  bool streaming_ = false;  // the response head went out, or is about to, as a stream
};

}  // namespace aigrid::gateway
