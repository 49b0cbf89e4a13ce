/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Properties that a command line adds to packets: -D PACKET NAME VALUE, and for a user property
 * -D PACKET user-property NAME VALUE. Names are those of MQTT 5.0 in small letters, with dashes.
 */
#ifndef CLI_CLIENT_PROPERTIES_H
#define CLI_CLIENT_PROPERTIES_H

#include "nightjar/mqtt.h"

/* The packets to which a command line may add properties. */
enum client_property_set {
    CLIENT_CONNECT_PROPERTIES,
    CLIENT_PUBLISH_PROPERTIES,
    CLIENT_SUBSCRIBE_PROPERTIES,
    CLIENT_UNSUBSCRIBE_PROPERTIES,
    CLIENT_DISCONNECT_PROPERTIES,
    CLIENT_WILL_PROPERTIES,
    CLIENT_PROPERTY_SETS,
};

/* Encoded properties in memory of their own. */
struct client_properties {
    uint8_t *memory;
    size_t size;
};

/**
 * Reads the words behind -D. Says on stderr what is wrong.
 *
 * Returns how many words it took, or 0 when they are wrong or memory is short.
 */
int client_properties_read(
        struct client_properties sets[CLIENT_PROPERTY_SETS], const char *const words[], int count);

/* Adds one more; false when memory is short. */
bool client_properties_add_number(
        struct client_properties *properties, enum nj_property property, uint32_t number);
bool client_properties_add_bytes(
        struct client_properties *properties, enum nj_property property, struct nj_bytes bytes);
bool client_properties_add_pair(
        struct client_properties *properties, struct nj_bytes name, struct nj_bytes value);

/* Adds encoded ones; false when memory is short. */
bool client_properties_append(struct client_properties *properties, struct nj_bytes more);

static inline struct nj_bytes client_properties_bytes(const struct client_properties *properties)
{
    return nj_bytes_of(properties->memory, properties->size);
}

void client_properties_deinit(struct client_properties *properties);

/* The name of a property on a command line and in JSON: "content-type"; NULL: there is none. */
const char *client_property_name(enum nj_property property);

#endif
