/* SPDX-License-Identifier: Apache-2.0 */
#include "client/link_options.h"

#include "client/link_url.h"
#include "net/address.h"

#include <stdlib.h>

enum {
    KEEP_ALIVE_S = 60,
    CONNECT_MS = 10000,
    RETRY_MIN_MS = 500,
    RETRY_MAX_MS = 30000,
    QUEUE_MESSAGES = 10000,
    QUEUE_BYTES = 64 << 20,
    INBOX_MESSAGES = 1000,
    IN_FLIGHT = 64,
    RECEIVE_MAXIMUM = 64,
    PACKET_SIZE = 16 << 20,
    PACKET_SIZE_MIN = 64,
    PACKET_SIZE_MAX = 268435460, /* MQTT's largest packet */
    FILE_BYTES = 256 << 20,
    PROPERTIES_MAX = 65535,
    MILLISECONDS_MAX = 24 * 3600 * 1000,
};

#define AT(member) offsetof(struct nj_link_options, member)

/* Where the texts lie that are to be copied. */
static const uint16_t texts[] = {
    AT(host),
    AT(path),
    AT(bind_address),
    AT(proxy.url),
    AT(tls.ca_file),
    AT(tls.ca_folder),
    AT(tls.certificate_file),
    AT(tls.key_file),
    AT(tls.key_password),
    AT(tls.psk_identity),
    AT(tls.psk),
    AT(tls.server_name),
    AT(tls.ciphers),
    AT(tls.suites),
    AT(tls.alpn),
    AT(tls.engine),
    AT(tls.engine_password),
    AT(tls.keylog_file),
    AT(client_id),
    AT(user_name),
    AT(file),
};

static const uint16_t pieces[] = { AT(password), AT(properties), AT(disconnect_properties) };

enum { TEXTS = sizeof(texts) / sizeof(texts[0]), PIECES = sizeof(pieces) / sizeof(pieces[0]) };

uint64_t link_check(uint64_t before, struct bytes bytes)
{
    for (size_t i = 0; i < bytes.size; i++)
        before = (before ^ bytes.data[i]) * 0x100000001b3;
    return before;
}

char *link_text_copy(const void *data, size_t size)
{
    char *copy = malloc(size + 1);

    if (!copy)
        return NULL;
    if (size > 0)
        memcpy(copy, data, size);
    copy[size] = '\0';
    return copy;
}

/* Each member is const for the user alone: what it points to was copied here. */
static void release(const void *owned)
{
    free((void *)(uintptr_t)owned);
}

static const char **text_at(struct nj_link_options *options, size_t i)
{
    return (const char **)((uintptr_t)options + texts[i]);
}

static struct nj_bytes *piece_at(struct nj_link_options *options, size_t i)
{
    return (struct nj_bytes *)((uintptr_t)options + pieces[i]);
}

/* Makes a view of foreign bytes one of a copy; of none where that fails. */
static bool keep_bytes(struct nj_bytes *bytes)
{
    char *copy = link_text_copy(bytes->data, bytes->size);

    *bytes = nj_bytes_of(copy, copy ? bytes->size : 0);
    return copy != NULL;
}

/* The same of a text; nothing of none. */
static bool keep_text(const char **text)
{
    if (!*text)
        return true;
    *text = link_text_copy(*text, strlen(*text));
    return *text != NULL;
}

static bool keep_message(struct nj_message *message)
{
    bool kept = keep_bytes(&message->topic);

    kept &= keep_bytes(&message->payload);
    return kept & keep_bytes(&message->properties);
}

static bool keep_will(struct nj_link_options *options)
{
    const struct nj_message *given = options->will;
    struct nj_message *will = given ? malloc(sizeof(*will)) : NULL;

    options->will = will;
    if (!will)
        return !given;
    *will = *given;
    return keep_message(will);
}

/* Makes each text and each piece a copy; all are copies or NULL afterwards. */
static bool keep_all(struct nj_link_options *options)
{
    bool kept = true;

    for (size_t i = 0; i < TEXTS; i++)
        kept &= keep_text(text_at(options, i));
    for (size_t i = 0; i < PIECES; i++)
        kept &= keep_bytes(piece_at(options, i));
    return keep_will(options) && kept;
}

void link_options_deinit(struct nj_link_options *options)
{
    for (size_t i = 0; i < TEXTS; i++)
        release(*text_at(options, i));
    for (size_t i = 0; i < PIECES; i++)
        release(piece_at(options, i)->data);
    if (options->will) {
        release(options->will->topic.data);
        release(options->will->payload.data);
        release(options->will->properties.data);
        release(options->will);
    }
    *options = (struct nj_link_options){ 0 };
}

/* ---- What is said ---- */

/* What a URL says is borrowed from it, whose text gets cut to pieces. */
static enum nj_error read_url(
        struct nj_link_options *options, char *text, char failure[static FAILURE_SIZE])
{
    struct link_url url;
    const char *wrong = link_url_parse(&url, text);

    if (wrong)
        return failure_tell(failure, NJ_INVALID, "the URL is not good: %s", wrong);
    options->transport = url.transport;
    options->port = url.port;
    options->host = url.host;
    options->path = url.path;
    if (!options->user_name)
        options->user_name = url.user_name;
    if (options->password.size == 0)
        options->password = nj_text(url.password);
    return NJ_OK;
}

static void fill_place(struct nj_link_options *options)
{
    static const uint16_t ports[] = {
        [NJ_TRANSPORT_TCP] = 1883,
        [NJ_TRANSPORT_TLS] = 8883,
        [NJ_TRANSPORT_WEBSOCKET] = 80,
        [NJ_TRANSPORT_WEBSOCKET_TLS] = 443,
        [NJ_TRANSPORT_UNIX] = 0,
    };

    if (options->port == 0)
        options->port = ports[options->transport];
    if (!options->host)
        options->host = "localhost";
    if (!options->path && link_is_websocket(options->transport))
        options->path = "/mqtt";
}

static void fill_numbers(struct nj_link_options *options)
{
    static const struct {
        uint16_t offset; /* of a uint32_t, or of an enum, which is as large */
        uint32_t otherwise;
    } numbers[] = {
        { AT(version), NJ_MQTT_5_0 },
        { AT(connect_ms), CONNECT_MS },
        { AT(retry_min_ms), RETRY_MIN_MS },
        { AT(retry_max_ms), RETRY_MAX_MS },
        { AT(queue_messages), QUEUE_MESSAGES },
        { AT(inbox_messages), INBOX_MESSAGES },
        { AT(packet_size_max), PACKET_SIZE },
    };

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        uint32_t *number = (void *)((uint8_t *)options + numbers[i].offset);

        if (*number == 0)
            *number = numbers[i].otherwise;
    }
    if (options->keep_alive_s == 0)
        options->keep_alive_s = KEEP_ALIVE_S;
    if (options->no_keep_alive)
        options->keep_alive_s = 0;
    if (options->in_flight == 0)
        options->in_flight = IN_FLIGHT;
    if (options->receive_maximum == 0)
        options->receive_maximum = RECEIVE_MAXIMUM;
    if (options->queue_bytes == 0)
        options->queue_bytes = QUEUE_BYTES;
    if (options->file_bytes == 0)
        options->file_bytes = FILE_BYTES;
}

/* ---- Whether it is good ---- */

static const char *objection_to_numbers(const struct nj_link_options *options)
{
    if (options->version < NJ_MQTT_3_1 || options->version > NJ_MQTT_5_0)
        return "version is neither 0 nor one of enum nj_version";
    if ((unsigned)options->transport > NJ_TRANSPORT_UNIX)
        return "transport is none of enum nj_transport";
    if (options->packet_size_max < PACKET_SIZE_MIN || options->packet_size_max > PACKET_SIZE_MAX)
        return "packet_size_max is not from 64 to 268435460 bytes";
    if (options->connect_ms > MILLISECONDS_MAX || options->retry_min_ms > MILLISECONDS_MAX ||
            options->retry_max_ms > MILLISECONDS_MAX)
        return "connect_ms, retry_min_ms or retry_max_ms is over a day";
    if (options->properties.size > PROPERTIES_MAX ||
            options->disconnect_properties.size > PROPERTIES_MAX)
        return "properties are not good, or did not fit into their memory";
    if (options->will && options->will->properties.size > PROPERTIES_MAX)
        return "the will's properties are not good, or did not fit into their memory";
    return NULL;
}

static const char *objection_to_place(const struct nj_link_options *options)
{
    struct address address;

    if (options->version == NJ_MQTT_3_1 && !options->client_id)
        return "MQTT 3.1 needs a client_id";
    if (options->version == NJ_MQTT_3_1_1 && options->session_expiry_s > 0 && !options->client_id)
        return "a session that lasts needs a client_id in MQTT 3.1.1";
    if (options->transport == NJ_TRANSPORT_UNIX && !options->path)
        return "path does not say where the Unix socket is";
    if (options->proxy.url && !options->proxy.kind)
        return "proxy has a url and no kind; nj_socks5() gives both";
    if (link_is_websocket(options->transport) &&
            (options->path[0] != '/' || strpbrk(options->path, " \r\n")))
        return "path is not one of HTTP: it begins with / and has no blanks";
    if (options->bind_address && address_parse(&address, options->bind_address, 0) < 0)
        return "bind_address is no numeric address, as 192.0.2.7";
    if (!options->tls.psk != !options->tls.psk_identity)
        return "psk and psk_identity go together";
    if (options->tls.psk && (options->tls.certificate_file || options->tls.ca_file))
        return "a pre-shared key stands in the place of certificates; have one or the other";
    if (options->tls.engine_has_key && (!options->tls.engine || !options->tls.key_file))
        return "engine_has_key goes with engine and key_file";
    if (options->tls.engine_password && !options->tls.engine_has_key)
        return "engine_password goes with engine_has_key";
    if (!options->tls.certificate_file != !options->tls.key_file)
        return "certificate_file and key_file go together";
    return NULL;
}

static enum nj_error judge(const char *objection, char failure[static FAILURE_SIZE])
{
    return objection ? failure_tell(failure, NJ_INVALID, "the options are not good: %s", objection)
                     : NJ_OK;
}

/* Fills in what is not said, and judges; all is borrowed yet. */
static enum nj_error complete(
        struct nj_link_options *options, char *url, char failure[static FAILURE_SIZE])
{
    enum nj_error error;

    fill_numbers(options);
    error = judge(objection_to_numbers(options), failure);
    if (error == NJ_OK && url)
        error = read_url(options, url, failure);
    if (error != NJ_OK)
        return error;
    fill_place(options);
    return judge(objection_to_place(options), failure);
}

enum nj_error link_options_copy(struct nj_link_options *out, const struct nj_link_options *given,
        char failure[static FAILURE_SIZE])
{
    /* It may have a password in it, so it is not kept. */
    char *url = given->url ? link_text_copy(given->url, strlen(given->url)) : NULL;
    enum nj_error error = NJ_NO_MEMORY;

    *out = *given;
    out->url = NULL;
    if (url || !given->url)
        error = complete(out, url, failure);
    if (error != NJ_OK)
        *out = (struct nj_link_options){ 0 };
    else if (!keep_all(out))
        error = NJ_NO_MEMORY;
    free(url);
    return error;
}
