// Server-sent events: a writer, and an incremental scanner that gives whole events (WHATWG HTML, "event stream").
// One owner. Views in an event live until the next next() or feed().
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace aigrid::http {

// Appends one event; line breaks in `data` become several data lines. `type` and `id` must not hold line breaks: such
// characters are left out.
void append_sse(std::string& out, std::string_view data, std::string_view type = {}, std::string_view id = {});
void append_sse_comment(std::string& out, std::string_view text);

struct SseEvent {
  std::string_view type;  // empty: "message"
  std::string_view data;  // data lines joined by LF
  std::string_view id;
  std::string_view raw;  // the bytes of the event with its blank line, as received
};

class SseScanner {
 public:
  explicit SseScanner(std::size_t max_event_bytes = 1U << 20U) : max_(max_event_bytes) {}

  // ResourceExhausted when the event that is not whole yet is larger than the bound; whole ones before it can still be
  // taken. Later feeds give the same error.
  Result<void> feed(std::string_view bytes);
  // The next whole event that has data. Blocks of comments alone are skipped.
  std::optional<SseEvent> next();
  // Bytes of an event that never ended: at the end of a stream this means it was cut.
  bool partial() const;

 private:
  bool scan();  // moves to the next blank line; true if an event ends at scan_
  std::optional<SseEvent> take(std::size_t end);

  std::size_t max_;
  std::string buffer_;
  std::deque<std::size_t> ends_;  // of whole events not taken yet
  std::size_t start_ = 0;         // of the next event to take
  std::size_t line_ = 0;          // start of the line being scanned
  std::size_t scan_ = 0;
  bool skip_lf_ = false;  // the last line ended with CR; a following LF belongs to it
  bool first_ = true;     // a byte-order mark may come
  bool failed_ = false;
  std::string joined_;
};

}  // namespace aigrid::http
