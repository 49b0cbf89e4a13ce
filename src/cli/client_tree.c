/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/client_tree.h"

#include <stdlib.h>

enum { FIRST_CAPACITY = 64, INDENT = 2 };

bool client_tree_add(struct client_tree *tree, const struct nj_message *message)
{
    struct client_leaf *leaf;

    if (tree->count == CLIENT_TREE_TOPICS_MAX)
        return false;
    if (tree->count == tree->capacity) {
        size_t capacity = tree->capacity > 0 ? tree->capacity * 2 : FIRST_CAPACITY;
        struct client_leaf *leaves =
                (struct client_leaf *)realloc(tree->leaves, capacity * sizeof(*leaves));

        if (!leaves)
            return false;
        tree->leaves = leaves;
        tree->capacity = capacity;
    }
    leaf = &tree->leaves[tree->count];
    leaf->topic = strndup((const char *)message->topic.data, message->topic.size);
    if (!leaf->topic)
        return false;
    leaf->size = message->payload.size;
    if (leaf->size > 0)
        memcpy(leaf->payload, message->payload.data,
                leaf->size < CLIENT_TREE_SHOWN_MAX ? leaf->size : CLIENT_TREE_SHOWN_MAX);
    tree->count++;
    return true;
}

/* A slash comes before all else, so that a topic is followed by what lies below it. */
static int compare(const void *a, const void *b)
{
    const char *one = ((const struct client_leaf *)a)->topic;
    const char *other = ((const struct client_leaf *)b)->topic;
    int left;
    int right;

    while (*one != '\0' && *one == *other)
        one++, other++;
    left = *one == '/' ? 1 : *one == '\0' ? 0 : 1 + (unsigned char)*one;
    right = *other == '/' ? 1 : *other == '\0' ? 0 : 1 + (unsigned char)*other;
    return left - right;
}

static void print_payload(const struct client_leaf *leaf, FILE *out)
{
    size_t shown = leaf->size < CLIENT_TREE_SHOWN_MAX ? leaf->size : CLIENT_TREE_SHOWN_MAX;

    fputs(" = ", out);
    for (size_t i = 0; i < shown; i++) {
        unsigned char byte = (unsigned char)leaf->payload[i];

        fputc(byte < ' ' || byte == 0x7f ? '.' : byte, out);
    }
    if (shown < leaf->size)
        fprintf(out, "... (%zu bytes)", leaf->size);
}

/* The levels from the first one that the topic printed before does not have. */
static void print_leaf(const struct client_leaf *leaf, const char *before, FILE *out)
{
    const char *level = leaf->topic;
    int depth = 0;

    for (bool shared = true;; depth++) {
        size_t size = strcspn(level, "/");

        shared = shared && before && strncmp(level, before, size) == 0 &&
                (before[size] == '/' || before[size] == '\0') && level[size] != '\0';
        if (!shared) {
            fprintf(out, "%*s%.*s", depth * INDENT, "", (int)size, level);
            if (level[size] == '\0')
                break;
            fputc('\n', out);
        }
        before = shared && before[size] == '/' ? before + size + 1 : NULL;
        level += size + 1;
    }
    print_payload(leaf, out);
    fputc('\n', out);
}

void client_tree_print(struct client_tree *tree, FILE *out)
{
    const char *before = NULL;

    if (tree->count > 0)
        qsort(tree->leaves, tree->count, sizeof(*tree->leaves), compare);
    for (size_t i = 0; i < tree->count; i++) {
        print_leaf(&tree->leaves[i], before, out);
        before = tree->leaves[i].topic;
    }
}

void client_tree_deinit(struct client_tree *tree)
{
    for (size_t i = 0; i < tree->count; i++)
        free(tree->leaves[i].topic);
    free(tree->leaves);
}
