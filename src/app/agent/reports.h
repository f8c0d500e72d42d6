// Reports: what this node says of itself on GET /inner/up, every so often and whenever something ended or changed.
// One worker.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "format/inner/rows.h"
#include "io/env/env.h"
#include "io/http/h2_connection.h"

namespace aigrid::agent {

class Reports {
 public:
  Reports(io::Env& env, Duration every, std::function<inner::NodeReport()> now);

  io::Task<void> serve(std::shared_ptr<io::H2Stream> stream);
  // Something changed: say it now (once a turn of the loop, however often this is called).
  void kick();

 private:
  io::Env& env_;
  Duration every_;
  std::function<inner::NodeReport()> now_;
  std::vector<io::Event*> readers_;
};

}  // namespace aigrid::agent
