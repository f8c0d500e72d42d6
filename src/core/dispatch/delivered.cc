#include "core/dispatch/delivered.h"

#include <algorithm>
#include <utility>

namespace aigrid::dispatch {

void Delivered::head(Resume mode) {
  announced_ = {};
  if (count_ == 0) text_.clear();
  mode_ = count_ > 0 || spoilt_ ? std::min(mode_, mode) : mode;  // what was lost before stays lost
}

void Delivered::tokens(std::uint32_t count, const std::vector<std::uint32_t>& ids, Resume mode) {
  announced_.count += count;
  announced_.ids.insert(announced_.ids.end(), ids.begin(), ids.end());
  announced_.mode = std::min(announced_.mode, mode);
}

std::uint32_t Delivered::data(std::string_view text) {
  const Announced now = std::exchange(announced_, {});
  text_ += text;
  mode_ = std::min(mode_, now.mode);
  if (mode_ == Resume::Tokens && now.ids.size() != now.count) mode_ = Resume::Text;
  count_ += now.count;
  if (mode_ == Resume::Tokens) {
    ids_.insert(ids_.end(), now.ids.begin(), now.ids.end());
  } else {
    ids_.clear();
  }
  return now.count;
}

}  // namespace aigrid::dispatch
