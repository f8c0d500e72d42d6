#include "app/audit/witness.h"

#include <gtest/gtest.h>

#include "core/audit/test_log.h"

namespace aigrid::audit {
namespace {

crypto::SigningKey key(char seed) { return *crypto::SigningKey::from_seed(std::string(32, seed)); }
const NoteKey kLog{"europe/FR.g", key('k').public_key()};

std::string note_of(const TestLog& log, char seed = 'k') {
  return sign_note(format_checkpoint({kLog.name, log.tree.size(), log.tree.root(), 1}), kLog.name, key(seed));
}

WitnessAsk ask_from(const TestLog& log, std::uint64_t old) {
  return {format_key(kLog), old, *prove_consistency(old, log.tree.size(), log.reader()), note_of(log)};
}

Result<Witnessed> seen(const Witnessed& before, const WitnessAsk& ask) {
  const auto sent = decode_witness_ask(encode(ask));
  EXPECT_TRUE(sent.ok());
  return witness(before, *sent, "europe/control", key('w'));
}

TEST(Witness, SignsWhatGoesOn) {
  TestLog log;
  Witnessed known;
  for (int size : {1, 2, 300, 300, 1000}) {
    while (log.tree.size() < static_cast<std::uint64_t>(size)) log.add(std::to_string(log.tree.size()));
    const auto next = seen(known, ask_from(log, known.size));
    ASSERT_TRUE(next.ok()) << next.error().message;
    EXPECT_EQ(next->size, log.tree.size());
    // Both signatures hold over one text.
    EXPECT_TRUE(open_checkpoint(next->note, kLog).ok());
    EXPECT_TRUE(open_note(next->note, {"europe/control", key('w').public_key()}).ok());
    known = *next;
  }
}

TEST(Witness, RefusesRollbackForkAndAnotherKey) {
  TestLog log;
  for (int i = 0; i < 500; ++i) log.add(std::to_string(i));
  const auto known = seen({}, ask_from(log, 0));
  ASSERT_TRUE(known.ok());
  TestLog shorter;
  for (int i = 0; i < 400; ++i) shorter.add(std::to_string(i));
  EXPECT_EQ(seen(*known, {format_key(kLog), 500, {}, note_of(shorter)}).error().code, Code::PermissionDenied);
  EXPECT_EQ(seen(*known, ask_from(shorter, 400)).error().code, Code::Conflict);
  TestLog fork;
  for (int i = 0; i < 600; ++i) fork.add(std::to_string(i == 77 ? 78 : i));
  EXPECT_NE(seen(*known, ask_from(fork, 500)).error().message.find("rewritten"), std::string::npos);
  TestLog same;
  for (int i = 0; i < 500; ++i) same.add(std::to_string(i == 499 ? 0 : i));
  EXPECT_EQ(seen(*known, ask_from(same, 500)).error().code, Code::PermissionDenied);
  log.add("more");
  auto other = ask_from(log, 500);
  other.key = format_key({kLog.name, key('x').public_key()});
  other.checkpoint = note_of(log, 'x');
  EXPECT_EQ(seen(*known, other).error().code, Code::PermissionDenied);
  auto unsigned_one = ask_from(log, 500);
  unsigned_one.checkpoint = note_of(log, 'x');
  EXPECT_EQ(seen(*known, unsigned_one).error().code, Code::PermissionDenied);
  EXPECT_TRUE(seen(*known, ask_from(log, 500)).ok());
}

}  // namespace
}  // namespace aigrid::audit
