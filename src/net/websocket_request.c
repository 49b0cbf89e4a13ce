/* SPDX-License-Identifier: Apache-2.0 */
#include "net/websocket_request.h"

#include "net/websocket_key.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdio.h>

enum {
    KEY_SIZE = 16, /* bytes of Sec-WebSocket-Key, before Base64 */
};

/* ---- What is asked of it ---- */

static bool names_protocol(struct bytes word)
{
    return bytes_equal(word, BYTES("mqtt")) || bytes_equal(word, BYTES("mqttv3.1"));
}

/* The first sub-protocol that is ours; empty when none is. */
static struct bytes choose_protocol(const struct http_request *request)
{
    struct http_walk walk = { 0 };
    struct bytes word;

    while (http_next_word(request, "Sec-WebSocket-Protocol", &walk, &word)) {
        if (names_protocol(word))
            return word;
    }
    return (struct bytes){ 0 };
}

static bool is_among(struct bytes origin, const char *origins)
{
    struct bytes rest = bytes_of_text(origins);

    while (rest.size > 0) {
        const uint8_t *blank = memchr(rest.data, ' ', rest.size);
        size_t size = blank ? (size_t)(blank - rest.data) : rest.size;

        if (bytes_equal(bytes_first(rest, size), origin))
            return true;
        rest = bytes_from(rest, blank ? size + 1 : size);
    }
    return false;
}

static bool is_origin_good(const struct http_request *request, const char *origins)
{
    struct bytes origin;

    if (!origins || origins[0] == '\0')
        return true;
    return http_field(request, "Origin", &origin) && is_among(origin, origins);
}

/* Base64 of 16 bytes: 22 letters and "==". */
static bool is_key(struct bytes key)
{
    uint8_t decoded[KEY_SIZE + 2]; /* it counts what "==" stands for */

    return key.size == WEBSOCKET_KEY_SIZE && key.data[21] != '=' && key.data[22] == '=' &&
            key.data[23] == '=' &&
            EVP_DecodeBlock(decoded, key.data, (int)key.size) == sizeof(decoded);
}

static bool is_version_13(const struct http_request *request)
{
    struct bytes version;

    return http_field(request, "Sec-WebSocket-Version", &version) &&
            bytes_equal(version, BYTES("13"));
}

struct websocket_refusal websocket_request_judge(
        const struct http_request *request, const struct websocket_options *options)
{
    static const char version[] = "Sec-WebSocket-Version: 13\r\nUpgrade: websocket\r\n";
    struct bytes path = http_request_path(request);
    struct bytes value;

    if (http_request_version(request) != 0x101 || !http_field(request, "Host", &value))
        return (struct websocket_refusal){ HTTP_STATUS_BAD_REQUEST, "",
            "HTTP/1.1 with a Host is wanted" };
    if (strcmp(http_request_method(request), "GET") != 0)
        return (struct websocket_refusal){ HTTP_STATUS_METHOD_NOT_ALLOWED, "Allow: GET\r\n",
            "only GET is there, for WebSocket" };
    if (options->path && !bytes_equal(path, bytes_of_text(options->path)))
        return (struct websocket_refusal){ HTTP_STATUS_NOT_FOUND, "", "nothing is at this path" };
    if (!http_has_word(request, "Upgrade", "websocket") ||
            !http_has_word(request, "Connection", "upgrade") || !is_version_13(request))
        return (struct websocket_refusal){ HTTP_STATUS_UPGRADE_REQUIRED, version,
            "this port speaks MQTT over WebSocket, version 13" };
    if (!http_field(request, "Sec-WebSocket-Key", &value) || !is_key(value))
        return (struct websocket_refusal){ HTTP_STATUS_BAD_REQUEST, "",
            "Sec-WebSocket-Key is not 16 bytes in Base64" };
    if (!is_origin_good(request, options->origins))
        return (struct websocket_refusal){ HTTP_STATUS_FORBIDDEN, "",
            "pages of this Origin are not let in" };
    if (http_has_field(request, "Sec-WebSocket-Protocol") && choose_protocol(request).size == 0)
        return (struct websocket_refusal){ HTTP_STATUS_BAD_REQUEST, "",
            "no sub-protocol is mqtt or mqttv3.1" };
    return (struct websocket_refusal){ 0 };
}

/* ---- The answer ---- */

/* A header line, with its end. Returns its size. */
static size_t write_field(char *out, size_t size, const char *name, struct bytes value)
{
    int written =
            snprintf(out, size, "%s: %.*s\r\n", name, (int)value.size, (const char *)value.data);

    assert(written > 0 && (size_t)written < size);
    return (size_t)written;
}

size_t websocket_request_accept(char out[static HTTP_ANSWER_SIZE],
        const struct http_request *request, const char *extension)
{
    struct bytes protocol = choose_protocol(request);
    struct bytes key = { 0 };
    char accept[WEBSOCKET_ACCEPT_SIZE];
    size_t size;

    http_field(request, "Sec-WebSocket-Key", &key);
    websocket_key_accept(accept, key);
    size = (size_t)snprintf(out, HTTP_ANSWER_SIZE,
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: %s\r\n",
            accept);
    if (protocol.size > 0)
        size += write_field(
                out + size, HTTP_ANSWER_SIZE - size, "Sec-WebSocket-Protocol", protocol);
    if (extension[0] != '\0')
        size += write_field(out + size, HTTP_ANSWER_SIZE - size, "Sec-WebSocket-Extensions",
                bytes_of_text(extension));
    assert(size + 2 < HTTP_ANSWER_SIZE);
    memcpy(out + size, "\r\n", 2);
    return size + 2;
}
