// Delivered: what of a stream its client has been given, as the frames said it, so that another node can go on from
// exactly there: token ids where all are sure, else the text. Given = handed to the client's writer, which writes all
// of it in order before anything that comes later; a Tokens frame counts when its Data has come, never half. Pure, one
// owner.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace aigrid::dispatch {

// What an answer can be continued from: nothing, its text, its exact tokens.
enum class Resume : std::uint8_t { None, Text, Tokens };

class Delivered {
 public:
  // An attempt's head: how the stream that begins can be continued. Tokens announced before, without data, are void.
  void head(Resume mode);
  // `mode` holds after the data that follows; it never rises again.
  void tokens(std::uint32_t count, const std::vector<std::uint32_t>& ids, Resume mode);
  // Bytes went to the client before any token: a stream that is lost then can neither go on nor begin anew.
  void spoilt() { mode_ = Resume::None, spoilt_ = true; }
  // Whole events for the client, `text` what they say. The number of tokens that are delivered with them.
  std::uint32_t data(std::string_view text);

  Resume mode() const { return mode_; }
  std::uint32_t count() const { return count_; }
  const std::vector<std::uint32_t>& ids() const { return ids_; }  // all of them, else empty
  const std::string& text() const { return text_; }

 private:
  struct Announced {
    std::uint32_t count = 0;
    std::vector<std::uint32_t> ids;
    Resume mode = Resume::Tokens;
  };
  Announced announced_;
  Resume mode_ = Resume::None;
  bool spoilt_ = false;
  std::uint32_t count_ = 0;
  std::vector<std::uint32_t> ids_;
  std::string text_;
};

}  // namespace aigrid::dispatch
