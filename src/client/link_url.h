/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A URL of a server, taken apart (RFC 3986, as far as servers of MQTT are named by it).
 */
#ifndef CLIENT_LINK_URL_H
#define CLIENT_LINK_URL_H

#include "nightjar/link.h"

/* Its texts lie in the URL that it was taken from; NULL: that does not say it. */
struct link_url {
    const char *user_name;
    const char *password;
    const char *host;
    const char *path;
    enum nj_transport transport;
    uint16_t port; /* 0: it does not say */
};

/*
 * Takes a URL apart, which is cut to pieces by that. Returns NULL, or what is wrong with it, as a
 * phrase that lasts; then nothing is in *out.
 */
const char *link_url_parse(struct link_url *out, char *url);

/* The same for that of a proxy, which says no transport and no path; its port is there always. */
const char *link_url_parse_proxy(struct link_url *out, char *url);

#endif
