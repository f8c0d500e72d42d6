// Lines of a hostile peer into the readers of rows, records and slots: what decodes encodes to a line that decodes to
// the same line.
#include <cstdint>
#include <cstdlib>

#include "format/inner/records.h"
#include "format/inner/rows.h"
#include "format/inner/slots.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace aigrid::inner;
  const std::string_view line(reinterpret_cast<const char*>(bytes), size);
  if (const auto r = decode_node_report(line); r.ok()) {
    const auto text = encode(*r);
    if (encode(*decode_node_report(text)) != text) std::abort();
  }
  if (const auto r = decode_site_report(line); r.ok()) {
    const auto text = encode(*r);
    if (encode(*decode_site_report(text)) != text) std::abort();
  }
  if (const auto r = decode_record(line); r.ok()) {
    const auto text = encode(*r);
    if (encode(*decode_record(text)) != text) std::abort();
  }
  if (const auto r = decode_agent_record(line); r.ok()) {
    const auto text = encode(*r);
    if (encode(*decode_agent_record(text)) != text) std::abort();
  }
  if (const auto r = decode_slot_ask(line); r.ok()) {
    const auto text = encode(*r);
    if (encode(*decode_slot_ask(text)) != text) std::abort();
  }
  if (const auto r = decode_slot_answer(line); r.ok()) {
    const auto text = encode(*r);
    if (encode(*decode_slot_answer(text)) != text) std::abort();
  }
  return 0;
}
