/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/editor.h"

struct editor *editor_open(
        const char *prompt, const char *history, editor_candidates candidates, void *context)
{
    (void)prompt;
    (void)history;
    (void)candidates;
    (void)context;
    return NULL;
}

enum editor_result editor_take(struct editor *editor, const char **line)
{
    (void)editor;
    (void)line;
    return EDITOR_END;
}

void editor_hide(struct editor *editor)
{
    (void)editor;
}

void editor_show(struct editor *editor)
{
    (void)editor;
}

void editor_close(struct editor *editor)
{
    (void)editor;
}
