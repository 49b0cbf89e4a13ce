/* SPDX-License-Identifier: Apache-2.0 */
#include "store/inspect.h"

#include "store/archive_pages.h"
#include "store/pages.h"
#include "store/record_log_state.h"
#include "store/store_state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* Reading on its way. */
struct inspection {
    const struct inspect_visitor *visitor;
    struct inspect_summary *summary;
    struct files files;
    uint64_t *numbers; /* of segments */
    size_t number_count;
    size_t number_room;
    char name[FILES_NAME_MAX + 1]; /* of the segment that is read */
    int file;
    uint64_t file_size;
    bool has_seed;
    uint64_t seed;
    uint64_t next; /* the position that the next record should have */
    uint64_t sum;  /* of the last frame or head */
    uint8_t *body;
    size_t body_room;
    bool stateless;  /* what the archive says of itself is broken */
    uint64_t broken; /* the offset of a page that was told to be */
};

/* ---- Findings ---- */

static int tell(struct inspection *inspection, const char *file, uint64_t offset, bool loss,
        const char *text)
{
    struct inspect_finding finding = { .offset = offset, .text = text, .loss = loss };

    memcpy(finding.file, file, strlen(file) + 1);
    inspection->summary->findings++;
    inspection->summary->losses += loss;
    if (!inspection->visitor->finding)
        return 0;
    return inspection->visitor->finding(inspection->visitor->context, &finding);
}

/* Whether records are missing that are not in the archive. */
static int tell_gap(
        struct inspection *inspection, uint64_t offset, uint64_t expected, uint64_t position)
{
    const struct inspect_visitor *visitor = inspection->visitor;
    uint64_t checkpointed = inspection->summary->checkpointed;
    struct inspect_finding finding = {
        .offset = offset, .text = "records before this are missing", .loss = true
    };

    if (expected < checkpointed)
        expected = checkpointed;
    if (position <= expected)
        return 0;
    finding.missing = position - expected;
    memcpy(finding.file, inspection->name, sizeof(finding.file));
    inspection->summary->findings++;
    inspection->summary->losses++;
    return visitor->finding ? visitor->finding(visitor->context, &finding) : 0;
}

/* ---- Frames ---- */

/* Reads the frame at that offset, its body into inspection->body. Returns 1; 0 when there is none
 * that is whole; or -errno. */
static int read_frame(struct inspection *inspection, uint64_t offset, struct frame *out)
{
    const struct files *files = &inspection->files;
    uint8_t head[FRAME_HEAD_SIZE];
    struct iovec body;
    int64_t got = files->read(files->context, inspection->file, head, sizeof(head), offset);

    if (got < 0)
        return (int)got;
    if (got != sizeof(head) || !frame_decode(out, inspection->seed, head) ||
            frame_size(out->body_size) > inspection->file_size - offset)
        return 0;
    if (out->body_size > inspection->body_room) {
        free(inspection->body);
        inspection->body = malloc(out->body_size);
        inspection->body_room = inspection->body ? out->body_size : 0;
        if (!inspection->body)
            return -ENOMEM;
    }
    got = files->read(files->context, inspection->file, inspection->body, out->body_size,
            offset + FRAME_HEAD_SIZE);
    body = (struct iovec){ inspection->body, out->body_size };
    if (got < 0)
        return (int)got;
    return got == out->body_size && frame_sum(out, inspection->seed, &body, 1) == out->sum;
}

static int tell_record(
        struct inspection *inspection, uint64_t offset, uint64_t position, struct bytes bytes)
{
    const struct inspect_visitor *visitor = inspection->visitor;
    struct record record;

    if (position < inspection->summary->checkpointed)
        return 0;
    inspection->summary->needed++;
    if (!records_decode(&record, position, bytes))
        return tell(inspection, inspection->name, offset, true, "what a record says is unknown");
    if (!visitor->record)
        return 0;
    return visitor->record(visitor->context, inspection->name, offset, position, &record);
}

static int take_frame(struct inspection *inspection, uint64_t offset, const struct frame *frame)
{
    struct bytes rest = bytes_of(inspection->body, frame->body_size);
    uint64_t at = offset + FRAME_HEAD_SIZE;
    struct bytes record;
    int result = tell_gap(inspection, offset, inspection->next, frame->position);

    for (uint32_t i = 0; result == 0 && i < frame->count && record_take(&rest, &record); i++) {
        result = tell_record(inspection, at, frame->position + i, record);
        at += record_room(record.size);
    }
    inspection->next = frame->position + frame->count;
    inspection->sum = frame->sum;
    inspection->summary->records += frame->count;
    inspection->summary->log_bytes += frame_size(frame->body_size);
    return result;
}

/* The next frame of the file that is whole and says something new, from that block on. */
static int find_frame(struct inspection *inspection, uint64_t *offset, struct frame *out)
{
    int result = 0;

    for (; *offset + FRAME_HEAD_SIZE <= inspection->file_size; *offset += BLOCK_SIZE) {
        result = read_frame(inspection, *offset, out);
        if (result < 0 || (result > 0 && out->position >= inspection->next))
            return result;
    }
    return 0;
}

/* What was begun at the end of the log, and not finished. */
static bool is_begun(struct inspection *inspection, uint64_t offset)
{
    const struct files *files = &inspection->files;
    uint8_t head[FRAME_HEAD_SIZE];
    struct frame frame;

    return files->read(files->context, inspection->file, head, sizeof(head), offset) ==
            sizeof(head) &&
            frame_decode(&frame, inspection->seed, head) && frame.position == inspection->next &&
            frame.chain == inspection->sum;
}

static int read_frames(struct inspection *inspection, bool is_last, bool lazy)
{
    uint64_t offset = BLOCK_SIZE;
    uint64_t broken;
    struct frame frame;
    int result;

    for (;;) {
        broken = offset;
        result = find_frame(inspection, &offset, &frame);
        if (result <= 0)
            break;
        if (offset > broken)
            result = tell(inspection, inspection->name, broken, !lazy || !is_last,
                    "a frame is broken, and later ones are there");
        else
            result = 0;
        if (result == 0)
            result = take_frame(inspection, offset, &frame);
        if (result != 0)
            return result;
        offset += frame_size(frame.body_size);
    }
    if (result == 0 && is_last && is_begun(inspection, broken))
        return tell(inspection, inspection->name, broken, false, "the last write is not finished");
    return result;
}

/* ---- Segments ---- */

static int take_head(struct inspection *inspection, const struct segment_head *head, uint64_t sum)
{
    uint64_t expected = inspection->has_seed ? inspection->next : 0;
    bool follows = !inspection->has_seed || inspection->next >= head->position;

    if (inspection->has_seed && head->seed != inspection->seed)
        return tell(inspection, inspection->name, 0, true, "the file belongs to another log");
    if (!inspection->has_seed)
        inspection->next = head->position;
    inspection->has_seed = true;
    inspection->seed = head->seed;
    inspection->sum = sum;
    /* The archive has them, but no server starts with a log that has a gap. */
    if (!follows && head->position <= inspection->summary->checkpointed)
        return tell(inspection, inspection->name, 0, true, "records before this are missing");
    return tell_gap(inspection, 0, expected, head->position);
}

/* Of a file whose head is broken the frames are read all the same, where another one has told by
 * what they are summed. */
static int read_segment(struct inspection *inspection, uint64_t number, bool is_last)
{
    const struct files *files = &inspection->files;
    uint8_t block[BLOCK_SIZE];
    struct segment_head head = { 0 };
    uint64_t sum;
    int64_t got = files->read(files->context, inspection->file, block, sizeof(block), 0);
    enum segment_judgement judgement = SEGMENT_BROKEN;
    int result = 0;

    if (got == sizeof(block))
        judgement = segment_head_decode(&head, &sum, block);
    if (judgement == SEGMENT_OF_OTHER_VERSION)
        return tell(inspection, inspection->name, 0, true, "another version has written it");
    if (judgement == SEGMENT_GOOD && head.number == number)
        result = take_head(inspection, &head, sum);
    else if (!is_last)
        result = tell(inspection, inspection->name, 0, true, "the file's head is broken");
    if (result != 0 || !inspection->has_seed)
        return result;
    return read_frames(inspection, is_last, head.flags & SEGMENT_LAZY);
}

static int open_segment(struct inspection *inspection, size_t index)
{
    const struct files *files = &inspection->files;
    bool is_last = index + 1 == inspection->number_count;
    int64_t size;
    int result;

    segment_name(inspection->name, "log", inspection->numbers[index]);
    inspection->file = files->open(files->context, inspection->name, false);
    if (inspection->file < 0)
        return tell(inspection, inspection->name, 0, true, "the file cannot be opened");
    size = files->size(files->context, inspection->file);
    inspection->file_size = size < 0 ? 0 : (uint64_t)size;
    result = read_segment(inspection, inspection->numbers[index], is_last);
    files->close(files->context, inspection->file);
    inspection->summary->segments++;
    /* What cannot be read is told; the next one may be readable. */
    if (result == -EIO)
        return tell(inspection, inspection->name, 0, true, "the disk cannot read it");
    return result;
}

/* ---- The folder ---- */

static int note_name(void *context, const char *name)
{
    struct inspection *inspection = context;
    uint64_t number;

    if (!segment_number(name, "log", &number))
        return 0;
    if (inspection->number_count == inspection->number_room) {
        size_t room = inspection->number_room > 0 ? inspection->number_room * 2 : 64;
        uint64_t *numbers = realloc(inspection->numbers, room * sizeof(*numbers));

        if (!numbers)
            return -ENOMEM;
        inspection->numbers = numbers;
        inspection->number_room = room;
    }
    inspection->numbers[inspection->number_count++] = number;
    return 0;
}

static int compare_numbers(const void *left, const void *right)
{
    const uint64_t *a = left;
    const uint64_t *b = right;

    return (*a > *b) - (*a < *b);
}

static int read_log(struct inspection *inspection)
{
    const struct files *files = &inspection->files;
    int result = files->list(files->context, note_name, inspection);

    if (result == 0 && inspection->number_count > 0)
        qsort(inspection->numbers, inspection->number_count, sizeof(uint64_t), compare_numbers);
    for (size_t i = 0; result == 0 && i < inspection->number_count; i++) {
        if (i > 0 && inspection->numbers[i] != inspection->numbers[i - 1] + 1) {
            segment_name(inspection->name, "log", inspection->numbers[i - 1] + 1);
            result = tell(inspection, inspection->name, 0, true, "the file is missing");
        }
        if (result == 0)
            result = open_segment(inspection, i);
    }
    if (result == 0 && inspection->next < inspection->summary->checkpointed)
        result = tell(inspection, inspection->name, 0, true, "the end of the log is missing");
    return result;
}

/* ---- The archive ---- */

/* Counts what goes by on its way to who asked. */
static int pass_entry(void *context, unsigned table, struct bytes key, struct bytes value)
{
    struct inspection *inspection = context;
    const struct store_visitor *to = inspection->visitor->archive;

    inspection->summary->entries++;
    return to && to->entry ? to->entry(to->context, table, key, value) : 0;
}

static int pass_noted(void *context, const struct store_item *item)
{
    const struct inspection *inspection = context;
    const struct store_visitor *to = inspection->visitor->archive;

    return to && to->noted ? to->noted(to->context, item) : 0;
}

static int pass_queue(void *context, uint64_t queue, uint64_t count, uint64_t bytes, uint64_t first,
        uint64_t last)
{
    struct inspection *inspection = context;
    const struct store_visitor *to = inspection->visitor->archive;

    inspection->summary->queues++;
    return to && to->queue ? to->queue(to->context, queue, count, bytes, first, last) : 0;
}

static int pass_item(void *context, const struct store_item *item)
{
    struct inspection *inspection = context;
    const struct store_visitor *to = inspection->visitor->archive;

    inspection->summary->items++;
    return to && to->item ? to->item(to->context, item) : 0;
}

/* A value that is not what was written; of a long key, its beginning. */
static int tell_value(void *context, unsigned table, struct bytes key)
{
    struct inspection *inspection = context;
    const struct inspect_visitor *visitor = inspection->visitor;
    struct inspect_finding finding = {
        .file = ARCHIVE_FILE, .text = "a value is not what was written", .loss = true
    };
    char *out = finding.key + snprintf(finding.key, sizeof(finding.key), "%02u/", table % 100);

    for (size_t i = 0; i < key.size && i < INSPECT_KEY_MAX; i++)
        out += snprintf(out, 3, "%02x", key.data[i]);
    inspection->summary->findings++;
    inspection->summary->losses++;
    inspection->stateless |= table == STORE_TABLES_MAX;
    return visitor->finding ? visitor->finding(visitor->context, &finding) : 0;
}

/* All that can be read. What is there without the archive's word of itself is not to be had: nobody
 * knows from where on the log is needed then. */
static int pass_archive(struct inspection *inspection, const struct archive *archive, bool in_order)
{
    const struct store_visitor *to = inspection->visitor->archive;
    const struct store_visitor counting = { .entry = pass_entry,
        .noted = to && to->noted ? pass_noted : NULL,
        .queue = pass_queue,
        .item = pass_item,
        .skips = true,
        .context = inspection };
    struct cold cold;
    int result = inspection->stateless ? -EBADMSG : cold_open(&cold, archive, 0, 0);

    if (inspection->stateless)
        return result;
    if (result == 0 && !in_order && cold.state.checkpointed == 0)
        result = -EBADMSG;
    if (result == 0) {
        inspection->summary->has_archive = true;
        inspection->summary->checkpointed = cold.state.checkpointed;
        result = walk_archive(archive, &counting);
    }
    cold_close(&cold);
    return result;
}

static int tell_page(void *context, uint64_t offset)
{
    struct inspection *inspection = context;

    if (offset == inspection->broken)
        return 0;
    return tell(inspection, ARCHIVE_FILE, offset, true, "a page is broken");
}

/* What is on sound pages; `broken` is the offset of one that is not. */
static int read_pages(struct inspection *inspection, const char *folder, uint64_t broken)
{
    const struct archive_pages_findings findings = { tell_page, tell_value, inspection };
    struct archive_pages *pages;
    struct archive archive;
    int result = tell_page(inspection, broken);

    inspection->broken = broken;
    if (result == 0)
        result = archive_pages_open(&pages, &archive, folder, &findings);
    if (result != 0)
        return result;
    result = pass_archive(inspection, &archive, false);
    archive_pages_close(pages);
    return result;
}

static int read_lmdb(struct inspection *inspection, const char *folder)
{
    struct archive_lmdb *lmdb;
    struct archive archive;
    int verified;
    int result = archive_lmdb_open(&lmdb, &archive, folder, ARCHIVE_SALVAGES, 0);

    if (result == -ENOENT)
        return 0;
    if (result < 0)
        return tell(inspection, ARCHIVE_FILE, 0, true,
                result == -EPROTO ? "another version has written it" : "it cannot be opened");
    verified = archive_lmdb_verify(lmdb, tell_value, inspection);
    result = verified == 0 || verified == -EBADMSG ? pass_archive(inspection, &archive, true)
                                                   : verified;
    archive_lmdb_close(lmdb);
    return result == 0 ? verified : result;
}

/* While a server writes its pages, they cannot be looked at. LMDB may not survive one that is
 * broken. */
static int read_archive(struct inspection *inspection, const char *folder)
{
    uint64_t offset;
    int result = inspection->summary->in_use ? 0 : pages_check(folder, UINT64_MAX, &offset);

    if (result == -ENOENT)
        return 0;
    if (result == 0)
        result = read_lmdb(inspection, folder);
    else if (result == -EBADMSG)
        result = read_pages(inspection, folder, offset);
    if (result == -EBADMSG || result == -EPROTO || result == -EIO)
        return tell(inspection, ARCHIVE_FILE, 0, true,
                result == -EPROTO ? "another version has written it"
                                  : "not all that is in it can be read");
    return result;
}

int inspect_store(
        const char *folder, const struct inspect_visitor *visitor, struct inspect_summary *out)
{
    struct inspection inspection = { .visitor = visitor, .summary = out, .broken = UINT64_MAX };
    struct folder opened;
    int result;

    *out = (struct inspect_summary){ 0 };
    result = files_open_reading(&inspection.files, &opened, folder, &out->in_use);
    if (result < 0)
        return result;
    result = read_archive(&inspection, folder);
    if (result == 0)
        result = read_log(&inspection);
    out->next = inspection.next > out->checkpointed ? inspection.next : out->checkpointed;
    if (result == 0 && out->segments == 0 && !out->has_archive && out->findings == 0)
        result = -ENOENT;
    free(inspection.numbers);
    free(inspection.body);
    files_close(&opened);
    return result;
}
