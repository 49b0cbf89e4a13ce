/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `nightjar passwd`: writes password files, with mosquitto_passwd's options.
 */
#ifndef CLI_PASSWD_H
#define CLI_PASSWD_H

/**
 * Runs the command; argv[0] is its name. Says on stderr what is wrong.
 *
 * Returns the exit code: 0, or 1 when nothing was changed.
 */
int passwd_main(int argc, char **argv);

#endif
