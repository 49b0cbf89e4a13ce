/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line that is typed on a terminal, with history and completion. One keystroke after the other is
 * taken, so that other things can happen meanwhile. Built on libedit, or left out where it is not
 * there (editor_none.c).
 */
#ifndef CLI_EDITOR_H
#define CLI_EDITOR_H

#include <stdbool.h>
#include <stddef.h>

enum {
    EDITOR_CANDIDATES_MAX = 1000,
    EDITOR_HISTORY_LINES = 1000,
};

struct editor;

/* Words that may stand in the place of the last one of the line typed so far, which has `size`
 * bytes; at most `max`, good until the next call. Returns how many. */
typedef size_t (*editor_candidates)(
        void *context, const char *line, size_t size, const char *out[], size_t max);

/**
 * Takes over the terminal of standard input and output. `history` is the path of a file with lines
 * typed before, or NULL; both texts are borrowed.
 *
 * Returns NULL when memory is short, or without libedit.
 */
struct editor *editor_open(
        const char *prompt, const char *history, editor_candidates candidates, void *context);

enum editor_result {
    EDITOR_MORE, /* the line is not done */
    EDITOR_LINE,
    EDITOR_END, /* ^D in an empty line, or the terminal is gone */
};

/* Takes what can be read. With EDITOR_LINE *line is what was typed, good until the next call. */
enum editor_result editor_take(struct editor *editor, const char **line);

/* Something else is to be printed: the line is taken off the screen, and put there again. */
void editor_hide(struct editor *editor);
void editor_show(struct editor *editor);

/* Gives the terminal back, and writes the history. NULL is fine. */
void editor_close(struct editor *editor);

#endif
