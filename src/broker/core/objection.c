/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/objection.h"

#include "mqtt/connect.h"
#include "mqtt/field.h"
#include "mqtt/packet.h"
#include "mqtt/topic.h"

enum { TLS_HANDSHAKE_FLAGS = 6, TLS_MINOR_MAX = 4, TELLING_BYTES = 2, BRIDGE_LEVEL = 0x80 };

/* ---- Strangers ---- */

static bool begins(struct bytes in, struct bytes word)
{
    size_t size = in.size < word.size ? in.size : word.size;

    return size >= TELLING_BYTES && bytes_equal(bytes_first(in, size), bytes_first(word, size));
}

/* What speaks first on other ports than ours. */
static const char *other_protocol(struct bytes in)
{
    static const char http[] = "it looks like HTTP or WebSocket; this listener is not for that";
    static const char proxy[] = "it looks like the PROXY protocol, which is not awaited here "
                                "(enable_proxy_protocol)";
    static const struct {
        const char *word;
        const char *text;
    } rows[] = {
        { "GET ", http },
        { "POST ", http },
        { "HEAD ", http },
        { "PUT ", http },
        { "OPTIONS ", http },
        { "DELETE ", http },
        { "CONNECT ", http },
        { "PROXY ", proxy },
        { "\r\n\r\n", proxy },
        { "SSH-", "it looks like SSH" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (begins(in, bytes_of_text(rows[i].word)))
            return rows[i].text;
    }
    return NULL;
}

const char *objection_to_stranger(struct bytes in)
{
    const char *other = other_protocol(in);
    unsigned type = in.size > 0 ? in.data[0] >> 4 : 0;

    if (other)
        return other;
    if (type == MQTT_CONNECT)
        return "the length of its CONNECT is not written in one to four bytes";
    return type == 0 ? "it is no packet of MQTT" : "its first packet is no CONNECT";
}

/* ---- CONNECT ---- */

static const char *to_protocol(struct bytes name, uint8_t level)
{
    bool is_old = bytes_equal(name, BYTES("MQIsdp"));

    if (!is_old && !bytes_equal(name, BYTES("MQTT")))
        return "its protocol's name is neither \"MQTT\" nor \"MQIsdp\"";
    if (is_old ? level == MQTT_3_1 : level == MQTT_3_1_1 || level == MQTT_5_0)
        return NULL;
    if (level & BRIDGE_LEVEL)
        return "a bridge of Mosquitto tries a version of its own first, and comes again without";
    return "its version is none of MQTT 3.1, 3.1.1 and 5.0";
}

static const char *to_flags(uint8_t flags, enum mqtt_version version)
{
    if (flags & MQTT_CONNECT_RESERVED && version != MQTT_3_1)
        return "the reserved bit of its connect flags is set";
    if (!(flags & MQTT_CONNECT_WILL) && flags & (MQTT_CONNECT_WILL_QOS | MQTT_CONNECT_WILL_RETAIN))
        return "its flags give a will's QoS or retain, and no will";
    if ((flags & MQTT_CONNECT_WILL_QOS) == MQTT_CONNECT_WILL_QOS)
        return "its will has QoS 3";
    if (version != MQTT_5_0 && flags & MQTT_CONNECT_PASSWORD && !(flags & MQTT_CONNECT_USER_NAME))
        return "it has a password and no user name, which only MQTT 5.0 allows";
    return NULL;
}

static const char *to_properties(struct reader *in)
{
    struct mqtt_properties properties = { 0 };

    if (mqtt_properties_read(&properties, in, MQTT_CONNECT) != MQTT_SUCCESS)
        return "its properties are not valid";
    return mqtt_properties_authentication_valid(&properties)
            ? NULL
            : "it has authentication data and no authentication method";
}

static const char *to_will(struct reader *in, enum mqtt_version version)
{
    struct mqtt_properties properties = { 0 };
    struct bytes topic;

    if (version == MQTT_5_0 && mqtt_properties_read(&properties, in, MQTT_WILL) != MQTT_SUCCESS)
        return "its will's properties are not valid";
    topic = mqtt_text_read(in);
    if (in->failed)
        return "its will's topic is no UTF-8, or goes beyond its end";
    mqtt_binary_read(in);
    if (in->failed)
        return "its will's payload goes beyond its end";
    return mqtt_topic_name_valid(topic) ? NULL : "its will's topic is empty or has a wildcard";
}

/* Old clients of 3.1 announce credentials that they do not send. [V31-8] */
static const char *to_credentials(struct reader *in, uint8_t flags, enum mqtt_version version)
{
    bool may_lack = version == MQTT_3_1;

    if (flags & MQTT_CONNECT_USER_NAME && !(may_lack && in->rest.size == 0))
        mqtt_text_read(in);
    if (in->failed)
        return "its user name is no UTF-8, or goes beyond its end";
    if (flags & MQTT_CONNECT_PASSWORD && !(may_lack && in->rest.size == 0))
        mqtt_binary_read(in);
    if (in->failed)
        return "its password goes beyond its end";
    return in->rest.size > 0 ? "there are bytes behind its last field" : NULL;
}

static const char *to_payload(struct reader *in, uint8_t flags, enum mqtt_version version)
{
    struct bytes id = mqtt_text_read(in);
    const char *text = NULL;

    if (in->failed)
        return "its client id is no UTF-8, or goes beyond its end";
    if (flags & MQTT_CONNECT_WILL)
        text = to_will(in, version);
    if (!text)
        text = to_credentials(in, flags, version);
    if (text || id.size > 0 || version == MQTT_5_0)
        return text;
    return version == MQTT_3_1_1 && flags & MQTT_CONNECT_CLEAN_START
            ? NULL
            : "it has no client id, which 3.1.1 allows with a clean session, and 3.1 never";
}

/* Its record's type and the upper half of its version read as a CONNECT of three bytes. */
static bool looks_like_tls(uint8_t flags, struct bytes body)
{
    return flags == TLS_HANDSHAKE_FLAGS && body.size > 0 && body.data[0] > 0 &&
            body.data[0] <= TLS_MINOR_MAX;
}

const char *objection_to_connect(uint8_t flags, struct bytes body)
{
    struct reader in = { .rest = body };
    struct bytes name = mqtt_binary_read(&in);
    enum mqtt_version version = (enum mqtt_version)reader_u8(&in);
    const char *text;
    uint8_t connect_flags;

    if (looks_like_tls(flags, body))
        return "it looks like TLS; this listener is not for that";
    if (in.failed)
        return "it ends before its protocol's version";
    text = to_protocol(name, (uint8_t)version);
    if (text)
        return text;
    if (flags != 0 && version != MQTT_3_1)
        return "the flags of its fixed header are not 0";
    connect_flags = reader_u8(&in);
    reader_u16(&in);
    if (in.failed)
        return "it ends before its keep alive";
    text = to_flags(connect_flags, version);
    if (!text && version == MQTT_5_0)
        text = to_properties(&in);
    return text ? text : to_payload(&in, connect_flags, version);
}
