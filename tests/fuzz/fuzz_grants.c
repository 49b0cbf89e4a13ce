/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rights of any bytes are refused with a reason, or judge: what a rule allows is what its topic
 * matches, whatever names the client has.
 *
 * The input is a client id, a user name and a topic, each up to a byte 0xff, then the rights.
 */
#include "broker/auth/grants.h"
#include "mqtt/topic.h"
#include "tests/fuzz/system_memory.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct bytes take_part(struct bytes *rest)
{
    const uint8_t *end = rest->size > 0 ? memchr(rest->data, 0xff, rest->size) : NULL;
    struct bytes part = bytes_first(*rest, end ? (size_t)(end - rest->data) : rest->size);

    *rest = bytes_from(*rest, end ? part.size + 1 : part.size);
    return part;
}

static void judge(const struct grants *grants, const struct acl_who *who, struct bytes topic)
{
    static const enum access_action actions[] = { ACCESS_PUBLISH, ACCESS_SUBSCRIBE,
        ACCESS_RECEIVE };

    for (size_t i = 0; i < 3; i++) {
        struct grants_decision decision = grants_judge(grants, who, actions[i], topic);

        assert(!decision.allowed || decision.number > 0);
        /* A rule of one topic without names allows no topic that this does not match. */
        if (decision.allowed && grants->count == 1 && !grants->rules[0].filter.has_client_id &&
                !grants->rules[0].filter.has_user_name && mqtt_topic_name_valid(topic))
            assert(mqtt_topic_match(grants->rules[0].filter.text, topic));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct memory memory = system_memory();
    struct bytes text = bytes_of(data, size);
    struct acl_who who = { .client_id = take_part(&text) };
    struct grants *grants = NULL;
    struct bytes topic;
    json_t *list;

    who.user = take_part(&text);
    topic = take_part(&text);
    list = json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, NULL);
    if (!list)
        return 0;
    if (grants_read(&grants, &memory, list))
        assert(!grants);
    else if (topic.size > 0)
        judge(grants, &who, topic);
    grants_free(&memory, grants);
    json_decref(list);
    return 0;
}
