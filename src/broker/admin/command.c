/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/admin/command.h"

#include <stdio.h>
#include <stdlib.h>

/* jansson's macros hand out pointers to what is const; nothing here changes a request. */
static json_t *member(const json_t *request, const char *name)
{
    return json_object_get(request, name);
}

const char *command_string(const json_t *request, const char *name)
{
    return json_string_value(member(request, name));
}

json_int_t command_number(const json_t *request, const char *name, json_int_t otherwise)
{
    const json_t *number = member(request, name);

    return json_is_integer(number) ? json_integer_value(number) : otherwise;
}

json_t *command_text(struct bytes text)
{
    json_t *made = json_stringn((const char *)text.data, text.size);
    char *copy;

    if (made || text.size == 0)
        return made ? made : json_string("");
    copy = malloc(text.size);
    if (!copy)
        return NULL;
    for (size_t i = 0; i < text.size; i++)
        copy[i] = text.data[i] < 0x80 ? (char)text.data[i] : '?';
    made = json_stringn(copy, text.size);
    free(copy);
    return made;
}

/* ---- Judging a request ---- */

static const struct command *find_command(const struct command_table *table, const char *name)
{
    for (size_t i = 0; i < table->count; i++) {
        if (strcmp(table->commands[i].name, name) == 0)
            return &table->commands[i];
    }
    return NULL;
}

static const struct command_argument *find_argument(const struct command *command, const char *name)
{
    for (const struct command_argument *row = command->arguments; row->name; row++) {
        if (strcmp(row->name, name) == 0)
            return row;
    }
    return NULL;
}

static bool is_of_type(const json_t *value, json_type type)
{
    return type == JSON_TRUE ? json_is_boolean(value) : json_typeof(value) == type;
}

static const char *type_name(json_type type)
{
    return type == JSON_STRING     ? "a text"
            : type == JSON_INTEGER ? "a whole number"
                                   : "true or false";
}

/* The first thing that is wrong with the arguments, in `problem`; false when nothing is. */
static bool has_fault(const struct command *command, const json_t *request, char *problem)
{
    for (void *at = json_object_iter((json_t *)(uintptr_t)request); at;
            at = json_object_iter_next((json_t *)(uintptr_t)request, at)) {
        const char *name = json_object_iter_key(at);
        const struct command_argument *row = find_argument(command, name);

        if (strcmp(name, "command") == 0)
            continue;
        if (!row) {
            snprintf(problem, COMMAND_PROBLEM_MAX + 1, "%s has no \"%.64s\"", command->name, name);
            return true;
        }
        if (!is_of_type(json_object_iter_value(at), row->type)) {
            snprintf(problem, COMMAND_PROBLEM_MAX + 1, "\"%s\" has to be %s", name,
                    type_name(row->type));
            return true;
        }
    }
    for (const struct command_argument *row = command->arguments; row->name; row++) {
        if (row->required && !member(request, row->name)) {
            snprintf(problem, COMMAND_PROBLEM_MAX + 1, "%s needs \"%s\"", command->name, row->name);
            return true;
        }
    }
    return false;
}

/* The answer's inside, or NULL as of struct command. */
static json_t *run(const struct command_table *table, const json_t *request, char *problem)
{
    const char *name = command_string(request, "command");
    const struct command *command = name ? find_command(table, name) : NULL;

    if (!name)
        snprintf(problem, COMMAND_PROBLEM_MAX + 1,
                "a request is an object with a \"command\", which is a text");
    else if (!command)
        snprintf(problem, COMMAND_PROBLEM_MAX + 1, "there is no command \"%.64s\"", name);
    if (!command || has_fault(command, request, problem))
        return NULL;
    return command->run(table->context, request, problem);
}

/* ---- Lines ---- */

/* Takes the object. */
static char *write_line(json_t *object)
{
    size_t size = object ? json_dumpb(object, NULL, 0, JSON_COMPACT) : 0;
    char *line = size > 0 ? malloc(size + 2) : NULL;

    if (line && json_dumpb(object, line, size, JSON_COMPACT) == size) {
        line[size] = '\n';
        line[size + 1] = '\0';
    } else {
        free(line);
        line = NULL;
    }
    json_decref(object);
    return line;
}

char *command_answer(const struct command_table *table, struct bytes request)
{
    char problem[COMMAND_PROBLEM_MAX + 1] = "";
    json_error_t error;
    json_t *asked =
            json_loadb((const char *)request.data, request.size, JSON_REJECT_DUPLICATES, &error);
    json_t *answer = NULL;

    if (!asked)
        snprintf(problem, sizeof(problem), "the request is no JSON object in one line: %.160s",
                error.text);
    else
        answer = run(table, asked, problem);
    json_decref(asked);
    if (answer)
        return write_line(json_pack("{s:b, s:o}", "ok", 1, "answer", answer));
    return write_line(json_pack("{s:b, s:o}", "ok", 0, "problem",
            command_text(bytes_of_text(problem[0] ? problem : "not enough memory"))));
}
