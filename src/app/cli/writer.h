// Writer: the one door to standard output and standard error for commands that talk to people. What was asked for goes
// to output; everything else is a note. A live line is drawn over itself on a terminal, and is not drawn elsewhere. One
// owner. A write that fails (nobody reads) is remembered and ends in exit code 1; it throws nothing.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "io/env/terminal.h"

namespace aigrid::cli {

class Writer {
 public:
  using Sink = std::function<Result<void>(io::StandardStream, std::string_view)>;

  Writer() : sink_(io::write_standard), terminal_(io::is_terminal(io::StandardStream::Error)) {}
  explicit Writer(Sink sink, bool terminal = false) : sink_(std::move(sink)), terminal_(terminal) {}

  // Exactly these bytes.
  void out(std::string_view bytes);
  // One line; the newline is added.
  void note(std::string_view line);
  // What goes on now; replaces the last live line, until the next note or out.
  void live(std::string_view line);
  bool terminal() const { return terminal_; }
  bool failed() const { return failed_; }

 private:
  void put(io::StandardStream stream, std::string_view bytes);
  void clear_live();

  Sink sink_;
  bool terminal_;
  bool live_ = false;
  bool failed_ = false;
};

// Rows of cells in aligned columns, two blanks apart; the first row is the heading.
std::string table_text(const std::vector<std::vector<std::string>>& rows);

}  // namespace aigrid::cli
