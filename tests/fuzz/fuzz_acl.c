/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file of access rules of any bytes is refused with an error or judges: without rules that fit
 * nothing is allowed, and what a rule allows of a filter it allows of each topic that this matches.
 *
 * The input is a client id, a user name and a topic, each up to a byte 0xff, then the file.
 */
#include "broker/auth/acl_file.h"
#include "mqtt/topic.h"
#include "tests/fuzz/input_source.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct bytes take_part(struct bytes *rest)
{
    const uint8_t *end = rest->size > 0 ? memchr(rest->data, 0xff, rest->size) : NULL;
    struct bytes part = bytes_first(*rest, end ? (size_t)(end - rest->data) : rest->size);

    *rest = bytes_from(*rest, end ? part.size + 1 : part.size);
    return part;
}

static void judge(const struct acl_file *file, const struct acl_who *who, struct bytes topic)
{
    static const enum acl_access actions[] = { ACL_READ, ACL_WRITE };

    for (size_t i = 0; i < 2; i++) {
        struct acl_decision decision = acl_file_judge(file, who, actions[i], topic);

        assert(!decision.allowed || decision.line > 0);
        assert(decision.allowed == acl_file_judge(file, who, actions[i], topic).allowed);
        for (size_t j = 0; j < file->count; j++) {
            const struct acl_rule *rule = &file->rules[j];

            /* Never more than the filter of the deciding rule says. */
            if (rule->line == decision.line && rule->kind != ACL_PATTERN &&
                    mqtt_topic_name_valid(topic))
                assert(mqtt_topic_match(rule->filter.text, topic));
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = bytes_of(data, size);
    struct acl_who who = { .client_id = take_part(&text) };
    struct bytes topic;
    struct source source = input_source(&text);
    struct report report = { 0 };
    struct acl_file *file = NULL;
    int result;

    who.user = take_part(&text);
    topic = take_part(&text);
    result = acl_file_read(&file, "acl", &source, &report);
    assert((result == 0) == (file != NULL));
    assert((result == -EINVAL) == (report.errors > 0));
    if (file)
        judge(file, &who, topic);
    acl_file_free(file);
    return 0;
}
