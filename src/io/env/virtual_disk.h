// VirtualDisk: the files of one simulated host: what programs see and what would survive a loss of power. Names are
// durable at once, contents when synced. VirtualFiles: a process's view of it. One thread; the disk outlives its files.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "io/env/virtual_core.h"

namespace aigrid::io {

class VirtualDisk {
 public:
  struct Content {
    std::string bytes;
    std::string durable;
    bool appended_only = true;  // since the last sync: `durable` is a prefix of `bytes`
    std::vector<std::pair<std::size_t, std::size_t>> changed{};  // [from, to) of `bytes`, since the last sync
    void touch(std::size_t from, std::size_t to);
  };

  explicit VirtualDisk(VirtualCore& core) : core_(core) {}
  void lose_power();
  void set_free(std::uint64_t bytes) { free_ = bytes; }
  void fail_next_sync(int times) { failing_syncs_ = times; }

  Result<void> write(Content& content, std::uint64_t offset, std::string_view bytes, const std::string& path);
  Result<void> resize(Content& content, std::uint64_t size, const std::string& path);
  Result<void> sync(Content& content, const std::string& path);
  std::uint64_t free() const { return free_; }
  std::uint64_t total() const;
  VirtualCore& core() { return core_; }

  std::map<std::string, std::shared_ptr<Content>> files;
  std::set<std::string> folders{"/", "/tmp"};

 private:
  Result<void> claim(std::size_t now, std::size_t then, const std::string& path);
  VirtualCore& core_;
  std::uint64_t free_ = std::uint64_t{1} << 40U;
  int failing_syncs_ = 0;
};

class VirtualFiles final : public Files {
 public:
  VirtualFiles(Env& env, VirtualDisk& disk, std::string folder) : env_(env), disk_(disk), folder_(std::move(folder)) {}
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
  std::string absolute(const std::string& path) const;
  Result<std::shared_ptr<VirtualDisk::Content>> create(const std::string& path);
  bool has_children(const std::string& folder) const;
  Env& env_;
  VirtualDisk& disk_;
  std::string folder_;
};

}  // namespace aigrid::io
