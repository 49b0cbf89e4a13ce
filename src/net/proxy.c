/* SPDX-License-Identifier: Apache-2.0 */
#include "net/proxy.h"

#include "net/stream_layer.h"

#include "base/reader.h"

#include <errno.h>
#include <stdlib.h>

enum {
    SIGNATURE_SIZE = 12,
    FIXED_SIZE = SIGNATURE_SIZE + 4, /* version and command, family, two bytes of length */
    COMMAND_LOCAL = 0x20,
    COMMAND_PROXY = 0x21,
    FAMILIES = 4,   /* unspecified, IPv4, IPv6, Unix */
    TRANSPORTS = 3, /* unspecified, stream, datagram */
    STREAM = 1,
    TYPE_SSL = 0x20,
    TYPE_SSL_VERSION = 0x21,
    TYPE_SSL_NAME = 0x22,
    TYPE_SSL_CIPHER = 0x23,
    CLIENT_SSL = 1, /* by TLS */
    CLIENT_CERTIFICATE_NOW = 2,
    CLIENT_CERTIFICATE_BEFORE = 4, /* in the session that this connection has resumed */
};

/* ---- Version 1: a line of text ---- */

/* The next word of the line, which one blank ends, or the line's end. */
static struct bytes take_word(struct bytes *line)
{
    const uint8_t *blank = line->size > 0 ? memchr(line->data, ' ', line->size) : NULL;
    size_t size = blank ? (size_t)(blank - line->data) : line->size;
    struct bytes word = bytes_first(*line, size);

    *line = bytes_from(*line, blank ? size + 1 : size);
    return word;
}

/* "TCP4 10.0.0.7 10.0.0.1 41312 1883" behind "PROXY ". */
static bool read_line(struct proxy_header *header, struct bytes line)
{
    struct bytes protocol = take_word(&line);
    enum address_family family = ADDRESS_IPV6;
    struct bytes hosts[2];
    uint16_t ports[2];
    struct address server;

    if (bytes_equal(protocol, BYTES("UNKNOWN")))
        return true;
    if (bytes_equal(protocol, BYTES("TCP4")))
        family = ADDRESS_IPV4;
    else if (!bytes_equal(protocol, BYTES("TCP6")))
        return false;
    if (line.size == 0 || line.data[line.size - 1] == ' ')
        return false;
    for (size_t i = 0; i < 2; i++)
        hosts[i] = take_word(&line);
    for (size_t i = 0; i < 2; i++) {
        if (!address_read_port(&ports[i], take_word(&line)))
            return false;
    }
    header->known = true;
    return line.size == 0 && address_read(&header->client, hosts[0], family, ports[0]) &&
            address_read(&server, hosts[1], family, ports[1]);
}

static enum proxy_result read_1(struct proxy_header *header, struct bytes bytes)
{
    static const struct bytes start = { (const uint8_t *)"PROXY ", 6 };
    struct bytes shown = bytes_first(bytes, bytes.size < start.size ? bytes.size : start.size);
    size_t size = bytes.size < PROXY_1_SIZE_MAX ? bytes.size : PROXY_1_SIZE_MAX;
    const uint8_t *end;

    if (!bytes_start_with(start, shown))
        return PROXY_BAD;
    end = size > 0 ? memchr(bytes.data, '\n', size) : NULL;
    if (!end)
        return size < PROXY_1_SIZE_MAX ? PROXY_PARTIAL : PROXY_BAD;
    header->size = (size_t)(end - bytes.data) + 1;
    if (header->size < start.size + 2 || end[-1] != '\r')
        return PROXY_BAD;
    bytes = bytes_from(bytes_first(bytes, header->size - 2), start.size);
    return read_line(header, bytes) ? PROXY_WHOLE : PROXY_BAD;
}

/* ---- Version 2: binary ---- */

/* The part of type and length that stands first. False at the end, or when it is malformed. */
static bool take_part(struct reader *in, uint8_t *type, struct bytes *value)
{
    if (in->rest.size == 0)
        return false;
    *type = reader_u8(in);
    *value = reader_bytes(in, reader_u16(in));
    return !in->failed;
}

static bool read_ssl(struct proxy_header *header, struct bytes value)
{
    struct reader in = { .rest = value };
    uint8_t client = reader_u8(&in);
    bool verified = reader_u32(&in) == 0;
    uint8_t type;
    struct bytes part;

    header->tls = client & CLIENT_SSL;
    header->certified = client & (CLIENT_CERTIFICATE_NOW | CLIENT_CERTIFICATE_BEFORE) && verified;
    while (take_part(&in, &type, &part)) {
        if (type == TYPE_SSL_VERSION)
            header->version = part;
        else if (type == TYPE_SSL_CIPHER)
            header->cipher = part;
        else if (type == TYPE_SSL_NAME && header->certified)
            header->name = part;
    }
    return !in.failed;
}

/* Reads two addresses and two ports, of which the first of each is the client's. */
static void read_addresses(struct proxy_header *header, struct reader *in, unsigned family)
{
    static const size_t host_sizes[FAMILIES] = { 0, 4, 16, 108 };
    struct bytes host = reader_bytes(in, host_sizes[family]);
    uint16_t port;

    reader_bytes(in, host_sizes[family]);
    if (family != ADDRESS_IPV4 && family != ADDRESS_IPV6)
        return;
    port = reader_u16(in);
    reader_u16(in);
    if (!in->failed)
        header->client = address_from((enum address_family)family, host.data, port);
}

/* What stands behind the fixed part, of a header that speaks of a client. */
static bool read_client(struct proxy_header *header, struct bytes body, uint8_t kind)
{
    struct reader in = { .rest = body };
    unsigned family = kind >> 4;
    unsigned transport = kind & 0xF;
    uint8_t type;
    struct bytes value;
    bool good = true;

    if (family >= FAMILIES || transport >= TRANSPORTS)
        return false;
    if (family == 0) /* nothing is said of what follows */
        return true;
    read_addresses(header, &in, family);
    header->known = transport == STREAM;
    while (good && take_part(&in, &type, &value))
        good = type != TYPE_SSL || read_ssl(header, value);
    return good && !in.failed;
}

static enum proxy_result read_2(struct proxy_header *header, struct bytes bytes)
{
    static const struct bytes signature = {
        (const uint8_t *)"\r\n\r\n\0\r\nQUIT\n",
        SIGNATURE_SIZE,
    };
    struct reader in = { .rest = bytes };
    struct bytes start =
            reader_bytes(&in, bytes.size < SIGNATURE_SIZE ? bytes.size : SIGNATURE_SIZE);
    uint8_t command = reader_u8(&in);
    uint8_t kind = reader_u8(&in);
    struct bytes body;

    if (!bytes_start_with(signature, start))
        return PROXY_BAD;
    header->size = FIXED_SIZE + (size_t)reader_u16(&in);
    if (in.failed)
        return PROXY_PARTIAL;
    header->local = command == COMMAND_LOCAL;
    if ((!header->local && command != COMMAND_PROXY) || header->size > PROXY_2_SIZE_MAX)
        return PROXY_BAD;
    body = reader_bytes(&in, header->size - FIXED_SIZE);
    if (in.failed)
        return PROXY_PARTIAL;
    return header->local || read_client(header, body, kind) ? PROXY_WHOLE : PROXY_BAD;
}

enum proxy_result proxy_header_read(
        struct proxy_header *out, struct bytes bytes, enum proxy_version version)
{
    struct proxy_header header = { 0 };
    enum proxy_result result = version == PROXY_1 ? read_1(&header, bytes) : read_2(&header, bytes);

    if (result == PROXY_WHOLE)
        *out = header;
    return result;
}

/* ---- The stream ---- */

/* The header, and what came behind it: as long as there is something to do about it. */
struct head {
    size_t size;
    size_t taken; /* of that, what is done with */
    uint8_t data[PROXY_2_SIZE_MAX];
};

struct proxy {
    struct stream_layer layer;
    struct head *head; /* NULL once nothing is left of it */
    uint8_t version;   /* enum proxy_version */
    bool require_tls;
    bool shut;
    bool told;      /* the header is read */
    bool known;     /* it told who the client is: */
    bool certified; /* by a certificate too */
    struct address client;
    char *texts; /* version and cipher of TLS, and a common name, each with a NUL; NULL: no TLS */
};

/* layer.stream is the first member, so its address is the whole's. */
static struct proxy *proxy_of(struct stream *stream)
{
    return (struct proxy *)stream;
}

static const struct proxy *proxy_of_const(const struct stream *stream)
{
    return (const struct proxy *)stream;
}

static int fail(struct proxy *proxy, const char *failure)
{
    proxy->layer.failure = failure;
    return -EPROTO;
}

/* Puts a text and a NUL to `out`, but nothing of one that has a NUL or is too long. */
static size_t put_text(char *out, struct bytes text, size_t size_max)
{
    bool good = text.size > 0 && text.size < size_max && !memchr(text.data, '\0', text.size);

    if (good)
        memcpy(out, text.data, text.size);
    out[good ? text.size : 0] = '\0';
    return good ? text.size + 1 : 1;
}

/* Keeps what the header says about TLS. False when memory is short. */
static bool keep_texts(struct proxy *proxy, const struct proxy_header *header)
{
    size_t size = 0;

    if (!header->tls)
        return true;
    proxy->texts = malloc(header->version.size + header->cipher.size + header->name.size + 3);
    if (!proxy->texts)
        return false;
    size += put_text(proxy->texts, header->version, STREAM_TLS_SIZE);
    size += put_text(proxy->texts + size, header->cipher, STREAM_TLS_SIZE);
    put_text(proxy->texts + size, header->name, STREAM_NAME_SIZE);
    return true;
}

/* Takes what the header says. Returns 1, or -errno. */
static int obey(struct proxy *proxy, const struct proxy_header *header)
{
    struct head *head = proxy->head;

    if (proxy->require_tls && !header->tls && !header->local)
        return fail(proxy, "the client reached the proxy without TLS");
    if (!keep_texts(proxy, header))
        return -ENOMEM;
    proxy->told = true;
    proxy->known = header->known;
    proxy->certified = header->certified;
    proxy->client = header->client;
    head->taken = header->size;
    if (head->taken == head->size) {
        free(head);
        proxy->head = NULL;
    }
    return 1;
}

/* Returns as a read; 1 once the header is read. */
static int read_header(struct proxy *proxy)
{
    enum proxy_version version = (enum proxy_version)proxy->version;
    size_t size_max = version == PROXY_1 ? PROXY_1_SIZE_MAX : PROXY_2_SIZE_MAX;
    struct head *head = proxy->head;
    struct proxy_header header;
    int size = stream_read(proxy->layer.below, head->data + head->size, size_max - head->size);

    if (size < 0 || (size == 0 && head->size == 0))
        return size;
    if (size == 0)
        return fail(proxy, "the PROXY header is not there");
    head->size += (size_t)size;
    switch (proxy_header_read(&header, bytes_of(head->data, head->size), version)) {
    case PROXY_PARTIAL:
        return -EAGAIN;
    case PROXY_WHOLE:
        return obey(proxy, &header);
    case PROXY_BAD:
        break;
    }
    return fail(proxy, "the PROXY header is not one of the version that is wanted");
}

static int read_rest(struct proxy *proxy, uint8_t *buffer, size_t size)
{
    struct head *head = proxy->head;
    size_t left = head->size - head->taken;

    if (left > size)
        left = size;
    memcpy(buffer, head->data + head->taken, left);
    head->taken += left;
    if (head->taken == head->size) {
        free(head);
        proxy->head = NULL;
    }
    return (int)left;
}

static int proxy_read(struct stream *stream, void *buffer, size_t size)
{
    struct proxy *proxy = proxy_of(stream);

    if (proxy->layer.failure)
        return proxy->shut ? stream_discard(proxy->layer.below, buffer, size) : -EPROTO;
    if (!proxy->told) {
        int result = read_header(proxy);

        if (result <= 0)
            return result;
    }
    return proxy->head ? read_rest(proxy, buffer, size)
                       : stream_read(proxy->layer.below, buffer, size);
}

static int proxy_shutdown(struct stream *stream)
{
    struct proxy *proxy = proxy_of(stream);

    proxy->shut = true;
    return stream_shutdown(proxy->layer.below);
}

static void proxy_close(struct stream *stream, enum stream_end end)
{
    struct proxy *proxy = proxy_of(stream);

    stream_close(proxy->layer.below, end);
    free(proxy->head);
    free(proxy->texts);
    free(proxy);
}

static unsigned proxy_waits(const struct stream *stream, unsigned wanted)
{
    const struct proxy *proxy = proxy_of_const(stream);
    bool lies_inside = proxy->told && proxy->head;

    return stream_waits(proxy->layer.below, wanted) |
            (wanted & STREAM_IN && lies_inside ? STREAM_READY : 0);
}

static void proxy_peer(const struct stream *stream, struct stream_peer *out)
{
    const struct proxy *proxy = proxy_of_const(stream);

    const char *text = proxy->texts;

    stream_peer(proxy->layer.below, out);
    out->preliminary |= !proxy->told;
    if (proxy->known)
        out->address = proxy->client;
    if (!text)
        return;
    out->certified = proxy->certified;
    memcpy(out->tls_version, text, strlen(text) + 1);
    text += strlen(text) + 1;
    memcpy(out->tls_cipher, text, strlen(text) + 1);
    text += strlen(text) + 1;
    memcpy(out->common_name, text, strlen(text) + 1);
}

static bool is_trusted(const struct stream *below, const struct network_list *trusted)
{
    struct stream_peer peer;

    if (!trusted)
        return true;
    stream_peer(below, &peer);
    return network_list_contains(trusted, &peer.address);
}

int proxy_open(struct stream **out, struct stream *below, const struct proxy_options *options)
{
    static const struct stream_functions functions = {
        .read = proxy_read,
        .write = stream_layer_write,
        .shutdown = proxy_shutdown,
        .hasten = stream_layer_hasten,
        .close = proxy_close,
        .waits = proxy_waits,
        .fd = stream_layer_fd,
        .failure = stream_layer_failure,
        .peer = proxy_peer,
    };
    struct proxy *proxy = stream_layer_new(sizeof(*proxy), &functions, below);

    if (!proxy)
        return -ENOMEM;
    proxy->head = malloc(sizeof(*proxy->head));
    if (!proxy->head) {
        proxy_close(&proxy->layer.stream, STREAM_END_CLEAN);
        return -ENOMEM;
    }
    proxy->head->size = proxy->head->taken = 0;
    proxy->version = (uint8_t)options->version;
    proxy->require_tls = options->require_tls;
    if (!is_trusted(below, options->trusted))
        proxy->layer.failure = "the peer is none of the proxies that are trusted";
    *out = &proxy->layer.stream;
    return 0;
}
