// Web: TLS as listeners and clients of plain HTTP/1.1 use it, with PEM files. A listener without a certificate may only
// be on loopback: keys must not travel in clear. A client's URL is `http://` or `https://` and an address, whose IP the
// certificate must carry; names are not resolved. Thread contract: one worker. Lifetime: the Env outlives everything
// here. Errors: InvalidArgument names the option or the URL and says what to give; else those of dial and of Tls.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "io/env/env.h"
#include "io/http/client.h"
#include "io/http/server.h"

namespace aigrid::io {

struct WebCertificate {
  std::string certificate;  // PEM file, the chain, leaf first; both empty: none
  std::string key;          // PEM file
};

// How a listener at `at` wraps what it accepts: TLS, or nothing on loopback. `what` is the listener's name for errors.
Result<WrapFn> web_wrap(Env& env, std::string_view what, const Address& at, const WebCertificate& files);

struct WebUrl {
  bool tls = false;
  Address address;
};
// `https://127.0.0.1:8443/`, `http://…`, or a bare address, which is plain.
Result<WebUrl> parse_web_url(std::string_view url);

// http1_request over what the URL says. `roots`: PEM file of the certificates to trust; empty: those of this machine.
Task<Result<ClientResponse>> web_request(Env& env, std::string url, std::string roots, http::RequestHead head,
                                         std::string body, ClientTimes times = {});

}  // namespace aigrid::io
