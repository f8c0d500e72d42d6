#include "app/agent/engine_log.h"

#include <span>

namespace aigrid::agent {

void bound_log(io::Files& files, const std::string& path, std::size_t most) {
  const auto stat = files.stat(path);
  if (!stat.ok() || stat->size <= most) return;
  auto file = files.open(path, io::OpenMode::ReadWrite);
  if (!file.ok()) return;
  std::string last(most, '\0');
  const auto read = (*file)->read_at(stat->size - most, std::span<char>(last));
  if (!read.ok()) return;
  last.resize(*read);
  const auto kept = files.replace(path + ".1", last);
  const auto cut = (*file)->truncate(0);  // a full disk is a reason more to do it
  (void)kept;
  (void)cut;
}

}  // namespace aigrid::agent
