/* SPDX-License-Identifier: Apache-2.0 */
/* Tells what is on those pages of an archive that can be read. */
#include "store/pages.h"
#include "store/pages_form.h"

/* On its way through a file. */
struct reading {
    struct bytes content;
    const struct pages_visitor *visitor;
    uint64_t size;      /* of a page */
    uint64_t count;     /* pages that are there as a whole */
    uint64_t unread;    /* pages at most: trees that meet themselves come to an end */
    uint64_t told;      /* the page that was told last to be broken */
    struct bytes table; /* the name of the one that is read; { 0 }: the list of tables */
};

/* A page once in a row. */
static int tell_broken(struct reading *reading, uint64_t page)
{
    if (reading->told == page)
        return 0;
    reading->told = page;
    return reading->visitor->broken(reading->visitor->context, page * reading->size);
}

/* NULL: it is broken. */
static const uint8_t *take_page(struct reading *reading, uint64_t page, unsigned kind)
{
    const uint8_t *data;

    if (page < HEADS || page >= reading->count || reading->unread == 0)
        return NULL;
    reading->unread--;
    data = reading->content.data + page * reading->size;
    return number_at(data, 8) == page && number_at(data + 10, 2) == kind ? data : NULL;
}

/* A value that lies on pages of its own, which follow each other. */
static int read_large(struct reading *reading, uint64_t page, struct bytes key, uint64_t size)
{
    const uint8_t *data = take_page(reading, page, OVERFLOW_PAGE);

    if (!data || size > (reading->count - page) * reading->size - HEAD_SIZE)
        return tell_broken(reading, page);
    return reading->visitor->value(reading->visitor->context, reading->table, key,
            bytes_of(data + HEAD_SIZE, (size_t)size));
}

static int read_tree(struct reading *reading, const uint8_t *record, unsigned level);

/* A table, but not in one. */
static int read_table(struct reading *reading, uint64_t page, struct bytes name,
        const uint8_t *record, unsigned level)
{
    int result;

    if (reading->table.size > 0 || name.size == 0)
        return tell_broken(reading, page);
    reading->table = name;
    result = read_tree(reading, record, level);
    reading->table = (struct bytes){ 0 };
    return result;
}

/* A node of a leaf, which has room for `room` bytes. */
static int read_value(
        struct reading *reading, uint64_t page, const uint8_t *node, uint64_t room, unsigned level)
{
    const struct pages_visitor *visitor = reading->visitor;
    struct bytes key = bytes_of(node + NODE_SIZE, (size_t)number_at(node + 6, 2));
    const uint8_t *value = node + NODE_SIZE + key.size;
    uint64_t flags = number_at(node + 4, 2);
    uint64_t size = number_at(node, 4);
    uint64_t inside = flags == NODE_LARGE ? NUMBER_SIZE : size;

    if (NODE_SIZE + key.size + inside > room)
        return tell_broken(reading, page);
    if (flags == NODE_TREE && size == TREE_SIZE)
        return read_table(reading, page, key, value, level);
    if (flags > NODE_LARGE || reading->table.size == 0)
        return tell_broken(reading, page);
    if (flags == NODE_LARGE)
        return read_large(reading, number_at(value, 8), key, size);
    return visitor->value(visitor->context, reading->table, key, bytes_of(value, (size_t)size));
}

/* A page that has `depth` - 1 levels below it in its tree, and `level` above it in all. */
static int read_page(struct reading *reading, uint64_t page, unsigned depth, unsigned level)
{
    const uint8_t *data =
            level < LEVELS_MAX ? take_page(reading, page, depth > 1 ? BRANCH : LEAF) : NULL;
    uint64_t lower = data ? number_at(data + 12, 2) : 0;
    int result = 0;

    if (lower <= HEAD_SIZE || lower > reading->size)
        return tell_broken(reading, page);
    for (uint64_t at = HEAD_SIZE; result == 0 && at + 1 < lower; at += 2) {
        uint64_t place = number_at(data + at, 2);

        if (place < lower || place + NODE_SIZE > reading->size)
            result = tell_broken(reading, page);
        else if (depth > 1)
            result = read_page(reading, number_at(data + place, 6), depth - 1, level + 1);
        else
            result = read_value(reading, page, data + place, reading->size - place, level + 1);
    }
    return result;
}

static int read_tree(struct reading *reading, const uint8_t *record, unsigned level)
{
    uint64_t depth = number_at(record + 6, 2);
    uint64_t root = number_at(record + 40, 8);

    if (root == NO_PAGE)
        return 0;
    if (depth == 0 || depth > LEVELS_MAX)
        return tell_broken(reading, root);
    return read_page(reading, root, (unsigned)depth, level);
}

/* The head that LMDB takes: of two the later one; where the second is broken, the first. */
static int read_heads(struct reading *reading)
{
    const uint8_t *first = reading->content.data;
    const uint8_t *second = first + reading->size;
    int result = 0;

    if (!is_head(second, reading->size))
        result = tell_broken(reading, 1);
    else if (number_at(second + META_NUMBER, 8) > number_at(first + META_NUMBER, 8))
        first = second;
    return result == 0 ? read_tree(reading, first + META_TREES + TREE_SIZE, 0) : result;
}

int pages_read(struct bytes content, const struct pages_visitor *visitor)
{
    struct reading reading = { .content = content, .visitor = visitor, .told = NO_PAGE };

    if (content.size < META_SIZE)
        return tell_broken(&reading, 0);
    reading.size = number_at(content.data + META_TREES, 4);
    if (!is_page_size(reading.size) || !is_head(content.data, reading.size) ||
            content.size < HEADS * reading.size)
        return tell_broken(&reading, 0);
    reading.count = content.size / reading.size;
    reading.unread = reading.count;
    return read_heads(&reading);
}
