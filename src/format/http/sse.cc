#include "format/http/sse.h"

namespace aigrid::http {
namespace {

void append_one_line(std::string& out, std::string_view text) {
  for (const char c : text)
    if (c != '\r' && c != '\n' && c != '\0') out.push_back(c);
}

// Calls fn(line) for each line of `text`, ended by CR LF, LF or CR.
template <class Fn>
void each_line(std::string_view text, Fn fn) {
  for (std::size_t at = 0; at <= text.size();) {
    const auto end = text.find_first_of("\r\n", at);
    if (end == std::string_view::npos) return fn(text.substr(at));
    fn(text.substr(at, end - at));
    at = end + (text.substr(end, 2) == "\r\n" ? 2 : 1);
  }
}

}  // namespace

void append_sse(std::string& out, std::string_view data, std::string_view type, std::string_view id) {
  if (!type.empty()) {
    out.append("event: ");
    append_one_line(out, type);
    out.push_back('\n');
  }
  if (!id.empty()) {
    out.append("id: ");
    append_one_line(out, id);
    out.push_back('\n');
  }
  each_line(data, [&](std::string_view line) { out.append("data: ").append(line).append("\n"); });
  out.push_back('\n');
}

void append_sse_comment(std::string& out, std::string_view text) {
  out.append(": ");
  append_one_line(out, text);
  out.append("\n\n");
}

Result<void> SseScanner::feed(std::string_view bytes) {
  if (start_ != 0) {
    buffer_.erase(0, start_);
    line_ -= start_;
    scan_ -= start_;
    for (auto& end : ends_) end -= start_;
    start_ = 0;
  }
  if (!failed_) {
    buffer_.append(bytes);
    while (scan()) ends_.push_back(scan_);
    failed_ = buffer_.size() - (ends_.empty() ? start_ : ends_.back()) > max_;
  }
  if (failed_) {
    return Error{Code::ResourceExhausted, Origin::Upstream, Retry::Never,
                 "event stream: an event is larger than " + std::to_string(max_) + " bytes"};
  }
  return {};
}

bool SseScanner::scan() {
  while (scan_ < buffer_.size()) {
    if (skip_lf_) {
      skip_lf_ = false;
      if (buffer_[scan_] == '\n') {
        ++scan_;
        line_ = scan_;
        continue;
      }
    }
    const auto end = buffer_.find_first_of("\r\n", scan_);
    if (end == std::string::npos) {
      scan_ = buffer_.size();
      return false;
    }
    const bool blank = end == line_;
    skip_lf_ = buffer_[end] == '\r';
    scan_ = line_ = end + 1;
    if (skip_lf_ && scan_ < buffer_.size() && buffer_[scan_] == '\n') {
      skip_lf_ = false;
      line_ = ++scan_;
    }
    if (blank) return true;
  }
  return false;
}

std::optional<SseEvent> SseScanner::next() {
  while (!ends_.empty()) {
    const auto end = ends_.front();
    ends_.pop_front();
    auto event = take(end);
    start_ = end;
    if (event) return event;
  }
  return std::nullopt;
}

std::optional<SseEvent> SseScanner::take(std::size_t end) {
  SseEvent event;
  event.raw = std::string_view(buffer_).substr(start_, end - start_);
  auto text = event.raw;
  if (first_ && text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  first_ = false;
  int data_lines = 0;
  each_line(text, [&](std::string_view line) {
    const auto colon = line.find(':');
    const auto name = line.substr(0, colon);
    auto value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    if (name == "data") {
      if (data_lines == 0) {
        event.data = value;
      } else {
        if (data_lines == 1) joined_.assign(event.data);
        joined_.append("\n").append(value);
      }
      ++data_lines;
    } else if (name == "event") {
      event.type = value;
    } else if (name == "id") {
      event.id = value;
    }
  });
  if (data_lines == 0) return std::nullopt;
  if (data_lines > 1) event.data = joined_;
  return event;
}

bool SseScanner::partial() const {
  const auto rest = std::string_view(buffer_).substr(ends_.empty() ? start_ : ends_.back());
  return !rest.empty() && rest != "\n";  // a lone LF belongs to the CR that ended the event before
}

}  // namespace aigrid::http
