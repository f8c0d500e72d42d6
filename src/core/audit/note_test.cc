#include "core/audit/note.h"

#include <gtest/gtest.h>

#include "base/crypto/encode.h"

namespace aigrid::audit {
namespace {

crypto::SigningKey key_of(char seed) { return *crypto::SigningKey::from_seed(std::string(32, seed)); }
NoteKey public_of(const std::string& name, char seed) { return {name, key_of(seed).public_key()}; }

// The example of golang.org/x/mod/sumdb/note: a note that another program signed.
TEST(Note, OpensWhatAnotherProgramSigned) {
  auto key = parse_key("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW");
  ASSERT_TRUE(key.ok()) << key.error().message;
  EXPECT_EQ(key->name, "PeterNeumann");
  EXPECT_EQ(format_key(*key), "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW");
  const std::string text =
      "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
  const std::string note = text +
                           "\n\xe2\x80\x94 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZ"
                           "SNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
  auto opened = open_note(note, *key);
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  EXPECT_EQ(*opened, text);
}

TEST(Checkpoint, RoundTripAndOtherKeys) {
  Checkpoint c{"europe/audit/FR.paris", 12345, crypto::sha256("x"), 1767225600123};
  const std::string note = sign_note(format_checkpoint(c), c.origin, key_of('a'));
  auto back = open_checkpoint(note, public_of(c.origin, 'a'));
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_EQ(*back, c);
  EXPECT_EQ(open_checkpoint(note, public_of(c.origin, 'b')).error().code, Code::PermissionDenied);
  EXPECT_FALSE(open_checkpoint(note, public_of("europe/audit/DE.berlin", 'a')).ok());
  // A second signature, of a witness nobody knows here, does no harm.
  const std::string second = sign_note(format_checkpoint(c), "witness", key_of('w'));
  const std::string both = note + second.substr(second.find("\n\n") + 2);
  EXPECT_TRUE(open_checkpoint(both, public_of(c.origin, 'a')).ok());
  EXPECT_FALSE(open_checkpoint(both, public_of("witness", 'w')).ok()) << "the origin is not the witness";
}

TEST(Note, EveryChangedByteIsFound) {
  const Checkpoint c{"log", 7, crypto::sha256("y"), 5};
  const std::string note = sign_note(format_checkpoint(c), c.origin, key_of('a'));
  for (std::size_t i = 0; i < note.size(); ++i) {
    for (const char other : {'\n', 'A', '0', ' ', '\0'}) {
      std::string changed = note;
      if (changed[i] == other) continue;
      changed[i] = other;
      EXPECT_FALSE(open_checkpoint(changed, public_of("log", 'a')).ok()) << i;
    }
    EXPECT_FALSE(open_checkpoint(note.substr(0, i), public_of("log", 'a')).ok()) << i;
  }
  EXPECT_FALSE(open_checkpoint(note + note, public_of("log", 'a')).ok());
}

TEST(Note, WrongFormsAreSaid) {
  for (const char* wrong : {"", "a", "a+b", "a+00000000+", "a b+00000000+AQ==", "+00000000+AQ==",
                            "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"}) {
    EXPECT_FALSE(parse_key(wrong).ok()) << wrong;
  }
  for (const char* wrong :
       {"", "log\n", "log\n1\n", "\n1\nAA==\n", "log\n-1\nAA==\n", "log\n01\nAA==\n", "log\nx\nAA==\n"}) {
    EXPECT_FALSE(parse_checkpoint(wrong).ok()) << wrong;
  }
  const std::string root = crypto::base64(crypto::view(empty_root()));
  EXPECT_TRUE(parse_checkpoint("log\n0\n" + root + "\n").ok());
  EXPECT_TRUE(parse_checkpoint("log\n0\n" + root + "\nsomething else\n").ok());
  EXPECT_FALSE(parse_checkpoint("log\n0\n" + root).ok());
  EXPECT_FALSE(parse_checkpoint("log\n0\n" + root + "\ntime x\n").ok());
}

}  // namespace
}  // namespace aigrid::audit
