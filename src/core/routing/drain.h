// Drain forecast: what would move if a site or node were emptied now, where there is room for it, and for whom no
// permitted place would be left. Pure, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/routing/snapshot.h"

namespace aigrid::routing {

struct DrainForecast {
  struct Room {
    std::string site;
    std::uint32_t free_slots = 0;
  };
  struct Part {  // of one deployment
    std::string deployment;
    std::string model;
    std::uint32_t running = 0;
    std::uint32_t queued = 0;
    std::vector<Room> rooms;  // elsewhere, of the same model; most room first
    std::uint32_t free_slots = 0;
  };
  struct Stranded {
    std::string tenant;
    std::string model;
  };
  std::vector<Part> parts;
  std::vector<Stranded> stranded;  // had a permitted place, and would have none
  std::uint32_t running = 0;
  bool fits() const;
};

// `rows` as in Snapshot: [deployment * nodes + node]. `node` kNone: the whole site.
DrainForecast drain_forecast(const Tables& tables, const std::vector<NodeRow>& rows, SiteIndex site, NodeIndex node);

}  // namespace aigrid::routing
