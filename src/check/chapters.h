/* SPDX-License-Identifier: Apache-2.0 */
/* The chapters, each in the file of its name. */
#ifndef CHECK_CHAPTERS_H
#define CHECK_CHAPTERS_H

#include "check/case.h"

extern const struct check_chapter check_mqtt5_format;
extern const struct check_chapter check_mqtt5_connect;
extern const struct check_chapter check_mqtt5_connack;
extern const struct check_chapter check_mqtt5_will;
extern const struct check_chapter check_mqtt5_session;
extern const struct check_chapter check_mqtt5_publish;
extern const struct check_chapter check_mqtt5_retained;
extern const struct check_chapter check_mqtt5_alias;
extern const struct check_chapter check_mqtt5_ack;
extern const struct check_chapter check_mqtt5_qos;
extern const struct check_chapter check_mqtt5_flow;
extern const struct check_chapter check_mqtt5_subscribe;
extern const struct check_chapter check_mqtt5_unsubscribe;
extern const struct check_chapter check_mqtt5_topic;
extern const struct check_chapter check_mqtt5_shared;
extern const struct check_chapter check_mqtt5_disconnect;
extern const struct check_chapter check_mqtt5_auth;
extern const struct check_chapter check_mqtt5_error;
extern const struct check_chapter check_mqtt311_format;
extern const struct check_chapter check_mqtt311_connect;
extern const struct check_chapter check_mqtt311_session;
extern const struct check_chapter check_mqtt311_publish;
extern const struct check_chapter check_mqtt311_retained;
extern const struct check_chapter check_mqtt311_qos;
extern const struct check_chapter check_mqtt311_subscribe;
extern const struct check_chapter check_mqtt311_topic;
extern const struct check_chapter check_mqtt31;
extern const struct check_chapter check_combination;
extern const struct check_chapter check_websocket;
extern const struct check_chapter check_websocket_311;
extern const struct check_chapter check_websocket_31;

#endif
