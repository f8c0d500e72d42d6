#include "io/env/disk_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "io/env/system_error.h"

namespace aigrid::io {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

Result<void> write_whole(int fd, std::uint64_t offset, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error(errno, "cannot write to " + path);
    bytes.remove_prefix(static_cast<std::size_t>(n));
    offset += static_cast<std::uint64_t>(n);
  }
  return {};
}

class DiskFile final : public File {
 public:
  DiskFile(Env& env, int fd, std::string path) : env_(env), fd_(fd), path_(std::move(path)) {}

  Result<std::size_t> read_at(std::uint64_t offset, std::span<char> into) override {
    std::size_t got = 0;
    while (got < into.size()) {
      const ssize_t n = ::pread(fd_.get(), into.data() + got, into.size() - got, static_cast<off_t>(offset + got));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return system_error(errno, "cannot read " + path_);
      if (n == 0) break;
      got += static_cast<std::size_t>(n);
    }
    return got;
  }
  Result<void> write_at(std::uint64_t offset, std::string_view bytes) override {
    return write_whole(fd_.get(), offset, bytes, path_);
  }
  Result<void> append(std::string_view bytes) override {
    AIGRID_TRY(const std::uint64_t end, size());
    auto written = write_whole(fd_.get(), end, bytes, path_);
    // A full disk must not leave half a record behind.
    if (!written.ok()) [[maybe_unused]]
      const int ignored = ::ftruncate(fd_.get(), static_cast<off_t>(end));
    return written;
  }
  Result<void> truncate(std::uint64_t size) override {
    if (::ftruncate(fd_.get(), static_cast<off_t>(size)) != 0) return system_error(errno, "cannot truncate " + path_);
    return {};
  }
  Result<std::uint64_t> size() override {
    struct stat st{};
    if (::fstat(fd_.get(), &st) != 0) return system_error(errno, "cannot read the size of " + path_);
    return static_cast<std::uint64_t>(st.st_size);
  }
  Task<Result<void>> sync() override {
    Result<void> out;
    const auto flush = [this, &out] { out = sync_now(); };
    co_await env_.blocking(flush);
    co_return out;
  }
  Result<void> sync_now() override {
    if (::fdatasync(fd_.get()) != 0) return system_error(errno, "cannot flush " + path_ + " to disk");
    return {};
  }

 private:
  Env& env_;
  Descriptor fd_;
  std::string path_;
};

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Result<void> sync_folder(const std::string& folder) {
  const Descriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0 || ::fsync(fd.get()) != 0) return system_error(errno, "cannot flush folder " + folder + " to disk");
  return {};
}

Result<void> write_new(const std::string& path, std::string_view bytes, unsigned mode) {
  const Descriptor fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (fd.get() < 0) return system_error(errno, "cannot create " + path);
  AIGRID_CHECK_OK(write_whole(fd.get(), 0, bytes, path));
  if (::fsync(fd.get()) != 0) return system_error(errno, "cannot flush " + path + " to disk");
  return {};
}

int flags_of(OpenMode mode) {
  switch (mode) {
    case OpenMode::Read: return O_RDONLY;
    case OpenMode::ReadWrite: return O_RDWR;
    case OpenMode::Create: return O_RDWR | O_CREAT;
    case OpenMode::CreateNew: return O_RDWR | O_CREAT | O_EXCL;
  }
  return O_RDONLY;
}

}  // namespace

Result<std::unique_ptr<File>> DiskFiles::open(const std::string& path, OpenMode mode) {
  const int fd = ::open(path.c_str(), flags_of(mode) | O_CLOEXEC, 0600);
  if (fd < 0) return system_error(errno, "cannot open " + path);
  return Result<std::unique_ptr<File>>(std::make_unique<DiskFile>(env_, fd, path));
}

Result<std::string> DiskFiles::read_all(const std::string& path) {
  const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) return system_error(errno, "cannot read " + path);
  std::string out;
  struct stat st{};
  if (::fstat(fd.get(), &st) == 0) out.reserve(static_cast<std::size_t>(st.st_size) + 1);
  constexpr std::size_t kStep = 65536;
  for (;;) {
    const std::size_t had = out.size();
    out.resize(std::max(out.capacity(), had + kStep));
    const ssize_t n = ::read(fd.get(), out.data() + had, out.size() - had);
    const int error = errno;
    out.resize(had + static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
    if (n == 0) return out;
    if (n < 0 && error != EINTR) return system_error(error, "cannot read " + path);
  }
}

Result<void> DiskFiles::replace(const std::string& path, std::string_view bytes, unsigned mode) {
  // Unique per process and call, so that two writers never share a temporary file.
  std::uint64_t random = 0;
  env_.entropy({reinterpret_cast<char*>(&random), sizeof(random)});
  const std::string temporary = path + ".tmp." + std::to_string(random);
  auto written = write_new(temporary, bytes, mode);
  if (written.ok() && ::rename(temporary.c_str(), path.c_str()) != 0) {
    written = system_error(errno, "cannot replace " + path);
  }
  if (!written.ok()) {
    ::unlink(temporary.c_str());
    return written;
  }
  return sync_folder(parent_of(path));
}

Result<void> DiskFiles::rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return system_error(errno, "cannot rename " + from + " to " + to);
  return {};
}

Result<void> DiskFiles::remove(const std::string& path) {
  if (std::remove(path.c_str()) != 0) return system_error(errno, "cannot remove " + path);
  return {};
}

Result<void> DiskFiles::make_folders(const std::string& path, unsigned mode) {
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string part = path.substr(0, end);
    if (::mkdir(part.c_str(), mode) != 0) {
      const int error = errno;
      const auto there = stat(part);
      if (!there.ok() || !there->directory) return system_error(error, "cannot make folder " + part);
    }
    if (end == std::string::npos) return {};
  }
}

Result<std::vector<std::string>> DiskFiles::list(const std::string& folder) {
  DIR* dir = ::opendir(folder.c_str());
  if (!dir) return system_error(errno, "cannot list " + folder);
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(dir)) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  ::closedir(dir);
  std::sort(names.begin(), names.end());
  return names;
}

Result<Stat> DiskFiles::stat(const std::string& path) {
  struct stat st{};
  if (::stat(path.c_str(), &st) != 0) return system_error(errno, "cannot look at " + path);
  return Stat{static_cast<std::uint64_t>(st.st_size), S_ISDIR(st.st_mode)};
}

Result<std::uint64_t> DiskFiles::free_bytes(const std::string& path) {
  struct statvfs st{};
  if (::statvfs(path.c_str(), &st) != 0) return system_error(errno, "cannot read the free space of " + path);
  return static_cast<std::uint64_t>(st.f_bavail) * st.f_frsize;
}

// What the superuser keeps back counts as used: nobody else can fill it.
Result<std::uint64_t> DiskFiles::total_bytes(const std::string& path) {
  struct statvfs st{};
  if (::statvfs(path.c_str(), &st) != 0) return system_error(errno, "cannot read the size of the disk of " + path);
  return static_cast<std::uint64_t>(st.f_blocks) * st.f_frsize;
}

}  // namespace aigrid::io
