/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file for `nightjar replay`. Each message in it is written and read again, and is the same.
 */
#include "cli/client_recording.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool same(struct nj_bytes a, struct nj_bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* Properties are the same but for those that are not written. */
static bool same_properties(struct nj_bytes a, struct nj_bytes b)
{
    struct nj_property_value one;
    struct nj_property_value other;

    while (nj_next_property(&a, &one)) {
        if (one.property == NJ_SUBSCRIPTION_IDENTIFIER || one.property == NJ_TOPIC_ALIAS)
            continue;
        if (!nj_next_property(&b, &other) || one.property != other.property ||
                one.number != other.number || !same(one.bytes, other.bytes) ||
                !same(one.name, other.name))
            return false;
    }
    return !nj_next_property(&b, &other);
}

static void check(const struct recording *recording)
{
    struct recording again = { 0 };
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    assert(out);
    assert(recording_begin(out));
    assert(recording_write(out, &recording->message, recording->time_us));
    fclose(out);
    again.in = fmemopen(text, size, "r");
    assert(again.in);
    assert(recording_next(&again) == RECORDING_MESSAGE);
    assert(again.time_us == recording->time_us);
    assert(same(again.message.topic, recording->message.topic));
    assert(same(again.message.payload, recording->message.payload));
    assert(same_properties(recording->message.properties, again.message.properties));
    assert(again.message.qos == recording->message.qos);
    assert(again.message.retain == recording->message.retain);
    fclose(again.in);
    recording_deinit(&again);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct recording recording = { 0 };

    if (size == 0)
        return 0;
    recording.in = fmemopen((void *)(uintptr_t)data, size, "r");
    assert(recording.in);
    while (recording_next(&recording) == RECORDING_MESSAGE)
        check(&recording);
    fclose(recording.in);
    recording_deinit(&recording);
    return 0;
}
