#include "format/http/message.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace aigrid::http {
namespace {

char lower_char(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string_view trim(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = lower_char(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

Result<std::string> decode_path(std::string_view raw) {
  std::string out;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    char c = raw[i];
    if (c == '%') {
      const int high = i + 2 < raw.size() ? hex(raw[i + 1]) : -1;
      const int low = high >= 0 ? hex(raw[i + 2]) : -1;
      if (low < 0) return invalid("target: bad percent escape; send % followed by two hex digits");
      c = static_cast<char>(high * 16 + low);
      i += 2;
      if (c == '/' || c == '\\') return invalid("target: an encoded slash is not accepted in a path");
    }
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f || c == '\\') return invalid("target: control character or backslash in path");
    out.push_back(c);
  }
  if (!is_utf8(out)) return invalid("target: path is not valid utf-8");
  return out;
}

}  // namespace

bool same_text(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower_char(x) == lower_char(y); });
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower_char);
  return out;
}

bool is_token(std::string_view text) {
  static constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kMarks.find(c) != std::string_view::npos;
  });
}

bool is_field_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
  });
}

bool is_utf8(std::string_view s) {
  for (std::size_t i = 0; i < s.size();) {
    const auto lead = static_cast<unsigned char>(s[i]);
    const std::size_t length = lead < 0x80                   ? 1U
                               : lead >= 0xc2 && lead < 0xe0 ? 2U
                               : lead >= 0xe0 && lead < 0xf0 ? 3U
                               : lead >= 0xf0 && lead < 0xf5 ? 4U
                                                             : 0U;
    if (length == 0 || i + length > s.size()) return false;
    std::uint32_t point = length == 1 ? lead : lead & (0xffU >> (length + 1));
    for (std::size_t k = 1; k < length; ++k) {
      const auto next = static_cast<unsigned char>(s[i + k]);
      if ((next & 0xc0U) != 0x80U) return false;
      point = (point << 6U) | (next & 0x3fU);
    }
    if ((length == 3 && point < 0x800) || (length == 4 && point < 0x10000) || point > 0x10ffff ||
        (point >= 0xd800 && point < 0xe000))
      return false;
    i += length;
  }
  return true;
}

void Headers::add(std::string_view name, std::string_view value) { list_.push_back({lower(name), std::string(value)}); }

void Headers::set(std::string_view name, std::string_view value) {
  const std::string kept(value);  // `value` may point into what is removed
  remove(name);
  add(name, kept);
}

void Headers::remove(std::string_view name) {
  const std::string gone(name);
  std::erase_if(list_, [&](const Header& h) { return same_text(h.name, gone); });
}

std::optional<std::string_view> Headers::get(std::string_view name) const {
  for (const auto& h : list_)
    if (same_text(h.name, name)) return std::string_view(h.value);
  return std::nullopt;
}

std::size_t Headers::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::count_if(list_.begin(), list_.end(), [&](const Header& h) { return same_text(h.name, name); }));
}

bool Headers::lists(std::string_view name, std::string_view token) const {
  for (const auto& h : list_) {
    if (!same_text(h.name, name)) continue;
    std::string_view rest = h.value;
    while (true) {
      const auto comma = rest.find(',');
      if (same_text(trim(rest.substr(0, comma)), token)) return true;
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
  return false;
}

Result<Target> parse_target(std::string_view target) {
  const auto mark = target.find('?');
  const std::string_view raw = target.substr(0, mark);
  if (raw.empty() || raw.front() != '/') return invalid("target: path must start with /");
  AIGRID_TRY(std::string path, decode_path(raw));
  // Every segment but the last must hold something; "." and ".." never.
  for (std::size_t start = 1; start <= path.size();) {
    const auto slash = std::min(path.find('/', start), path.size());
    const auto segment = std::string_view(path).substr(start, slash - start);
    const bool last = slash == path.size();
    if ((segment.empty() && !last) || segment == "." || segment == "..")
      return invalid("target: path has an empty or dot segment; send the resolved path");
    start = slash + 1;
  }
  Target out;
  out.path = std::move(path);
  if (mark != std::string_view::npos) out.query = std::string(target.substr(mark + 1));
  return out;
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 100: return "Continue";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 402: return "Payment Required";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 428: return "Precondition Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 451: return "Unavailable For Legal Reasons";
    case 499: return "Client Closed Request";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    case 507: return "Insufficient Storage";
    case 529: return "Site Overloaded";
    default:
      return status < 200   ? "Informational"
             : status < 300 ? "Success"
             : status < 400 ? "Redirection"
             : status < 500 ? "Client Error"
                            : "Server Error";
  }
}

}  // namespace aigrid::http
