#include "format/inner/frames.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace aigrid::inner {
namespace {

std::vector<std::string> texts() { return *rc::gen::resize(6, rc::gen::arbitrary<std::vector<std::string>>()); }

Ask arbitrary_ask() {
  Ask a;
  a.request_id = *rc::gen::arbitrary<std::string>();
  a.attempt = *rc::gen::arbitrary<std::uint32_t>();
  a.answer_id = *rc::gen::arbitrary<std::string>();
  a.created_unix_s = *rc::gen::arbitrary<std::int64_t>();
  a.endpoint = "embeddings";
  a.tenant = *rc::gen::arbitrary<std::string>();
  a.model = *rc::gen::arbitrary<std::string>();
  a.excluded_nodes = texts();
  a.zones = texts();
  a.stream = *rc::gen::arbitrary<bool>();
  a.prompt_tokens = *rc::gen::arbitrary<std::uint32_t>();
  a.hops = *rc::gen::arbitrary<std::uint8_t>();
  a.tier = *rc::gen::arbitrary<std::uint8_t>();
  a.remaining_ms = *rc::gen::arbitrary<std::uint32_t>();
  a.bundle_version = *rc::gen::arbitrary<std::uint64_t>();
  a.grant = *rc::gen::arbitrary<std::string>();
  a.resume_ids = *rc::gen::arbitrary<std::vector<std::uint32_t>>();
  return a;
}

Frame arbitrary_frame(const std::string& bytes) {
  switch (*rc::gen::inRange(0, 9)) {
    case 0: return arbitrary_ask();
    case 1: return Body{bytes};
    case 2: return Cancel{};
    case 3: {
      Refuse r;
      r.verdict = static_cast<Refuse::Verdict>(*rc::gen::inRange(0, 3));
      r.status = *rc::gen::element<std::uint32_t>(0U, 403U, 503U, ~0U);
      r.code = bytes;
      r.sites = texts();
      return r;
    }
    case 4: return Head{bytes, "node", "", *rc::gen::element(Resume::None, Resume::Text, Resume::Tokens)};
    case 5:
      return Tokens{*rc::gen::arbitrary<std::uint32_t>(), *rc::gen::arbitrary<std::vector<std::uint32_t>>(),
                    *rc::gen::element(Resume::None, Resume::Text, Resume::Tokens)};
    case 6: return Data{bytes};
    case 7: return Tail{bytes};
    default: {
      End e;
      e.usage = {*rc::gen::arbitrary<std::uint64_t>(), 7, *rc::gen::arbitrary<std::uint64_t>()};
      e.finish = "stop";
      e.error = bytes;
      e.decode_us = *rc::gen::arbitrary<std::uint64_t>();
      e.estimated = *rc::gen::arbitrary<bool>();
      return e;
    }
  }
}

// Whatever goes in comes out, in any cutting of the bytes: encoding again gives the same bytes.
TEST(Frames, RoundTripInAnyPieces) {
  EXPECT_TRUE(rc::check("frames survive any cutting", [] {
    const auto bytes = *rc::gen::container<std::vector<std::string>>(rc::gen::arbitrary<std::string>());
    std::string wire;
    for (const auto& b : bytes) encode_to(wire, arbitrary_frame(b));
    Decoder decoder;
    std::string again;
    for (std::size_t at = 0; at < wire.size();) {
      const auto piece = *rc::gen::inRange<std::size_t>(1, 40);
      decoder.feed(std::string_view(wire).substr(at, piece));
      at += piece;
      for (;;) {
        auto frame = decoder.next();
        RC_ASSERT(frame.ok());
        if (!frame->has_value()) break;
        encode_to(again, **frame);
      }
    }
    RC_ASSERT(again == wire);
    RC_ASSERT(decoder.buffered() == 0U);
  }));
}

std::string fields_of(const Frame& frame) { return encode(frame).substr(4); }

// Absent where it says what its absence means; as earlier versions wrote it where it does not, and read where they
// wrote it though they need not have.
TEST(Frames, WhatAbsenceMeansIsLeftOut) {
  Ask ask;
  EXPECT_EQ(fields_of(ask), "");
  ask.tier = 0;
  EXPECT_EQ(fields_of(ask), std::string("\x30\x01\x00", 3));
  ask.tier = 2;
  EXPECT_EQ(fields_of(ask), std::string("\x30\x01\x02", 3));
  Refuse refuse;
  EXPECT_EQ(fields_of(refuse), "");
  refuse.status = 0;
  EXPECT_EQ(fields_of(refuse), std::string("\x02\x01\x00", 3));

  Decoder decoder;
  for (const std::uint8_t tier : {std::uint8_t{0}, kAskTier, std::uint8_t{200}}) {
    std::string wire;
    const std::string number = tier < 0x80 ? std::string(1, static_cast<char>(tier)) : std::string("\xc8\x01");
    encode_header(wire, FrameType::Ask, 2 + number.size());
    decoder.feed(wire + '\x30' + static_cast<char>(number.size()) + number);
    const auto frame = decoder.next();
    ASSERT_TRUE(frame.ok());
    EXPECT_EQ(std::get<Ask>(**frame).tier, tier);
  }
}

TEST(Frames, AskKeepsEveryMember) {
  Ask a;
  a.request_id = "r";
  a.attempt = 2;
  a.answer_id = "chatcmpl-r";
  a.created_unix_s = -5;
  a.endpoint = "chat.completions";
  a.tenant = "t";
  a.project = "p";
  a.key_id = "k";
  a.model = "m";
  a.deployment = "d";
  a.site = "s";
  a.node = "n";
  a.excluded_nodes = {"x", "", "y"};
  a.zones = {"fr"};
  a.stream = true;
  a.prompt_tokens = 1;
  a.max_output_tokens = 2;
  a.hops = 1;
  a.remaining_ms = 3;
  a.bundle_version = 4;
  a.grant = "g";
  a.resume_ids = {0, 1, 4000000000U};
  a.resume_text = "half a wor";
  a.resume_count = 3;
  Decoder decoder;
  decoder.feed(encode(a));
  const auto frame = decoder.next();
  ASSERT_TRUE(frame.ok());
  const auto& b = std::get<Ask>(**frame);
  EXPECT_EQ(b.created_unix_s, -5);
  EXPECT_EQ(b.excluded_nodes, a.excluded_nodes);
  EXPECT_EQ(b.resume_ids, a.resume_ids);
  EXPECT_EQ(b.resume_text, a.resume_text);
  EXPECT_EQ(b.resume_count, 3U);
  EXPECT_EQ(b.key_id, "k");
  EXPECT_EQ(b.deployment, "d");
  EXPECT_EQ(b.project, "p");
  EXPECT_EQ(b.max_output_tokens, 2U);
  EXPECT_TRUE(b.stream);
}

TEST(Frames, UnknownFieldsAreSkipped) {
  std::string wire("\x11\x00\x00\x0b", 4);
  wire += std::string("\x01\x01s\xc8\x03new\x02\x01n", 11);
  Decoder decoder;
  decoder.feed(wire);
  const auto frame = decoder.next();
  ASSERT_TRUE(frame.ok());
  EXPECT_EQ(std::get<Head>(**frame).node, "n");
}

TEST(Frames, AWayToResumeThatOnlyNewerPeersKnowIsNone) {
  Decoder decoder;
  decoder.feed(std::string("\x12\x00\x00\x06\x01\x01\x07\x03\x01\x05", 10));
  const auto frame = decoder.next();
  ASSERT_TRUE(frame.ok());
  EXPECT_EQ(std::get<Tokens>(**frame).count, 7U);
  EXPECT_EQ(std::get<Tokens>(**frame).resume, Resume::None);
}

TEST(Frames, LargeBytesAreSplit) {
  const std::string big(kMaxFrame + 10, 'x');
  std::string wire = encode(Tail{big});
  Decoder decoder;
  decoder.feed(wire);
  auto first = decoder.next();
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(std::get<Data>(**first).bytes.size(), kMaxFrame);
  auto second = decoder.next();
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(std::get<Tail>(**second).bytes.size(), 10U);
}

TEST(Frames, MalformedIsDataLoss) {
  const struct {
    const char* what;
    std::string wire;
  } cases[] = {
      {"type 0", std::string("\x00\x00\x00\x00", 4)},
      {"unknown type", std::string("\x63\x00\x00\x00", 4)},
      {"cancel with bytes", std::string("\x03\x00\x00\x01x", 5)},
      {"field past the end", std::string("\x11\x00\x00\x03\x01\x05s", 7)},
      {"truncated varint", std::string("\x11\x00\x00\x02\x01\xff", 6)},
      {"number over its type", std::string("\x01\x00\x00\x04\x12\x02\x80\x02", 8)},
      {"number with bytes left", std::string("\x01\x00\x00\x04\x02\x02\x01\x01", 8)},
      {"empty number", std::string("\x01\x00\x00\x02\x02\x00", 6)},
      {"unknown verdict", std::string("\x10\x00\x00\x03\x01\x01\x09", 7)},
      {"token id over 32 bits", std::string("\x12\x00\x00\x08\x02\x06\xff\xff\xff\xff\xff\x01", 12)},
  };
  for (const auto& c : cases) {
    Decoder decoder;
    decoder.feed(c.wire);
    const auto frame = decoder.next();
    ASSERT_FALSE(frame.ok()) << c.what;
    EXPECT_EQ(frame.error().code, Code::DataLoss) << c.what;
  }
}

TEST(Frames, LimitHoldsBeforeTheBytesCome) {
  Decoder decoder(1000);
  decoder.feed(std::string("\x02\x00\x04\x00", 4));
  EXPECT_FALSE(decoder.next().ok());
}

}  // namespace
}  // namespace aigrid::inner
