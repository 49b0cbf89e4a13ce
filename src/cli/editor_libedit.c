/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/editor.h"

#include <errno.h>
#include <histedit.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define LINE_CLEAR "\r\033[K"

enum { CONTROL_D = 4 };

struct editor {
    EditLine *line;
    History *past;
    const char *prompt;
    const char *path;
    editor_candidates candidates;
    void *context;
    char *typed; /* the last whole line */
};

static struct editor *editor_of(EditLine *line)
{
    void *editor = NULL;

    el_get(line, EL_CLIENTDATA, &editor);
    return (struct editor *)editor;
}

static char *prompt_of(EditLine *line)
{
    return (char *)(uintptr_t)editor_of(line)->prompt;
}

/* How many bytes all candidates have in common. */
static size_t common_size(const char *const candidates[], size_t count)
{
    size_t size = strlen(candidates[0]);

    for (size_t i = 1; i < count; i++)
        for (size_t at = 0; at < size; at++)
            if (candidates[i][at] != candidates[0][at])
                size = at;
    return size;
}

static void list(struct editor *editor, const char *const candidates[], size_t count)
{
    putchar('\n');
    for (size_t i = 0; i < count; i++)
        printf("%s  ", candidates[i]);
    putchar('\n');
    fflush(stdout);
    el_set(editor->line, EL_REFRESH);
}

/* Puts in what all candidates have beyond the word typed; where that is nothing, lists them. */
static unsigned char complete(EditLine *line, wint_t key)
{
    struct editor *editor = editor_of(line);
    const LineInfo *info = el_line(line);
    size_t size = (size_t)(info->cursor - info->buffer);
    const char *candidates[EDITOR_CANDIDATES_MAX];
    size_t count = editor->candidates(
            editor->context, info->buffer, size, candidates, EDITOR_CANDIDATES_MAX);
    size_t word = 0;
    size_t common;
    char more[256];

    (void)key;
    while (word < size && info->cursor[-1 - (ptrdiff_t)word] != ' ')
        word++;
    if (count == 0)
        return CC_REFRESH_BEEP;
    common = common_size(candidates, count);
    if (common <= word && count > 1) {
        list(editor, candidates, count);
        return CC_REDISPLAY;
    }
    snprintf(more, sizeof(more), "%.*s%s", common > word ? (int)(common - word) : 0,
            candidates[0] + word, count == 1 ? " " : "");
    el_insertstr(line, more);
    return CC_REFRESH;
}

static bool set_up(struct editor *editor)
{
    HistEvent event;

    if (!editor->line || !editor->past)
        return false;
    history(editor->past, &event, H_SETSIZE, EDITOR_HISTORY_LINES);
    history(editor->past, &event, H_SETUNIQUE, 1);
    if (editor->path)
        history(editor->past, &event, H_LOAD, editor->path);
    el_set(editor->line, EL_CLIENTDATA, editor);
    el_set(editor->line, EL_PROMPT, prompt_of);
    el_set(editor->line, EL_EDITOR, "emacs");
    el_set(editor->line, EL_HIST, history, editor->past);
    /* In wide characters, for of others it makes copies that it never frees. */
    el_wset(editor->line, EL_ADDFN, L"complete", L"completes a word", complete);
    el_set(editor->line, EL_BIND, "\t", "complete", NULL);
    el_set(editor->line, EL_UNBUFFERED, 1);
    return true;
}

struct editor *editor_open(
        const char *prompt, const char *history_path, editor_candidates candidates, void *context)
{
    struct editor *editor = (struct editor *)calloc(1, sizeof(*editor));

    if (!editor)
        return NULL;
    *editor = (struct editor){
        .line = el_init("nightjar", stdin, stdout, stderr),
        .past = history_init(),
        .prompt = prompt,
        .path = history_path,
        .candidates = candidates,
        .context = context,
    };
    if (!set_up(editor)) {
        editor_close(editor);
        return NULL;
    }
    return editor;
}

enum editor_result editor_take(struct editor *editor, const char **line)
{
    int count = 0;
    const char *typed;
    HistEvent event;

    errno = 0;
    typed = el_gets(editor->line, &count);
    /* An empty line that is not done gives -1 too, but no error. */
    if ((count < 0 && errno != 0) || (typed && count == 1 && typed[0] == CONTROL_D))
        return EDITOR_END;
    if (!typed || count <= 0 || (typed[count - 1] != '\n' && typed[count - 1] != '\r'))
        return EDITOR_MORE;
    free(editor->typed);
    editor->typed = strndup(typed, (size_t)count - 1);
    if (count > 1)
        history(editor->past, &event, H_ENTER, typed);
    el_set(editor->line, EL_UNBUFFERED, 0);
    el_set(editor->line, EL_UNBUFFERED, 1); /* begins a new line */
    *line = editor->typed ? editor->typed : "";
    return EDITOR_LINE;
}

void editor_hide(struct editor *editor)
{
    (void)editor;
    fputs(LINE_CLEAR, stdout);
}

void editor_show(struct editor *editor)
{
    fflush(stdout);
    el_set(editor->line, EL_REFRESH);
}

void editor_close(struct editor *editor)
{
    HistEvent event;

    if (!editor)
        return;
    if (editor->line) {
        el_set(editor->line, EL_UNBUFFERED, 0);
        el_end(editor->line);
    }
    if (editor->past && editor->path)
        history(editor->past, &event, H_SAVE, editor->path);
    if (editor->past)
        history_end(editor->past);
    free(editor->typed);
    free(editor);
}
