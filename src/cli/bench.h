/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `nightjar bench`: loads any MQTT server over real sockets and says what that cost it.
 */
#ifndef CLI_BENCH_H
#define CLI_BENCH_H

/**
 * Runs the command; argv[0] is "bench". `bench --help` prints the scenarios and options.
 *
 * Returns the exit code: 0 when the run went through and every message arrived exactly once and
 * in order, 1 when not, 2 for wrong options.
 */
int bench_main(int argc, char **argv);

#endif
