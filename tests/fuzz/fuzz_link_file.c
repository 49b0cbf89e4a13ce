/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A link's file for messages that holds any bytes: it is taken or refused, and what was taken is
 * said again in the same words when it is opened a second time.
 */
#include "client/link_file.h"

#include "base/hash.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void add(uint64_t *sum, struct nj_bytes bytes)
{
    static const struct hash_key key;

    *sum = hash_mix(*sum) ^ hash_bytes(&key, bytes_of(bytes.data, bytes.size));
}

static enum nj_error take_client(void *context, struct nj_bytes client_id)
{
    add(context, client_id);
    return NJ_OK;
}

static enum nj_error take_record(void *context, const struct link_record *record)
{
    uint64_t *sum = context;

    assert(record->message.qos == 1 || record->message.qos == 2);
    *sum += record->number + record->tag;
    add(sum, record->message.topic);
    add(sum, record->message.properties);
    add(sum, record->message.payload);
    return NJ_OK;
}

static enum nj_error take_states(void *context, const struct link_states *states)
{
    uint64_t *sum = context;

    for (uint32_t i = 0; i < states->flight_count; i++)
        *sum = hash_mix(*sum + states->flights[i].number + states->flights[i].id);
    add(sum, nj_bytes_of(states->held, states->held_count * sizeof(*states->held)));
    add(sum, nj_bytes_of(states->done, states->done_count * sizeof(*states->done)));
    return NJ_OK;
}

static enum nj_error read_file(const char *path, uint64_t *sum)
{
    const struct link_file_reader reader = { take_client, take_record, take_states, sum };
    const struct nj_link_options options = { .file = path, .file_bytes = 1000 };
    char failure[FAILURE_SIZE] = "";
    struct link_file *file;
    enum nj_error error = link_file_open(&file, &options, &reader, failure);

    assert(error == NJ_OK || failure[0] != '\0');
    if (error == NJ_OK)
        link_file_close(file);
    return error;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[] = "/tmp/nightjar-fuzz-XXXXXX";
    int fd = mkstemp(path);
    uint64_t first = 0, second = 0;

    assert(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    close(fd);
    if (read_file(path, &first) == NJ_OK) {
        assert(read_file(path, &second) == NJ_OK);
        assert(first == second);
    }
    unlink(path);
    return 0;
}
