/* SPDX-License-Identifier: Apache-2.0 */
#include "store/pages.h"

#include "store/archive_lmdb.h"
#include "store/cold.h"
#include "store/pages_form.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum tree_kind { TREE_OF_FREE, TREE_OF_TREES, TREE_OF_VALUES };

/* What has been seen of a tree so far. */
struct tree {
    enum tree_kind kind;
    bool may_repeat; /* the last key was a branch's, and may be that of a node, too */
    uint64_t nodes;
    uint64_t large; /* pages of large values */
    size_t last_size;
    uint8_t last[ARCHIVE_KEY_MAX]; /* key */
};

struct pages {
    int file;
    uint64_t all_max;
    struct tree *tree; /* that is read */
    uint32_t size;     /* of a page */
    uint64_t last;     /* page */
    uint64_t end;      /* of the file */
    uint64_t free;     /* pages in lists of free ones */
    uint64_t unread;   /* pages at most: trees that meet themselves come to an end */
    uint64_t broken;   /* page */
    uint8_t *levels;   /* one page each */
};

static int find_broken(struct pages *pages, uint64_t page)
{
    pages->broken = page;
    return -EBADMSG;
}

/* As much of a page as that; what is behind the file's end is broken. */
static int read_page(struct pages *pages, uint64_t page, uint8_t *out, uint32_t size)
{
    ssize_t got;

    if (page > pages->last || pages->unread == 0)
        return find_broken(pages, page);
    pages->unread--;
    got = pread(pages->file, out, size, (off_t)(page * pages->size));
    if (got < 0)
        return -errno;
    return (uint32_t)got == size && number_at(out, 8) == page ? 0 : find_broken(pages, page);
}

/* A value of that size on pages of its own, which are counted. */
static int check_large(struct pages *pages, uint64_t page, uint64_t size)
{
    uint8_t head[HEAD_SIZE];
    uint64_t count;
    int result = read_page(pages, page, head, sizeof(head));

    if (result < 0)
        return result;
    count = number_at(head + 12, 4);
    pages->tree->large += count;
    return number_at(head + 10, 2) == OVERFLOW_PAGE && count <= pages->last &&
                    page + count - 1 <= pages->last && count * pages->size >= HEAD_SIZE + size &&
                    page * pages->size + HEAD_SIZE + size <= pages->end
            ? 0
            : find_broken(pages, page);
}

/* ---- What is free ---- */

/* How many pages, and their numbers, which fall. */
static int check_list(struct pages *pages, uint64_t page, struct bytes list)
{
    uint64_t room = list.size / NUMBER_SIZE;
    uint64_t before = pages->last + 1;
    uint64_t count = room > 0 ? number_at(list.data, NUMBER_SIZE) : 0;

    if (count >= room)
        return find_broken(pages, page);
    for (uint64_t i = 1; i <= count; i++) {
        uint64_t number = number_at(list.data + i * NUMBER_SIZE, NUMBER_SIZE);

        if (number < HEADS || number >= before)
            return find_broken(pages, page);
        before = number;
    }
    pages->free += count;
    return 0;
}

/* Of one on pages of its own, which were found to be there. */
static int check_large_list(struct pages *pages, uint64_t page, size_t size)
{
    uint8_t *list = malloc(size);
    ssize_t got;
    int result;

    if (!list)
        return -ENOMEM;
    got = pread(pages->file, list, size, (off_t)(page * pages->size + HEAD_SIZE));
    if (got < 0)
        result = -errno;
    else
        result = check_list(pages, page, bytes_of(list, (size_t)got));
    free(list);
    return result;
}

/* ---- Trees ---- */

static int check_tree(
        struct pages *pages, const uint8_t *record, enum tree_kind kind, unsigned level);

/* A table's name is its number in two digits. */
static bool is_left_out(const struct pages *pages, struct bytes name)
{
    int table = name.size >= 2 ? (name.data[0] - '0') * 10 + name.data[1] - '0' : 0;

    return pages->last > pages->all_max / pages->size && table >= COLD_MESSAGES_FIRST &&
            table <= COLD_MESSAGES_LAST;
}

/* Keys rise from leaf to leaf; a branch's are not above those of the pages that they lead to. */
static int check_key(struct pages *pages, uint64_t page, struct bytes key, bool of_branch)
{
    struct tree *tree = pages->tree;
    uint8_t number[NUMBER_SIZE];
    int order;

    if (key.size == 0 || key.size > sizeof(tree->last) ||
            (tree->kind == TREE_OF_FREE && key.size != NUMBER_SIZE))
        return find_broken(pages, page);
    for (size_t i = 0; tree->kind == TREE_OF_FREE && i < NUMBER_SIZE; i++)
        number[i] = key.data[NUMBER_SIZE - 1 - i];
    if (tree->kind == TREE_OF_FREE)
        key = bytes_of(number, NUMBER_SIZE);
    order = bytes_compare(key, bytes_of(tree->last, tree->last_size));
    if (order < 0 || (order == 0 && !tree->may_repeat))
        return find_broken(pages, page);
    memcpy(tree->last, key.data, key.size);
    tree->last_size = key.size;
    tree->may_repeat = of_branch;
    return 0;
}

static int check_value(struct pages *pages, uint64_t page, const uint8_t *node, unsigned level)
{
    unsigned flags = (unsigned)number_at(node + 4, 2);
    struct bytes key = bytes_of(node + NODE_SIZE, (size_t)number_at(node + 6, 2));
    struct bytes value = bytes_of(key.data + key.size, (size_t)number_at(node, 4));
    bool is_list = pages->tree->kind == TREE_OF_FREE;
    int result;

    if (flags == 0)
        return is_list ? check_list(pages, page, value) : 0;
    if (flags == NODE_LARGE) {
        result = check_large(pages, number_at(value.data, 8), value.size);
        return result < 0 || !is_list
                ? result
                : check_large_list(pages, number_at(value.data, 8), value.size);
    }
    if (flags != NODE_TREE || value.size != TREE_SIZE || pages->tree->kind != TREE_OF_TREES)
        return find_broken(pages, page);
    return is_left_out(pages, key) ? 0 : check_tree(pages, value.data, TREE_OF_VALUES, level);
}

/* A node of a leaf, which has room for `room` bytes. */
static int check_leaf_node(
        struct pages *pages, uint64_t page, const uint8_t *node, size_t room, unsigned level)
{
    size_t key_size = (size_t)number_at(node + 6, 2);
    size_t inside = number_at(node + 4, 2) & NODE_LARGE ? 8 : (size_t)number_at(node, 4);
    int result;

    if (key_size > room - NODE_SIZE || inside > room - NODE_SIZE - key_size)
        return find_broken(pages, page);
    pages->tree->nodes++;
    result = check_key(pages, page, bytes_of(node + NODE_SIZE, key_size), false);
    return result < 0 ? result : check_value(pages, page, node, level);
}

static int check_page(struct pages *pages, uint64_t page, unsigned depth, unsigned level);

/* The same of a branch. The key of its first one says nothing. */
static int check_branch_node(struct pages *pages, uint64_t page, const uint8_t *node, size_t room,
        bool is_first, unsigned depth, unsigned level)
{
    size_t key_size = (size_t)number_at(node + 6, 2);
    int result = 0;

    if (key_size > room - NODE_SIZE)
        return find_broken(pages, page);
    if (!is_first)
        result = check_key(pages, page, bytes_of(node + NODE_SIZE, key_size), true);
    return result < 0 ? result : check_page(pages, number_at(node, 6), depth - 1, level);
}

/* A page that has `depth` - 1 levels below it in its tree. */
static int check_page(struct pages *pages, uint64_t page, unsigned depth, unsigned level)
{
    uint8_t *data = pages->levels + (size_t)level * pages->size;
    int result = level < LEVELS_MAX ? read_page(pages, page, data, pages->size)
                                    : find_broken(pages, page);
    size_t lower;
    size_t upper;

    if (result < 0)
        return result;
    lower = (size_t)number_at(data + 12, 2);
    upper = (size_t)number_at(data + 14, 2);
    if (number_at(data + 10, 2) != (depth > 1 ? BRANCH : LEAF) || lower <= HEAD_SIZE ||
            lower > upper || upper > pages->size)
        return find_broken(pages, page);
    for (size_t at = HEAD_SIZE; result == 0 && at + 1 < lower; at += 2) {
        size_t node = (size_t)number_at(data + at, 2);

        if (node < upper || node + NODE_SIZE > pages->size)
            return find_broken(pages, page);
        if (depth == 1)
            result = check_leaf_node(pages, page, data + node, pages->size - node, level + 1);
        else
            result = check_branch_node(pages, page, data + node, pages->size - node,
                    at == HEAD_SIZE, depth, level + 1);
    }
    return result;
}

/* Those of the first tree are the file's, too. */
static bool are_flags_ours(const uint8_t *record, enum tree_kind kind)
{
    uint64_t flags = number_at(record + TREE_FLAGS, 2);

    return kind == TREE_OF_FREE ? (flags | FILE_ALONE) == (KEYS_ARE_NUMBERS | FILE_ALONE)
                                : flags == 0;
}

/* By its record, which counts what is in it. */
static int check_tree(
        struct pages *pages, const uint8_t *record, enum tree_kind kind, unsigned level)
{
    struct tree tree = { .kind = kind };
    struct tree *above = pages->tree;
    unsigned depth = (unsigned)number_at(record + 6, 2);
    uint64_t root = number_at(record + 40, 8);
    uint64_t first = root == NO_PAGE ? 0 : root;
    int result = 0;

    if (!are_flags_ours(record, kind) || (root != NO_PAGE && (depth == 0 || depth > LEVELS_MAX)))
        return find_broken(pages, first);
    pages->tree = &tree;
    if (root != NO_PAGE)
        result = check_page(pages, root, depth, level);
    pages->tree = above;
    if (result == 0 &&
            (tree.nodes != number_at(record + TREE_NODES, 8) ||
                    tree.large != number_at(record + TREE_LARGE, 8)))
        result = find_broken(pages, first);
    return result;
}

/* ---- Heads ---- */

/* Each transaction writes one head, an even one the first; a new file has had none. */
static bool are_in_turns(uint64_t first, uint64_t second)
{
    return first % 2 == 0 && (second == first + 1 || second == first - 1 || (first | second) == 0);
}

/* Reads the head that LMDB takes: of two the later one. Returns 1; 0: it is for LMDB to say; or
 * -EBADMSG. */
static int read_head(struct pages *pages, uint8_t out[META_SIZE])
{
    uint8_t heads[2][META_SIZE];
    unsigned later;

    if (pread(pages->file, heads[0], META_SIZE, 0) != META_SIZE ||
            number_at(heads[0] + HEAD_SIZE, 4) != MAGIC)
        return 0;
    pages->size = (uint32_t)number_at(heads[0] + META_TREES, 4);
    if (!is_page_size(pages->size) || !is_head(heads[0], pages->size))
        return find_broken(pages, 0);
    if (pread(pages->file, heads[1], META_SIZE, pages->size) != META_SIZE ||
            !is_head(heads[1], pages->size))
        return find_broken(pages, 1);
    later = number_at(heads[1] + META_NUMBER, 8) > number_at(heads[0] + META_NUMBER, 8);
    if (!are_in_turns(number_at(heads[0] + META_NUMBER, 8), number_at(heads[1] + META_NUMBER, 8)))
        return find_broken(pages, later);
    memcpy(out, heads[later], META_SIZE);
    return 1;
}

/* Pages that were freed before they were ever written may be missing at the file's end. */
static int check_end(struct pages *pages)
{
    uint64_t count = pages->end / pages->size;

    return pages->last < count || pages->last - count < pages->free ? 0 : find_broken(pages, count);
}

static int check_trees(struct pages *pages)
{
    uint8_t head[META_SIZE];
    struct stat file;
    int result = read_head(pages, head);

    if (result <= 0)
        return result;
    if (fstat(pages->file, &file) < 0)
        return -errno;
    pages->last = number_at(head + META_LAST, 8);
    pages->end = (uint64_t)file.st_size;
    pages->unread = pages->end / pages->size;
    pages->levels = malloc((size_t)LEVELS_MAX * pages->size);
    if (!pages->levels)
        return -ENOMEM;
    result = check_tree(pages, head + META_TREES, TREE_OF_FREE, 0);
    if (result == 0)
        result = check_end(pages);
    if (result == 0)
        result = check_tree(pages, head + META_TREES + TREE_SIZE, TREE_OF_TREES, 0);
    return result;
}

int pages_open(const char *folder)
{
    int opened = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int file;

    if (opened < 0)
        return -errno;
    file = openat(opened, ARCHIVE_FILE, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        file = -errno;
    close(opened);
    return file;
}

int pages_check(const char *folder, uint64_t all_max, uint64_t *offset)
{
    struct pages pages = { .file = pages_open(folder), .all_max = all_max };
    int result;

    if (pages.file < 0)
        return pages.file;
    result = check_trees(&pages);
    *offset = pages.broken * pages.size;
    free(pages.levels);
    close(pages.file);
    return result;
}
