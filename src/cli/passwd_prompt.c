/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/passwd_prompt.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

enum { CTRL_C = 3, CTRL_D = 4, BACKSPACE = 8, CTRL_U = 21, DELETE = 127 };

/* Reads up to the end of the line. Keys that edit it count at a terminal only. */
static int read_line(bool keys, char out[PASSWD_PROMPT_MAX + 1])
{
    int size = 0;

    for (;;) {
        char key;
        ssize_t got = read(STDIN_FILENO, &key, 1);

        if (got < 0 && errno != EINTR)
            return -errno;
        if (got < 0)
            continue;
        if (got == 0 || (keys && (key == CTRL_C || key == CTRL_D)))
            return -ECANCELED;
        if (key == '\n' || (keys && key == '\r'))
            break;
        if (keys && (key == BACKSPACE || key == DELETE))
            size -= size > 0;
        else if (keys && key == CTRL_U)
            size = 0;
        else if (size == PASSWD_PROMPT_MAX)
            return -E2BIG;
        else
            out[size++] = key;
    }
    out[size] = '\0';
    return size;
}

int passwd_prompt(const char *prompt, char out[PASSWD_PROMPT_MAX + 1])
{
    struct termios shown;
    struct termios hidden;
    int result;

    if (tcgetattr(STDIN_FILENO, &shown) < 0)
        return read_line(false, out);
    /* Key by key, Ctrl-C as well: whoever breaks it off is to have his terminal back as it was. */
    hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)(ECHO | ICANON | ISIG);
    if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden) < 0)
        return -errno;
    fputs(prompt, stderr);
    fflush(stderr);
    result = read_line(true, out);
    fputc('\n', stderr);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
    return result;
}
