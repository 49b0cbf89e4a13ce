/* SPDX-License-Identifier: Apache-2.0 */
#include "store/past.h"

#include "store/frame.h"

#include <errno.h>

/* The file is one block, like a segment's head: its position is where a run was broken off, and its
 * chain is where the last one was stopped, or this. */
static const uint64_t RUNNING = UINT64_MAX;

/* Returns 1; 0: there is none that can be read, or it belongs to another log; or -errno. */
static int read_block(
        const struct files *files, uint64_t seed, uint64_t next, struct segment_head *out)
{
    uint8_t block[BLOCK_SIZE];
    uint64_t sum;
    int64_t got;
    int file = files->open(files->context, PAST_FILE, false);

    if (file < 0)
        return file == -ENOENT ? 0 : file;
    got = files->read(files->context, file, block, sizeof(block), 0);
    files->close(files->context, file);
    return got == sizeof(block) && segment_head_decode(out, &sum, block) == SEGMENT_GOOD &&
            out->number == 0 && out->seed == seed && out->position <= next;
}

static int write_block(const struct files *files, const struct segment_head *head)
{
    uint8_t block[BLOCK_SIZE];
    const struct iovec piece = { block, sizeof(block) };
    int file = files->open(files->context, PAST_FILE, false);
    bool is_new = file == -ENOENT;
    int result;

    if (is_new)
        file = files->open(files->context, PAST_FILE, true);
    if (file < 0)
        return file;
    segment_head_encode(head, block);
    result = files->write(files->context, file, &piece, 1, 0);
    files->close(files->context, file);
    return result == 0 && is_new ? files->sync_folder(files->context) : result;
}

/* Where nothing more can be written, nothing may say that the last run was stopped. */
static int take_away(const struct files *files)
{
    int result = files->remove(files->context, PAST_FILE);

    return result == 0 ? files->sync_folder(files->context) : result == -ENOENT ? 0 : result;
}

int past_open(
        struct past *past, const struct files *files, uint64_t seed, uint64_t next, bool is_new)
{
    struct segment_head head;
    int found = read_block(files, seed, next, &head);

    *past = (struct past){ .broken_off = 0 };
    if (found < 0)
        return found;
    if (is_new)
        return take_away(files);
    past->before = found ? head.position : next;
    past->broken_off = found && head.chain == next ? head.position : next;
    head = (struct segment_head){ .position = past->broken_off, .chain = RUNNING, .seed = seed };
    return write_block(files, &head) == 0 ? 0 : take_away(files);
}

void past_close(const struct past *past, const struct files *files, uint64_t seed, uint64_t next)
{
    const struct segment_head head = { .position = past->broken_off, .chain = next, .seed = seed };

    write_block(files, &head);
}
