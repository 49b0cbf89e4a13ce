/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn/refusal.h"

#include <assert.h>

#include "base/reader.h"
#include "mqttsn/connack.h"
#include "mqttsn/flags.h"
#include "mqttsn/pubrec.h"
#include "mqttsn/regack.h"
#include "mqttsn/suback.h"

/* How an answer is made of the message. */
struct refusal_row {
    uint8_t answer; /* an enum mqttsn_type; 0: none */
    bool has_flags; /* the ids stand behind them */
    bool has_topic_id;
};

static const struct refusal_row rows[] = {
    [MQTTSN_CONNECT] = { MQTTSN_CONNACK, false, false },
    [MQTTSN_WILLTOPIC] = { MQTTSN_CONNACK, false, false },
    [MQTTSN_WILLMSG] = { MQTTSN_CONNACK, false, false },
    [MQTTSN_REGISTER] = { MQTTSN_REGACK, false, true },
    [MQTTSN_PUBLISH] = { MQTTSN_PUBACK, true, true },
    [MQTTSN_SUBSCRIBE] = { MQTTSN_SUBACK, true, false },
    [MQTTSN_UNSUBSCRIBE] = { MQTTSN_UNSUBACK, true, false },
    [MQTTSN_WILLTOPICUPD] = { MQTTSN_WILLTOPICRESP, false, false },
    [MQTTSN_WILLMSGUPD] = { MQTTSN_WILLMSGRESP, false, false },
};

static void answer_encode(struct writer *out, enum mqttsn_type type, uint16_t topic_id,
        uint16_t msg_id, enum mqttsn_return_code code)
{
    if (type == MQTTSN_SUBACK)
        mqttsn_suback_encode(out, &(struct mqttsn_suback){ .msg_id = msg_id, .code = code });
    else if (type == MQTTSN_UNSUBACK)
        mqttsn_pubrec_encode(out, type, msg_id);
    else if (type == MQTTSN_REGACK || type == MQTTSN_PUBACK)
        mqttsn_regack_encode(out, &(struct mqttsn_regack){ topic_id, msg_id, code }, type);
    else
        mqttsn_connack_encode(out, type, code);
}

bool mqttsn_refuse(
        struct writer *out, const struct mqttsn_message *message, enum mqtt_reason reason)
{
    struct reader in = { .rest = message->body };
    struct refusal_row row = { .answer = 0 };
    uint16_t topic_id;
    uint16_t msg_id;
    uint8_t flags;

    assert(reason >= MQTT_UNSPECIFIED_ERROR);
    if (message->type < sizeof(rows) / sizeof(rows[0]))
        row = rows[message->type];
    if (row.answer == 0 || reason == MQTT_MALFORMED)
        return false;
    flags = row.has_flags ? reader_u8(&in) : 0;
    topic_id = row.has_topic_id ? reader_u16(&in) : 0;
    msg_id = row.has_flags || row.has_topic_id ? reader_u16(&in) : 0;
    if (in.failed)
        return false;
    if (message->type == MQTTSN_PUBLISH && mqttsn_flags_qos(flags) == MQTTSN_QOS_MINUS_1)
        return false; /* [SN-6.8-1] */
    answer_encode(
            out, (enum mqttsn_type)row.answer, topic_id, msg_id, mqttsn_return_code_of(reason));
    return true;
}
