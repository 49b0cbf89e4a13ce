/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the function that a stub stands for. For the stubs alone, which stubs.py writes.
 */
#ifndef LATE_LATE_H
#define LATE_LATE_H

/* What a stub jumps to: itself at first, which has it found. It is written while others jump. */
struct late_function {
    void *_Atomic place;
    const char *name;
    const char *library; /* as the system's linker calls it */
};

/* Loads the library, finds the function and writes its place. Where there is none it says so and
 * ends the program, as the system's linker would have at the start. Any thread. */
void *late_find(struct late_function *function);

#endif
