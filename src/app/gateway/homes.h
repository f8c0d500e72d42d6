// Homes: which gateways may keep the books of what belongs to a tenant, as far as this worker can reach them now. Pure
// look-ups. One worker.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "app/gateway/board.h"
#include "app/gateway/peers.h"
#include "core/admission/lease_book.h"

namespace aigrid::gateway {

class Homes {
 public:
  Homes(const Board& board, const Peers& peers) : board_(board), peers_(peers) {}

  // Never empty.
  std::vector<std::string> living(const std::string& tenant) const;
  admission::Homes of(const std::string& scope, const std::string& tenant) const;
  // Workers of those gateways: as many borrow from one book.
  std::uint32_t holders(const std::string& tenant) const;

 private:
  const Board& board_;
  const Peers& peers_;
};

}  // namespace aigrid::gateway
