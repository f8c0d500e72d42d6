#include "app/cli/writer.h"

#include <gtest/gtest.h>

namespace aigrid::cli {
namespace {

struct Screen {
  std::string out;
  std::string notes;
  Writer::Sink sink() {
    return [this](io::StandardStream stream, std::string_view bytes) {
      (stream == io::StandardStream::Output ? out : notes) += bytes;
      return Result<void>();
    };
  }
};

TEST(Writer, keeps_output_and_notes_apart) {
  Screen screen;
  Writer writer(screen.sink(), false);
  writer.out("{}\n");
  writer.live("working");
  writer.note("done");
  EXPECT_EQ(screen.out, "{}\n");
  EXPECT_EQ(screen.notes, "done\n");
  EXPECT_FALSE(writer.failed());
}

TEST(Writer, draws_a_live_line_over_itself) {
  Screen screen;
  Writer writer(screen.sink(), true);
  writer.live("one");
  writer.live("two");
  writer.note("end");
  EXPECT_EQ(screen.notes, "\r\033[Kone\r\033[Ktwo\r\033[Kend\n");
}

TEST(Writer, remembers_that_nobody_reads) {
  Writer writer([](io::StandardStream, std::string_view) -> Result<void> { return unavailable("closed"); });
  writer.out("x");
  EXPECT_TRUE(writer.failed());
}

TEST(Table, aligns_by_characters_not_bytes) {
  EXPECT_EQ(table_text({{"SITE", "N"}, {"zürich", "1"}, {"paris", "12"}}), "SITE    N\nzürich  1\nparis   12\n");
}

}  // namespace
}  // namespace aigrid::cli
