/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file of access rules, in Mosquitto's grammar:
 *
 *     # a comment
 *     topic read $SYS/#                 for clients without a user name, as no user is named yet
 *     user alice                        the topics below are hers
 *     topic home/#                      to read and to write
 *     topic deny home/alarm
 *     pattern write devices/%c/state    for everybody; %c is the client id, %u the user name
 *
 * A client has the rules of its user name (or, without one, those before the first `user`), then
 * the patterns. Of each kind, what denies comes first; the first rule that fits decides, and where
 * none does the answer is no. A topic that begins with '$' fits only rules that do.
 *
 * No name opens a topic that nobody meant for it: a user name or client id with '+' or '#' gets
 * nothing by patterns, and one with '/' is not put into a pattern that grants.
 */
#ifndef BROKER_AUTH_ACL_FILE_H
#define BROKER_AUTH_ACL_FILE_H

#include "broker/auth/acl_filter.h"
#include "broker/config/line_file.h"

enum { ACL_RULES_MAX = 1000000 };

enum acl_access { ACL_DENY = 0, ACL_READ = 1, ACL_WRITE = 2 }; /* flags but for the first */

enum acl_kind { ACL_ANONYMOUS, ACL_USER, ACL_PATTERN };

struct acl_rule {
    enum acl_kind kind;
    uint8_t access; /* enum acl_access */
    unsigned line;
    struct bytes user; /* of ACL_USER */
    struct acl_filter filter;
};

/* Never changes once read; any thread may read it. */
struct acl_file {
    struct line_file lines; /* the rules borrow them */
    struct acl_rule *rules; /* by kind, user, what denies first, line */
    size_t count;
    size_t anonymous_count; /* the first of the rules */
    size_t pattern_start;   /* from here on they are patterns */
};

struct acl_decision {
    bool allowed;
    unsigned line; /* of the rule that decided; 0: there was none that fits */
};

/**
 * Reads a file and tells the report of every line that is no rule, and as a warning of patterns
 * with neither %c nor %u.
 *
 * Returns 0 and a file for acl_file_free(); or with *out untouched -EINVAL when an error was told,
 * -ENOMEM.
 */
int acl_file_read(struct acl_file **out, const char *path, const struct source *source,
        struct report *report);

/* NULL is fine. */
void acl_file_free(struct acl_file *file);

/*
 * Whether the client may read or write the topic. A filter in its place ("$share/..." taken off) is
 * allowed when a rule allows all that it can match and none denies all of it.
 */
struct acl_decision acl_file_judge(const struct acl_file *file, const struct acl_who *who,
        enum acl_access wanted, struct bytes topic);

#endif
