/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A doubly linked list whose nodes lie inside the objects: no allocation, constant-time removal.
 * A node is in at most one list; one that is in none points to itself.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct list {
    struct list *next;
    struct list *previous;
};

/* The object that holds `member` at `pointer`. */
#define container_of(pointer, type, member) ((type *)((uintptr_t)(pointer)-offsetof(type, member)))

/* For a head: the empty list. For a node: in no list. */
static inline void list_init(struct list *list)
{
    list->next = list;
    list->previous = list;
}

static inline bool list_empty(const struct list *list)
{
    return list->next == list;
}

/* True when the node is in a list. */
static inline bool list_linked(const struct list *node)
{
    return node->next != node;
}

static inline void list_append(struct list *list, struct list *node)
{
    node->next = list;
    node->previous = list->previous;
    list->previous->next = node;
    list->previous = node;
}

/* Takes a node out of its list; fine when it is in none. */
static inline void list_remove(struct list *node)
{
    node->previous->next = node->next;
    node->next->previous = node->previous;
    list_init(node);
}

/* Takes the first node out; NULL when the list is empty. */
static inline struct list *list_take_first(struct list *list)
{
    struct list *first = list->next;

    if (first == list)
        return NULL;
    list_remove(first);
    return first;
}

/* Puts all nodes of `from`, in order, behind those of `list`; `from` is empty then. */
static inline void list_move_all(struct list *list, struct list *from)
{
    if (list_empty(from))
        return;
    from->next->previous = list->previous;
    list->previous->next = from->next;
    from->previous->next = list;
    list->previous = from->previous;
    list_init(from);
}

#endif
