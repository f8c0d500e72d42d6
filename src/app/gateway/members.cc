#include "app/gateway/members.h"

#include <algorithm>

namespace aigrid::gateway {

namespace {

template <class List>
bool stands_at(const List& list, const Spiffe& who) {
  return std::any_of(list.begin(), list.end(),
                     [&](const auto& one) { return one.name == who.id && one.site == who.site; });
}

bool known(const Board& board, const Spiffe& who) {
  if (who.role == Role::Gateway) return stands_at(board.tables().gateways, who);
  if (who.role != Role::Agent || who.site != board.site()) return false;
  const auto node = board.tables().find_node(who.id);
  return node && board.tables().nodes[*node].spec.site == who.site;
}

}  // namespace

Result<void> check_member(const Board& board, const Spiffe& who) {
  const std::string named = std::string(to_string(who.role)) + " \"" + who.id + "\" of site \"" + who.site + "\"";
  std::string why;
  if (!board.loaded()) {
    why = "gateway \"" + board.gateway() + "\" has no bundle yet and knows nobody: it takes " + named +
          " when it has one";
  } else if (!known(board, who)) {
    why = named + " is not in the bundle that gateway \"" + board.gateway() + "\" of site \"" + board.site() +
          "\" holds: perhaps it was deleted or moved, or is too new; `aigrid get " +
          (who.role == Role::Agent ? "nodes" : "gateways") + "` shows what there is";
  }
  if (why.empty()) return {};
  return Error{Code::PermissionDenied, Origin::Client, Retry::Elsewhere, std::move(why)};
}

}  // namespace aigrid::gateway
