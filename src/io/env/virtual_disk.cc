#include "io/env/virtual_disk.h"

#include <algorithm>

namespace aigrid::io {
namespace {

Error not_found(const std::string& path) {
  return {Code::NotFound, Origin::Self, Retry::Never, "cannot open " + path + ": no such file or folder"};
}
Error exists(const std::string& path) {
  return {Code::AlreadyExists, Origin::Self, Retry::Never, "cannot create " + path + ": it exists"};
}

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == 0 ? "/" : path.substr(0, slash);
}

class VirtualFile final : public File {
 public:
  VirtualFile(Env& env, VirtualDisk& disk, std::shared_ptr<VirtualDisk::Content> content, std::string path, bool writes)
      : env_(env), disk_(disk), content_(std::move(content)), path_(std::move(path)), writes_(writes) {}

  Result<std::size_t> read_at(std::uint64_t offset, std::span<char> into) override {
    const std::string& bytes = content_->bytes;
    if (offset >= bytes.size()) return std::size_t{0};
    return bytes.copy(into.data(), into.size(), offset);
  }
  Result<void> write_at(std::uint64_t offset, std::string_view bytes) override {
    AIGRID_CHECK_OK(writable());
    return disk_.write(*content_, offset, bytes, path_);
  }
  Result<void> append(std::string_view bytes) override {
    AIGRID_CHECK_OK(writable());
    return disk_.write(*content_, content_->bytes.size(), bytes, path_);
  }
  Result<void> truncate(std::uint64_t size) override {
    AIGRID_CHECK_OK(writable());
    return disk_.resize(*content_, size, path_);
  }
  Result<std::uint64_t> size() override { return std::uint64_t{content_->bytes.size()}; }
  Task<Result<void>> sync() override {
    co_await env_.sleep_for(disk_.core().options.sync_takes);
    co_return sync_now();
  }
  Result<void> sync_now() override { return disk_.sync(*content_, path_); }

 private:
  Result<void> writable() const {
    if (writes_) return {};
    return Error{Code::PermissionDenied, Origin::Self, Retry::Never,
                 "cannot write to " + path_ + ": opened for reading"};
  }
  Env& env_;
  VirtualDisk& disk_;
  std::shared_ptr<VirtualDisk::Content> content_;
  std::string path_;
  bool writes_;
};

}  // namespace

Result<void> VirtualDisk::claim(std::size_t now, std::size_t then, const std::string& path) {
  if (then > now && then - now > free_) {
    return Error{Code::ResourceExhausted, Origin::Self, Retry::Elsewhere,
                 "cannot write to " + path + ": no space left on device"};
  }
  free_ = free_ + now - then;
  return {};
}

void VirtualDisk::Content::touch(std::size_t from, std::size_t to) {
  if (!changed.empty() && changed.back().second == from) {
    changed.back().second = to;  // files that are only appended to keep one range
  } else {
    changed.emplace_back(from, to);
  }
}

std::uint64_t VirtualDisk::total() const {
  std::uint64_t used = 0;
  for (const auto& [path, content] : files) used += content->bytes.size();
  return free_ + used;
}

Result<void> VirtualDisk::write(Content& content, std::uint64_t offset, std::string_view bytes,
                                const std::string& path) {
  const std::size_t end = offset + bytes.size();
  AIGRID_CHECK_OK(claim(content.bytes.size(), std::max(content.bytes.size(), end), path));
  if (offset < content.durable.size()) content.appended_only = false;
  content.touch(std::min<std::size_t>(offset, content.bytes.size()), end);
  if (offset == content.bytes.size()) {
    content.bytes += bytes;
    return {};
  }
  if (end > content.bytes.size()) content.bytes.resize(end);
  content.bytes.replace(offset, bytes.size(), bytes);
  return {};
}

Result<void> VirtualDisk::resize(Content& content, std::uint64_t size, const std::string& path) {
  AIGRID_CHECK_OK(claim(content.bytes.size(), size, path));
  if (size < content.durable.size()) content.appended_only = false;
  content.touch(std::min<std::size_t>(size, content.bytes.size()), size);
  content.bytes.resize(size);
  return {};
}

Result<void> VirtualDisk::sync(Content& content, const std::string& path) {
  if (failing_syncs_ > 0) {
    --failing_syncs_;
    return internal("cannot flush " + path + " to disk: input/output error");
  }
  content.durable.resize(content.bytes.size());
  for (const auto& [from, to] : content.changed) {
    const std::size_t end = std::min(to, content.bytes.size());  // it may have been cut since
    if (from < end) content.durable.replace(from, end - from, content.bytes, from, end - from);
  }
  content.changed.clear();
  content.appended_only = true;
  return {};
}

void VirtualDisk::lose_power() {
  for (auto& [path, content] : files) {
    const std::size_t before = content->bytes.size();
    std::string left = content->durable;
    if (content->appended_only) {
      const std::size_t tail = before - left.size();
      left.append(content->bytes, left.size(), core_.random.below(tail + 1));
    }
    // A new object: a file still held by a dead process must not change what the next one reads.
    free_ = free_ + before - left.size();
    content = std::make_shared<Content>(Content{left, left, true});
  }
}

std::string VirtualFiles::absolute(const std::string& path) const {
  std::string_view rest = path;
  std::string out = path.starts_with('/') || folder_ == "/" ? "" : folder_;
  while (!rest.empty()) {
    const std::size_t slash = rest.find('/');
    const std::string_view part = rest.substr(0, slash);
    rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
    if (part == "..") {
      out.resize(out.empty() ? 0 : out.rfind('/'));
    } else if (!part.empty() && part != ".") {
      out += '/';
      out += part;
    }
  }
  return out.empty() ? "/" : out;
}

Result<std::shared_ptr<VirtualDisk::Content>> VirtualFiles::create(const std::string& path) {
  if (!disk_.folders.contains(parent_of(path)) || disk_.folders.contains(path)) return not_found(path);
  auto content = std::make_shared<VirtualDisk::Content>();
  disk_.files[path] = content;
  return content;
}

Result<std::unique_ptr<File>> VirtualFiles::open(const std::string& given, OpenMode mode) {
  const std::string path = absolute(given);
  const auto found = disk_.files.find(path);
  std::shared_ptr<VirtualDisk::Content> content;
  if (found != disk_.files.end()) {
    if (mode == OpenMode::CreateNew) return exists(path);
    content = found->second;
  } else {
    if (mode == OpenMode::Read || mode == OpenMode::ReadWrite) return not_found(path);
    AIGRID_TRY(content, create(path));
  }
  return Result<std::unique_ptr<File>>(
      std::make_unique<VirtualFile>(env_, disk_, std::move(content), path, mode != OpenMode::Read));
}

Result<std::string> VirtualFiles::read_all(const std::string& given) {
  const std::string path = absolute(given);
  const auto found = disk_.files.find(path);
  if (found == disk_.files.end()) return not_found(path);
  return found->second->bytes;
}

Result<void> VirtualFiles::replace(const std::string& given, std::string_view bytes, unsigned) {
  const std::string path = absolute(given);
  const std::string temporary = path + ".tmp";
  AIGRID_TRY(auto content, create(temporary));
  auto done = disk_.write(*content, 0, bytes, path);
  if (done.ok()) done = disk_.sync(*content, path);
  if (done.ok()) done = rename(temporary, path);
  if (!done.ok()) [[maybe_unused]]
    const auto gone = remove(temporary);
  return done;
}

Result<void> VirtualFiles::rename(const std::string& from_given, const std::string& to_given) {
  const std::string from = absolute(from_given);
  const std::string to = absolute(to_given);
  if (!disk_.folders.contains(parent_of(to))) return not_found(to);
  if (auto node = disk_.files.extract(from); !node.empty()) {
    if (disk_.files.contains(to)) AIGRID_CHECK_OK(remove(to));
    node.key() = to;
    disk_.files.insert(std::move(node));
    return {};
  }
  if (!disk_.folders.contains(from)) return not_found(from);
  if (disk_.files.contains(to) || has_children(to)) return exists(to);
  const auto moved = [&](const std::string& path) { return to + path.substr(from.size()); };
  std::map<std::string, std::shared_ptr<VirtualDisk::Content>> files;
  for (auto& [path, content] : disk_.files) files[path.starts_with(from + "/") ? moved(path) : path] = content;
  std::set<std::string> folders;
  for (const auto& path : disk_.folders) {
    folders.insert(path == from || path.starts_with(from + "/") ? moved(path) : path);
  }
  disk_.files = std::move(files);
  disk_.folders = std::move(folders);
  return {};
}

bool VirtualFiles::has_children(const std::string& folder) const {
  const std::string prefix = folder == "/" ? folder : folder + "/";
  const auto file = disk_.files.lower_bound(prefix);
  const auto sub = disk_.folders.upper_bound(prefix);
  return (file != disk_.files.end() && file->first.starts_with(prefix)) ||
         (sub != disk_.folders.end() && sub->starts_with(prefix));
}

Result<void> VirtualFiles::remove(const std::string& given) {
  const std::string path = absolute(given);
  if (const auto found = disk_.files.find(path); found != disk_.files.end()) {
    disk_.set_free(disk_.free() + found->second->bytes.size());
    disk_.files.erase(found);
    return {};
  }
  if (!disk_.folders.contains(path)) return not_found(path);
  if (has_children(path)) {
    return Error{Code::AlreadyExists, Origin::Self, Retry::Never, "cannot remove " + path + ": folder is not empty"};
  }
  disk_.folders.erase(path);
  return {};
}

Result<void> VirtualFiles::make_folders(const std::string& given, unsigned) {
  const std::string path = absolute(given);
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string part = path.substr(0, end);
    if (disk_.files.contains(part)) return exists(part);
    disk_.folders.insert(part);
    if (end == std::string::npos) return {};
  }
}

Result<std::vector<std::string>> VirtualFiles::list(const std::string& given) {
  const std::string folder = absolute(given);
  if (!disk_.folders.contains(folder)) return not_found(folder);
  std::vector<std::string> names;
  const auto add = [&](const std::string& path) {
    if (path != "/" && path != folder && parent_of(path) == folder) names.push_back(path.substr(path.rfind('/') + 1));
  };
  for (const auto& [path, content] : disk_.files) add(path);
  for (const auto& path : disk_.folders) add(path);
  std::sort(names.begin(), names.end());
  return names;
}

Result<Stat> VirtualFiles::stat(const std::string& given) {
  const std::string path = absolute(given);
  if (disk_.folders.contains(path)) return Stat{0, true};
  const auto found = disk_.files.find(path);
  if (found == disk_.files.end()) return not_found(path);
  return Stat{found->second->bytes.size(), false};
}

Result<std::uint64_t> VirtualFiles::free_bytes(const std::string&) { return disk_.free(); }
Result<std::uint64_t> VirtualFiles::total_bytes(const std::string&) { return disk_.total(); }

}  // namespace aigrid::io
