#include "app/agent/reports.h"

#include <algorithm>
#include <utility>

namespace aigrid::agent {

namespace {

// Registers an event for as long as a stream is served, however that ends.
class Registered {
 public:
  Registered(std::vector<io::Event*>& list, io::Event& event) : list_(list), event_(event) { list_.push_back(&event_); }
  Registered(const Registered&) = delete;
  Registered& operator=(const Registered&) = delete;
  ~Registered() { list_.erase(std::find(list_.begin(), list_.end(), &event_)); }

 private:
  std::vector<io::Event*>& list_;
  io::Event& event_;
};

}  // namespace

Reports::Reports(io::Env& env, Duration every, std::function<inner::NodeReport()> now)
    : env_(env), every_(every), now_(std::move(now)) {}

void Reports::kick() {
  for (io::Event* reader : readers_) reader->set();
}

io::Task<void> Reports::serve(std::shared_ptr<io::H2Stream> stream) {
  if (!stream->respond({200, {}}).ok()) co_return;
  io::Event due(env_.executor());
  const Registered registered(readers_, due);
  auto timer = env_.timer([&due] { due.set(); });
  stream->on_failure([&due] { due.set(); });
  for (;;) {
    const std::string line = inner::encode(now_());
    auto written = co_await stream->write(line);
    if (!written.ok()) break;
    timer->arm(env_.now() + every_);
    co_await due.wait();
    if (stream->failure()) break;
  }
  stream->on_failure([] {});
}

}  // namespace aigrid::agent
