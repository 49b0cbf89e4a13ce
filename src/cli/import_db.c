/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/import_db.h"

#include "base/reader.h"
#include "mqtt/properties.h"

enum {
    MAGIC_SIZE = 15,
    SUM_SIZE = 4, /* room for one; it is never filled */
    VERSION_MIN = 3,
    VERSION_MAX = 6,
    FLAT_VERSION = 5,   /* from here on the fixed part of a chunk comes first */
    USER_VERSION = 6,   /* a session has the name of its user */
    AUTHOR_VERSION = 4, /* a message has the name of its author's user, and a port */
    ID_SIZE = 8,
    OPTIONS_MASK = 0x3f, /* of a subscription */
};

enum chunk_kind {
    CHUNK_CONFIGURATION = 1,
    CHUNK_MESSAGE = 2,
    CHUNK_PLACE = 3,
    CHUNK_RETAINED = 4,
    CHUNK_SUBSCRIPTION = 5,
    CHUNK_SESSION = 6,
};

static const uint8_t magic[MAGIC_SIZE] = { 0x00, 0xb5, 0x00, 'm', 'o', 's', 'q', 'u', 'i', 't', 't',
    'o', ' ', 'd', 'b' };

struct decoder {
    struct import_data *out;
    struct reader in; /* what follows the chunk's head; the chunk alone from version 5 on */
    uint32_t version;
    uint32_t size;    /* that the chunk's head says */
    const char *what; /* is wrong; NULL: nothing */
    bool no_memory;
};

bool import_db_is_one(struct bytes file)
{
    return file.size >= MAGIC_SIZE && memcmp(file.data, magic, MAGIC_SIZE) == 0;
}

/* ---- Fields ---- */

static bool is_flat(const struct decoder *decoder)
{
    return decoder->version >= FLAT_VERSION;
}

/* As a little-endian machine writes it. */
static uint64_t read_native(struct reader *in)
{
    struct bytes bytes = reader_bytes(in, ID_SIZE);
    uint64_t value = 0;

    for (size_t i = bytes.size; i > 0; i--)
        value = value << 8 | bytes.data[i - 1];
    return value;
}

static struct bytes read_name(struct reader *in)
{
    return reader_bytes(in, reader_u16(in));
}

static void complain(struct decoder *decoder, const char *what)
{
    if (!decoder->what)
        decoder->what = what;
}

/* What is left of a chunk, with its length before it; *out is zero when there is nothing. */
static void read_properties(struct decoder *decoder, struct mqtt_properties *out)
{
    *out = (struct mqtt_properties){ 0 };
    if (is_flat(decoder) && !decoder->in.failed && decoder->in.rest.size > 0 &&
            mqtt_properties_read(out, &decoder->in, MQTT_PUBLISH) != MQTT_SUCCESS)
        complain(decoder, "properties that no message can have");
}

static void *add(struct decoder *decoder, struct import_list *list, size_t item_size)
{
    void *item;

    if (decoder->in.failed)
        complain(decoder, "a chunk that is too short for what it says");
    if (decoder->what)
        return NULL;
    item = import_list_add(list, item_size);
    decoder->no_memory = !item;
    return item;
}

/* ---- Chunks ---- */

static void read_configuration(struct decoder *decoder)
{
    uint8_t id_size;

    if (is_flat(decoder))
        reader_bytes(&decoder->in, ID_SIZE);
    reader_u8(&decoder->in); /* whether the server was shut down */
    id_size = reader_u8(&decoder->in);
    if (!is_flat(decoder))
        reader_bytes(&decoder->in, ID_SIZE);
    if (!decoder->in.failed && id_size != ID_SIZE)
        complain(decoder, "ids of messages that have not 8 bytes");
}

static struct import_message read_flat_message(struct decoder *decoder)
{
    struct reader *in = &decoder->in;
    struct import_message message = { .id = read_native(in) };
    uint32_t payload_size;
    uint16_t source_size;
    uint16_t user_size;
    uint16_t topic_size;

    message.expires_s = (int64_t)read_native(in);
    payload_size = reader_u32(in);
    reader_u16(in); /* the packet id that the publisher used */
    source_size = reader_u16(in);
    user_size = reader_u16(in);
    topic_size = reader_u16(in);
    reader_u16(in); /* the listener's port */
    message.qos = reader_u8(in);
    message.retain = reader_u8(in) != 0;
    message.source = reader_bytes(in, source_size);
    reader_bytes(in, user_size);
    message.topic = reader_bytes(in, topic_size);
    message.payload = reader_bytes(in, payload_size);
    return message;
}

static struct import_message read_old_message(struct decoder *decoder)
{
    struct reader *in = &decoder->in;
    struct import_message message = { .id = read_native(in) };

    message.source = read_name(in);
    if (decoder->version >= AUTHOR_VERSION) {
        read_name(in);  /* the user's */
        reader_u16(in); /* the listener's port */
    }
    reader_u16(in); /* the packet id that the publisher used */
    reader_u16(in); /* one that nobody uses */
    message.topic = read_name(in);
    message.qos = reader_u8(in);
    message.retain = reader_u8(in) != 0;
    message.payload = reader_bytes(in, reader_u32(in));
    return message;
}

static void read_message(struct decoder *decoder)
{
    struct import_message message =
            is_flat(decoder) ? read_flat_message(decoder) : read_old_message(decoder);
    struct mqtt_properties properties;
    struct import_message *item;

    read_properties(decoder, &properties);
    message.properties = properties.encoded;
    if (message.qos > 2)
        complain(decoder, "a message with a quality of service above 2");
    item = add(decoder, &decoder->out->messages, sizeof(*item));
    if (item)
        *item = message;
}

static struct import_place read_flat_place(struct decoder *decoder)
{
    struct reader *in = &decoder->in;
    struct import_place place = { .message = read_native(in) };
    struct mqtt_properties properties;
    uint16_t client_id_size;

    place.packet_id = reader_u16(in);
    client_id_size = reader_u16(in);
    place.qos = reader_u8(in);
    place.state = reader_u8(in);
    place.retain = (reader_u8(in) & 0xf0) != 0;
    place.incoming = reader_u8(in) == 0;
    place.client_id = reader_bytes(in, client_id_size);
    read_properties(decoder, &properties);
    place.identifier = properties.subscription_id;
    return place;
}

static struct import_place read_old_place(struct decoder *decoder)
{
    struct reader *in = &decoder->in;
    struct import_place place = { .client_id = read_name(in) };

    place.message = read_native(in);
    place.packet_id = reader_u16(in);
    place.qos = reader_u8(in);
    place.retain = reader_u8(in) != 0;
    place.incoming = reader_u8(in) == 0;
    place.state = reader_u8(in);
    reader_u8(in); /* DUP */
    return place;
}

static void read_place(struct decoder *decoder)
{
    struct import_place place =
            is_flat(decoder) ? read_flat_place(decoder) : read_old_place(decoder);
    struct import_place *item;

    if (place.qos > 2 || place.state > IMPORT_STATE_MAX)
        complain(decoder, "a session's message in a state that is not known");
    item = add(decoder, &decoder->out->places, sizeof(*item));
    if (item)
        *item = place;
}

static void read_retained(struct decoder *decoder)
{
    uint64_t id = read_native(&decoder->in);
    uint64_t *item = add(decoder, &decoder->out->retained, sizeof(*item));

    if (item)
        *item = id;
}

static void read_subscription(struct decoder *decoder)
{
    struct reader *in = &decoder->in;
    struct import_subscription subscription = { 0 };
    struct import_subscription *item;

    if (is_flat(decoder)) {
        uint16_t client_id_size;
        uint16_t filter_size;

        subscription.identifier = reader_u32(in);
        client_id_size = reader_u16(in);
        filter_size = reader_u16(in);
        subscription.options = reader_u8(in);
        subscription.options |= reader_u8(in);
        reader_u16(in); /* up to a multiple of 4 */
        subscription.client_id = reader_bytes(in, client_id_size);
        subscription.filter = reader_bytes(in, filter_size);
    } else {
        subscription.client_id = read_name(in);
        subscription.filter = read_name(in);
        subscription.options = reader_u8(in);
    }
    if ((subscription.options & 3) > 2 || (subscription.options & ~OPTIONS_MASK) != 0 ||
            subscription.options >> 4 > 2 || subscription.identifier > IMPORT_IDENTIFIER_MAX)
        complain(decoder, "a subscription with options that are not known");
    item = add(decoder, &decoder->out->subscriptions, sizeof(*item));
    if (item)
        *item = subscription;
}

static struct import_session read_flat_session(struct decoder *decoder)
{
    struct reader *in = &decoder->in;
    struct import_session session = { .expires_s = (int64_t)read_native(in) };
    uint16_t client_id_size;

    session.expiry_interval_s = reader_u32(in);
    reader_u16(in); /* the packet id that was used last */
    client_id_size = reader_u16(in);
    if (decoder->version >= USER_VERSION)
        reader_bytes(in, 8); /* the listener's port, a size, and up to a multiple of 8 */
    session.client_id = reader_bytes(in, client_id_size);
    return session;
}

/* Its last field is a time, of 4 or 8 bytes by the machine; only the chunk's size tells. */
static struct import_session read_old_session(struct decoder *decoder)
{
    struct reader *in = &decoder->in;
    struct import_session session = { .client_id = read_name(in), .expiry_interval_s = UINT32_MAX };
    size_t known = 2 + session.client_id.size + 2;

    reader_u16(in); /* the packet id that was used last */
    if (decoder->size != known + 4 && decoder->size != known + 8)
        complain(decoder, "a session whose size is not that of its parts");
    else
        reader_bytes(in, decoder->size - known);
    return session;
}

static void read_session(struct decoder *decoder)
{
    struct import_session session =
            is_flat(decoder) ? read_flat_session(decoder) : read_old_session(decoder);
    struct import_session *item = add(decoder, &decoder->out->sessions, sizeof(*item));

    if (item)
        *item = session;
}

/* ---- The file ---- */

static void read_chunk(struct decoder *decoder, uint32_t kind)
{
    static void (*const readers[])(struct decoder *) = {
        [CHUNK_CONFIGURATION] = read_configuration,
        [CHUNK_MESSAGE] = read_message,
        [CHUNK_PLACE] = read_place,
        [CHUNK_RETAINED] = read_retained,
        [CHUNK_SUBSCRIPTION] = read_subscription,
        [CHUNK_SESSION] = read_session,
    };

    if (kind == 0 || kind >= sizeof(readers) / sizeof(readers[0]))
        complain(decoder, "a chunk of a kind that is not known");
    else
        readers[kind](decoder);
    if (decoder->in.failed)
        complain(decoder, "a chunk that is too short for what it says");
}

/* Takes the next chunk off *rest; false: it cannot. */
static bool next_chunk(struct decoder *decoder, struct bytes *rest)
{
    struct reader head = { .rest = *rest };
    uint32_t kind = is_flat(decoder) ? reader_u32(&head) : reader_u16(&head);

    decoder->size = reader_u32(&head);
    if (head.failed || decoder->size > head.rest.size) {
        decoder->what = "a chunk that goes on behind the end of the file";
        return false;
    }
    /* Before version 5 the sizes of its parts alone say where a chunk ends. */
    decoder->in = (struct reader){ .rest = is_flat(decoder) ? bytes_first(head.rest, decoder->size)
                                                            : head.rest };
    read_chunk(decoder, kind);
    if (decoder->what || decoder->no_memory)
        return false;
    *rest = is_flat(decoder) ? bytes_from(head.rest, decoder->size) : decoder->in.rest;
    return true;
}

bool import_db_read(struct import_data *out, struct bytes file, struct import_fault *fault)
{
    struct decoder decoder = { .out = out };
    struct reader head = { .rest = file };
    struct bytes rest;

    reader_bytes(&head, MAGIC_SIZE + SUM_SIZE);
    decoder.version = reader_u32(&head);
    rest = head.rest;
    if (head.failed || !import_db_is_one(file)) {
        *fault = (struct import_fault){ "no file of Mosquitto", 0 };
        return false;
    }
    if (decoder.version < VERSION_MIN || decoder.version > VERSION_MAX) {
        *fault = (struct import_fault){ "a version that is not 3, 4, 5 or 6",
            MAGIC_SIZE + SUM_SIZE };
        return false;
    }
    while (rest.size > 0) {
        if (!next_chunk(&decoder, &rest)) {
            *fault = (struct import_fault){ decoder.what, file.size - rest.size };
            return false;
        }
    }
    return true;
}
