/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `nightjar rr` and, under that name, mosquitto_rr: sends a request and prints the response.
 */
#ifndef CLI_RR_H
#define CLI_RR_H

/* argv[0] is the word "rr", or the path of mosquitto_rr. Returns the exit status. */
int rr_main(int argc, char **argv);
int mosquitto_rr_main(int argc, char **argv);

#endif
