/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Topics and their payloads as a tree, one level a line: the view of `nightjar sub --tree`.
 */
#ifndef CLI_CLIENT_TREE_H
#define CLI_CLIENT_TREE_H

#include "nightjar/mqtt.h"

#include <stdio.h>

enum {
    CLIENT_TREE_TOPICS_MAX = 1000000,
    CLIENT_TREE_SHOWN_MAX = 60, /* bytes of a payload that are shown */
};

struct client_leaf {
    char *topic;
    size_t size; /* of the payload */
    char payload[CLIENT_TREE_SHOWN_MAX];
};

struct client_tree {
    struct client_leaf *leaves;
    size_t count;
    size_t capacity;
};

/* Adds a topic; false when there are CLIENT_TREE_TOPICS_MAX, or memory is short. */
bool client_tree_add(struct client_tree *tree, const struct nj_message *message);

/* Prints all, in the order of their levels. */
void client_tree_print(struct client_tree *tree, FILE *out);

void client_tree_deinit(struct client_tree *tree);

#endif
