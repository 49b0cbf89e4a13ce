/* SPDX-License-Identifier: Apache-2.0 */
#include "client/link_url.h"

#include "client/link_options.h"
#include "net/address.h"

#include <openssl/crypto.h>

enum { PROXY_PORT = 1080 };

/* Makes each %41 of a text a byte. */
static const char *unescape(char *text)
{
    char *to = text;

    for (; *text; text++) {
        if (*text == '%') {
            int high = OPENSSL_hexchar2int((uint8_t)text[1]);
            int low = high >= 0 ? OPENSSL_hexchar2int((uint8_t)text[2]) : -1;

            if (low < 0 || high + low == 0)
                return "a % in it is not followed by two hexadecimal digits of a byte above 0";
            text += 2;
            *text = (char)(high << 4 | low);
        }
        *to++ = *text;
    }
    *to = '\0';
    return NULL;
}

/* host:port, where the host may be [::1]. */
static const char *take_host(struct link_url *out, char *host)
{
    char *port;

    if (*host == '[') {
        port = strchr(++host, ']');
        if (!port)
            return "a [ in it has no ]";
        *port++ = '\0';
        if (*port != '\0' && *port != ':')
            return "something stands between ] and the port";
    } else {
        port = strchrnul(host, ':');
    }
    if (*port == ':') {
        *port++ = '\0';
        if (!address_read_port(&out->port, bytes_of_text(port)) || out->port == 0)
            return "its port is no number from 1 to 65535";
    }
    out->host = host;
    return *host ? unescape(host) : "it names no host";
}

/* user:password@host:port */
static const char *take_authority(struct link_url *out, char *text)
{
    char *host = strchr(text, '@');
    const char *wrong = NULL;
    char *password;

    if (!host)
        return take_host(out, text);
    *host++ = '\0';
    password = strchr(text, ':');
    if (password) {
        *password++ = '\0';
        wrong = unescape(password);
    }
    out->user_name = text;
    out->password = password;
    if (!wrong)
        wrong = unescape(text);
    return wrong ? wrong : take_host(out, host);
}

struct scheme {
    char prefix[9];
    uint8_t transport;
};

static const char *take_url(struct link_url *out, char *text)
{
    static const struct scheme schemes[] = {
        { "mqtt://", NJ_TRANSPORT_TCP },
        { "mqtts://", NJ_TRANSPORT_TLS },
        { "ws://", NJ_TRANSPORT_WEBSOCKET },
        { "wss://", NJ_TRANSPORT_WEBSOCKET_TLS },
        { "unix://", NJ_TRANSPORT_UNIX },
    };
    char *rest = NULL;
    char *path;

    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]) && !rest; i++) {
        size_t size = strlen(schemes[i].prefix);

        if (strncmp(text, schemes[i].prefix, size) != 0)
            continue;
        rest = text + size;
        out->transport = (enum nj_transport)schemes[i].transport;
    }
    if (!rest)
        return "it does not begin with mqtt://, mqtts://, ws://, wss:// or unix://";
    if (out->transport == NJ_TRANSPORT_UNIX) {
        out->path = rest;
        return *rest ? unescape(rest) : "it names no path";
    }
    path = strchrnul(rest, '/');
    if (path[0] && path[1]) {
        if (!link_is_websocket(out->transport))
            return "a path has a meaning with ws://, wss:// and unix:// alone";
        out->path = path; /* of an HTTP request; it stays as it is written */
    }
    /* What stands before the path moves over the scheme, for there it finds room for a NUL. */
    memmove(text, rest, (size_t)(path - rest));
    text[path - rest] = '\0';
    return take_authority(out, text);
}

const char *link_url_parse(struct link_url *out, char *url)
{
    const char *wrong;

    *out = (struct link_url){ 0 };
    wrong = take_url(out, url);
    if (wrong) /* nothing stays in it */
        *out = (struct link_url){ 0 };
    return wrong;
}

const char *link_url_parse_proxy(struct link_url *out, char *url)
{
    static const char scheme[] = "socks5h://", same[] = "mqtt://";
    const char *wrong;

    *out = (struct link_url){ 0 };
    if (strncmp(url, scheme, strlen(scheme)) != 0)
        return "it does not begin with socks5h://";
    /* What comes behind is as in the URL of a server. */
    url += strlen(scheme) - strlen(same);
    memcpy(url, same, strlen(same));
    wrong = link_url_parse(out, url);
    if (!wrong && out->port == 0)
        out->port = PROXY_PORT;
    return wrong;
}
