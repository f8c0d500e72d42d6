#include "app/gateway/ledger_spool.h"

#include <utility>

#include "format/inner/records.h"
#include "io/store/epoch.h"

namespace aigrid::gateway {

Result<std::unique_ptr<LedgerSpool>> LedgerSpool::open(io::Env& env, const std::string& state, std::string gateway,
                                                       std::size_t most_homeless) {
  std::unique_ptr<LedgerSpool> out(new LedgerSpool(std::move(gateway), most_homeless));
  AIGRID_TRY(out->epoch_, io::raise_epoch(env.files(), state + "/epoch", env.wall()));
  AIGRID_TRY(out->spool_, io::Spool::open(env, state + "/spool"));
  return out;
}

std::string LedgerSpool::next_request_id() {
  return "req_" + gateway_ + "_" + std::to_string(epoch_) + "_" + std::to_string(++counter_);
}

Result<void> LedgerSpool::append(grid::Record& record) {
  record.source = gateway_;
  record.epoch = epoch_;
  record.sequence = spool_->next_sequence();
  AIGRID_TRY([[maybe_unused]] const std::uint64_t sequence, spool_->append(inner::encode(record)));
  ++written_;
  return {};
}

Result<void> LedgerSpool::write(grid::Record record) {
  homeless_.push_back(std::move(record));
  return settle();
}

Result<void> LedgerSpool::settle() {
  while (!homeless_.empty()) {
    auto written = append(homeless_.front());
    if (!written.ok() && written.error().code == Code::InvalidArgument) {
      // Too large: the attempts' texts are the only part that others wrote. The account of it must not be lost.
      for (auto& attempt : homeless_.front().attempts) attempt.result.clear();
      homeless_.front().code.clear();
      written = append(homeless_.front());
    }
    if (!written.ok()) return std::move(written).error();
    homeless_.pop_front();
  }
  return {};
}

}  // namespace aigrid::gateway
