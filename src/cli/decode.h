/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `nightjar decode`: packets of MQTT, or datagrams of MQTT-SN, in words.
 */
#ifndef CLI_DECODE_H
#define CLI_DECODE_H

enum {
    DECODE_WORDS_MAX = 256,     /* of hexadecimal digits on the command line */
    DECODE_INPUT_MAX = 1 << 30, /* bytes of standard input or of a file */
    DECODE_SN_PORT = 10000,     /* where gateways listen, if --sn-port is not given */
};

struct options;

/* The options, for the shells' completion. */
const struct options *decode_option_table(void);

/* argv[0] is the word "decode". Returns the exit status: 0, 1 when something breaks the standard or
 * is not whole, 2 for wrong options or a file that cannot be read. */
int decode_main(int argc, char **argv);

#endif
