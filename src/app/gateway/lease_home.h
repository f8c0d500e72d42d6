// LeaseHome: the books of the scopes whose home this gateway is, and copies of those whose successor it is. A book that
// lends is first on this gateway's disk and at its successor, as far as that can be reached; who becomes home asks the
// others for their copy first. What is lent and to whom is decided in core/admission. Belongs to the main worker.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/gateway/board.h"
#include "app/gateway/homes.h"
#include "app/gateway/peers.h"
#include "core/admission/lease_book.h"
#include "io/store/turns.h"

namespace aigrid::gateway {

class LeaseHome {
 public:
  LeaseHome(io::Env& env, const Board& board, Peers& peers, std::string folder, const admission::LeaseTimes& times);

  // Books from the disk. For start-up.
  Result<void> open();
  // As the home. Unavailable: another gateway is.
  io::Task<Result<grid::LeaseAnswer>> act(grid::LeaseAsk ask);
  // POST /inner/lease, /inner/lease/copy, /inner/lease/read: status and body.
  using Answer = std::pair<int, std::string>;
  io::Task<Result<Answer>> answer(std::string path, std::string body);

 private:
  struct Shelf {
    Shelf(io::Executor& executor, const admission::LeaseTimes& times) : turns(executor), book(times) {}
    io::Turns turns;
    admission::LeaseBook book;
    bool acting = false;    // it is ours, and nobody else's copy is newer
    std::string kept_with;  // the successor that has a copy
  };
  Shelf& shelf(const std::string& scope);
  std::string path_of(const std::string& scope) const;
  io::Task<void> begin_acting(Shelf& at, std::string scope);
  io::Task<void> keep(Shelf& at, std::string scope, std::string successor);
  Result<std::string> take_copy(std::string_view text);

  io::Env& env_;
  const Board& board_;
  Peers& peers_;
  Homes homes_;
  std::string folder_;
  admission::LeaseTimes times_;
  std::map<std::string, std::unique_ptr<Shelf>> shelves_;
};

// One question to a gateway, and its answer's body. Unavailable: it cannot be reached, refused, or took too long.
io::Task<Result<std::string>> ask_gateway(io::Env& env, Peers& peers, std::string gateway, std::string path,
                                          std::string body, Duration within);

}  // namespace aigrid::gateway
