/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request to the control socket of any bytes is answered by one line, a JSON object that says
 * whether it went well; a command runs only where the table allows its arguments.
 */
#include "broker/admin/command.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the row demands is there, of its type; what it may have too, where it is there. */
static json_t *run(void *context, const json_t *request, char *problem)
{
    json_t *number = json_object_get(request, "number");
    json_t *flag = json_object_get(request, "flag");

    ++*(unsigned *)context;
    assert(command_string(request, "text"));
    assert(!number || json_is_integer(number));
    assert(!flag || json_is_boolean(flag));
    assert(json_object_size(request) == 2u + (number != NULL) + (flag != NULL));
    if (json_is_true(flag)) {
        strcpy(problem, "no");
        return NULL;
    }
    return json_pack("{s:o}", "text", command_text(bytes_of_text(command_string(request, "text"))));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct command commands[] = {
        { "run", run,
                { { "text", JSON_STRING, true }, { "number", JSON_INTEGER, false },
                        { "flag", JSON_TRUE, false } } },
    };
    unsigned ran = 0;
    const struct command_table table = { commands, 1, &ran };
    char *line = command_answer(&table, bytes_of(data, size));
    json_t *answer;
    json_t *text;

    assert(line);
    assert(strchr(line, '\n') == line + strlen(line) - 1);
    answer = json_loads(line, 0, NULL);
    assert(json_is_boolean(json_object_get(answer, "ok")));
    assert(ran <= 1 && (ran == 1 || json_is_false(json_object_get(answer, "ok"))));
    json_decref(answer);
    free(line);
    /* A peer's own text, which may be any bytes. */
    text = command_text(bytes_of(data, size));
    assert(json_is_string(text));
    json_decref(text);
    return 0;
}
