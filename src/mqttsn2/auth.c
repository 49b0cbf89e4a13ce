/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn2/auth.h"

enum mqtt_reason mqttsn2_auth_decode(struct mqttsn2_auth *out, struct bytes body)
{
    struct reader in = { .rest = body };
    struct mqttsn2_auth auth = { .packet_id = reader_u16(&in) };

    auth.code = reader_u8(&in);
    auth.authentication.method = mqttsn2_method_read(&in);
    auth.authentication.data = in.rest;
    if (in.failed)
        return MQTT_MALFORMED;
    if (auth.packet_id == 0)
        return MQTT_PROTOCOL_ERROR;
    *out = auth;
    return MQTT_SUCCESS;
}

void mqttsn2_auth_encode(struct writer *out, const struct mqttsn2_auth *auth)
{
    const struct mqttsn2_authentication *authentication = &auth->authentication;

    mqttsn2_header_encode(
            out, MQTTSN2_AUTH, 2 + 1 + 1 + authentication->method.size + authentication->data.size);
    writer_u16(out, auth->packet_id);
    writer_u8(out, auth->code);
    mqttsn2_method_write(out, authentication->method);
    writer_bytes(out, authentication->data);
}
