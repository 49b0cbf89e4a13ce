/* SPDX-License-Identifier: Apache-2.0 */
/* Tells all that is in an archive. */
#include "store/store_state.h"

#include <errno.h>

static int walk_entries(const struct archive *archive, struct archive_view *view,
        const struct store_visitor *visitor)
{
    struct cold_entry entry;
    int result = 0;

    for (unsigned table = 0; visitor->entry && result == 0 && table < STORE_TABLES_MAX; table++) {
        entry = (struct cold_entry){ 0 };
        while ((result = cold_next_entry(archive, view, table, &entry)) == 0) {
            result = visitor->entry(visitor->context, table, entry.key, entry.value);
            if (result != 0)
                return result;
        }
        result = result == -ENOENT ? 0 : result;
    }
    return result;
}

/* How items are found: cold_next_of_all(), cold_next_noted(). */
typedef int (*find_item)(const struct archive *archive, struct archive_view *view, uint64_t queue,
        uint64_t from, struct cold_item *out);

static int walk_items(const struct archive *archive, struct archive_view *view, find_item find,
        const struct store_visitor *visitor,
        int (*tell)(void *context, const struct store_item *item))
{
    struct cold_item found = { 0 };
    bool skipped = false;
    int result = 0;

    while (tell && result == 0) {
        struct store_item item;

        found.tag = (struct bytes){ 0 };
        result = find(archive, view, found.queue, found.id, &found);
        if (result == -EBADMSG && visitor->skips && found.tag.data) {
            skipped = true; /* It is told where it lies. */
            result = 0;
        } else if (result == 0) {
            item = (struct store_item){ found.queue, found.id, found.tag, found.note, found.body };
            result = tell(visitor->context, &item);
        }
        found.id++;
    }
    return result != -ENOENT ? result : skipped ? -EBADMSG : 0;
}

static int walk_queues(const struct archive *archive, struct archive_view *view,
        const struct store_visitor *visitor)
{
    struct cold_queue queue = { 0 };
    int result = 0;

    while (visitor->queue && result == 0) {
        result = cold_next_queue(archive, view, queue.queue, &queue);
        if (result < 0)
            break;
        result = visitor->queue(
                visitor->context, queue.queue, queue.count, queue.bytes, queue.first, queue.last);
        if (queue.queue++ == UINT64_MAX)
            break;
    }
    return result == -ENOENT ? 0 : result;
}

int walk_view(const struct archive *archive, struct archive_view *view,
        const struct store_visitor *visitor)
{
    int result = walk_entries(archive, view, visitor);

    if (result == 0)
        result = walk_items(archive, view, cold_next_noted, visitor, visitor->noted);
    if (result == 0)
        result = walk_queues(archive, view, visitor);
    if (result == 0)
        result = walk_items(archive, view, cold_next_of_all, visitor, visitor->item);
    return result;
}

int walk_archive(const struct archive *archive, const struct store_visitor *visitor)
{
    struct archive_view *view;
    int result = cold_look(archive, &view);

    if (result < 0)
        return result;
    result = walk_view(archive, view, visitor);
    archive->abandon(archive->context, view);
    return result;
}
