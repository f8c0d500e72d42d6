#include "app/cli/writer.h"

#include <algorithm>

namespace aigrid::cli {

namespace {

// Columns a text takes on a terminal: its code points, which is right for the names we print.
std::size_t columns(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

}  // namespace

void Writer::put(io::StandardStream stream, std::string_view bytes) {
  if (!sink_(stream, bytes).ok()) failed_ = true;
}

void Writer::clear_live() {
  if (live_) put(io::StandardStream::Error, "\r\033[K");
  live_ = false;
}

void Writer::out(std::string_view bytes) {
  clear_live();
  put(io::StandardStream::Output, bytes);
}

void Writer::note(std::string_view line) {
  clear_live();
  put(io::StandardStream::Error, std::string(line) + "\n");
}

void Writer::live(std::string_view line) {
  if (!terminal_) return;
  put(io::StandardStream::Error, "\r\033[K" + std::string(line));
  live_ = true;
}

std::string table_text(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], columns(row[i]));
  }
  std::string out;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      out += row[i];
      if (i + 1 < row.size()) out.append(widths[i] - columns(row[i]) + 2, ' ');
    }
    out += '\n';
  }
  return out;
}

}  // namespace aigrid::cli
