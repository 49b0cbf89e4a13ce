/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a client shows who it is: a method and its data, in CONNECT, CONNACK and AUTH; and user name
 * and password as one of the methods. (Source: MQTT-SN 2.0 §4.11)
 */
#ifndef MQTTSN2_AUTHENTICATION_H
#define MQTTSN2_AUTHENTICATION_H

#include "base/bytes.h"
#include "base/reader.h"
#include "base/writer.h"

enum { MQTTSN2_METHOD_SIZE_MAX = 255 }; /* bytes */

/* The method whose data are a user name and a password: mqttsn2_basic_decode(). */
#define MQTTSN2_METHOD_BASIC BYTES("MQTT-BASIC")

struct mqttsn2_authentication {
    struct bytes method; /* UTF-8; may be empty, which names none */
    struct bytes data;   /* the method's; may be empty */
};

struct mqttsn2_basic {
    struct bytes user_name; /* UTF-8; may be empty */
    struct bytes password;  /* may be empty */
};

/* A method, its byte of length first; the reader fails for one that is not UTF-8. */
struct bytes mqttsn2_method_read(struct reader *in);

/* The writer fails for a method above its size. */
void mqttsn2_method_write(struct writer *out, struct bytes method);

/* Method and data as they stand in CONNECT and CONNACK, each with its length. */
struct mqttsn2_authentication mqttsn2_authentication_read(struct reader *in);

/* The writer fails for a method or data above their size. */
void mqttsn2_authentication_write(
        struct writer *out, const struct mqttsn2_authentication *authentication);

/* Bytes that mqttsn2_authentication_write() writes. */
size_t mqttsn2_authentication_size(const struct mqttsn2_authentication *authentication);

/**
 * Takes the data of MQTTSN2_METHOD_BASIC apart; false where they are not of that shape. *out is
 * written on success only, and borrows from data.
 * Source: MQTT-SN 2.0 §4.11.1.2
 */
bool mqttsn2_basic_decode(struct mqttsn2_basic *out, struct bytes data);

/* Writes the data of MQTTSN2_METHOD_BASIC. */
void mqttsn2_basic_encode(struct writer *out, const struct mqttsn2_basic *basic);

#endif
