// DiskFiles: Files over the kernel. sync() runs fdatasync on the blocking pool. Belongs to one worker; the Env outlives
// it.
#pragma once

#include "io/env/env.h"

namespace aigrid::io {

class DiskFiles final : public Files {
 public:
  explicit DiskFiles(Env& env) : env_(env) {}
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  Result<std::string> read_all(const std::string& path) override;
  Result<void> replace(const std::string& path, std::string_view bytes, unsigned mode) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> remove(const std::string& path) override;
  Result<void> make_folders(const std::string& path, unsigned mode) override;
  Result<std::vector<std::string>> list(const std::string& folder) override;
  Result<Stat> stat(const std::string& path) override;
  Result<std::uint64_t> free_bytes(const std::string& path) override;
  Result<std::uint64_t> total_bytes(const std::string& path) override;

 private:
  Env& env_;
};

}  // namespace aigrid::io
