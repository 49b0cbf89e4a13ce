/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The topic filter of an access rule, in which %c may stand for a client's id and %u for its user
 * name, and whether it fits what a client wants to do.
 *
 * No name opens a topic that nobody meant for it: in a rule that grants, a name with '+', '#' or
 * '/' is put in nowhere, and in one that denies its bytes are but bytes.
 */
#ifndef BROKER_AUTH_ACL_FILTER_H
#define BROKER_AUTH_ACL_FILTER_H

#include "base/bytes.h"

struct acl_who {
    struct bytes user; /* empty: without a name */
    struct bytes client_id;
};

struct acl_filter {
    struct bytes text; /* a valid filter */
    bool has_client_id;
    bool has_user_name;
};

/* A filter with names in it, where the text has %c or %u. */
struct acl_filter acl_filter_with_names(struct bytes text);

/*
 * Whether a rule of that filter, which grants or denies, is about the topic; to subscribe, about
 * all that the filter in the topic's place can match. The topic is not empty; one that begins with
 * '$' fits only filters that do.
 */
bool acl_filter_fits(const struct acl_filter *filter, const struct acl_who *who, bool grants,
        struct bytes topic);

/* Whether it could stand for more than one level, or for many. */
bool acl_name_is_wild(struct bytes name);

#endif
