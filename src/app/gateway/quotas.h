// Quotas: what keys, projects and tenants may use, as this worker's requests meet it: reserve before dispatch, settle
// once at the end. What it lends from it borrows from each scope's home gateway (lease_home), its own or a peer; the
// control plane is not asked. Decisions are core/admission's. One worker; outlives every request.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "app/gateway/homes.h"
#include "app/gateway/phases.h"
#include "core/admission/lease_holder.h"
#include "core/admission/refusal.h"
#include "io/store/turns.h"

namespace aigrid::gateway {

class Quotas {
 public:
  // Under which name this worker borrows, in this epoch of the process.
  struct Borrower {
    std::string name;
    std::uint64_t epoch = 0;
    bool main = true;  // it is the main worker, where the books are
  };
  Quotas(io::Env& env, const Board& board, Peers& peers, const admission::LeaseTimes& times, const Office& office,
         Borrower borrower);

  // What is reserved for one request, until settle() or its end, when nothing but the request itself counts.
  class Reservation {
   public:
    Reservation() = default;
    Reservation(Reservation&& other) noexcept { *this = std::move(other); }
    Reservation& operator=(Reservation&& other) noexcept;
    ~Reservation() { settle({}); }
    // It needs no more than this, as is known now.
    void lower(const admission::Need& most);
    void settle(const admission::Need& used);

   private:
    friend class Quotas;
    struct Taken {
      std::shared_ptr<admission::LeaseHolder> from;
      admission::Need need;
    };
    std::vector<Taken> taken_;
  };

  // Reports what was used, for ever.
  io::Task<void> run();
  using Answer = tl::expected<Reservation, admission::Refused>;
  io::Task<Answer> reserve(Caller caller, admission::Need need);
  // Of a scope's home, as far as this worker sees who that is. Unavailable: nobody who is reached is.
  io::Task<Result<grid::LeaseAnswer>> ask(grid::LeaseAsk ask);
  // The x-ratelimit headers of what this caller is limited by; as of now.
  void add_headers(const Caller& caller, http::Headers& headers) const;

 private:
  struct Scope {
    std::string name;
    grid::Limits limits;
  };
  struct Borrowed {
    std::shared_ptr<admission::LeaseHolder> holder;
    std::string tenant;
    std::unique_ptr<io::Turns> turns;
  };
  std::vector<Scope> scopes_of(const Caller& caller) const;
  Borrowed& borrowed(const Scope& scope, const std::string& tenant);
  // Asks the home; nothing where it does not answer. `need`: of a request that waits.
  io::Task<std::optional<grid::LeaseAnswer>> refill(Borrowed& from, std::optional<admission::Need> need);
  io::Task<void> report(std::string scope);

  io::Env& env_;
  const Board& board_;
  Peers& peers_;
  admission::LeaseTimes times_;
  const Office& office_;
  Homes homes_;
  const std::string holder_;
  const std::uint64_t epoch_;
  const bool main_;
  std::map<std::string, Borrowed> borrowed_;
  std::set<std::string> reporting_;
};

}  // namespace aigrid::gateway
