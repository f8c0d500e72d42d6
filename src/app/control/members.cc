#include "app/control/members.h"

namespace aigrid::control {

access::NameStanding standing_of(const Catalog& catalog, Role role, const std::string& name) {
  const auto entry = catalog.find(role == Role::Gateway ? api::Kind::Gateway : api::Kind::Node, name);
  if (!entry) return {};
  const std::string& site =
      role == Role::Gateway ? std::get<grid::Gateway>(entry->noun).site : std::get<grid::Node>(entry->noun).site;
  return {true, site, false, false};
}

Result<void> check_member(const Catalog& catalog, const Spiffe& who) {
  const auto denied = [](std::string why) {
    return Error{Code::PermissionDenied, Origin::Client, Retry::Never, std::move(why)};
  };
  const std::string named = std::string(to_string(who.role)) + " \"" + who.id + "\"";
  if (who.role != Role::Gateway && who.role != Role::Agent) return denied(named + " has no business here");
  const auto standing = standing_of(catalog, who.role, who.id);
  if (!standing.exists) {
    return denied(named + " is not in the grid's configuration, perhaps deleted: to have it back, " +
                  (who.role == Role::Agent ? "apply its Node" : "remove its state directory") +
                  " and join again with a new token");
  }
  if (standing.site != who.site) {
    return denied(named + " has a certificate for site \"" + who.site + "\" and stands at site \"" + standing.site +
                  "\" now: remove its state directory and join again with a new token");
  }
  return {};
}

}  // namespace aigrid::control
