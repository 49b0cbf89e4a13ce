/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a running server can be asked: a table of commands, each a function from a JSON object to a
 * JSON object. A request and its answer are one line each:
 *
 *     {"command": "kick", "id": "cam/1"}
 *     {"ok": true, "answer": {"found": true}}
 *     {"ok": false, "problem": "kick needs \"id\""}
 */
#ifndef BROKER_ADMIN_COMMAND_H
#define BROKER_ADMIN_COMMAND_H

#include "base/bytes.h"

#include <jansson.h>
#include <stdbool.h>

enum {
    COMMAND_ARGUMENTS_MAX = 8, /* of one command */
    COMMAND_PROBLEM_MAX = 255,
};

struct command_argument {
    const char *name; /* NULL ends the list */
    json_type type;   /* JSON_STRING or JSON_INTEGER; JSON_TRUE stands for both truths */
    bool required;
};

struct command {
    const char *name;
    /*
     * Gets a request whose arguments are those of the row. Returns a new object; or NULL, with a
     * sentence in `problem` (COMMAND_PROBLEM_MAX + 1 bytes) unless memory is short.
     */
    json_t *(*run)(void *context, const json_t *request, char *problem);
    struct command_argument arguments[COMMAND_ARGUMENTS_MAX + 1];
};

struct command_table {
    const struct command *commands;
    size_t count;
    void *context;
};

/*
 * Answers a request, which is any bytes without the line's end. Returns the answer as a line with
 * its end, in memory for free(); or NULL when memory is short. `run` is called at most once, and
 * only for a request that the row allows.
 */
char *command_answer(const struct command_table *table, struct bytes request);

/* A text that a peer sent as JSON: bytes that are not UTF-8 become '?'. NULL: no memory. */
json_t *command_text(struct bytes text);

/* The text of that name in a request; NULL where there is none. */
const char *command_string(const json_t *request, const char *name);

/* The number of that name, or the other where there is none. */
json_int_t command_number(const json_t *request, const char *name, json_int_t otherwise);

#endif
