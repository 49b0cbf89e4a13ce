/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn2/authentication.h"

#include "mqtt/field.h"
#include "mqtt/utf8.h"

struct bytes mqttsn2_method_read(struct reader *in)
{
    uint8_t size = reader_u8(in);
    struct bytes method = reader_bytes(in, size);

    if (mqtt_utf8_valid(method))
        return method;
    reader_fail(in);
    return in->rest;
}

void mqttsn2_method_write(struct writer *out, struct bytes method)
{
    if (method.size > MQTTSN2_METHOD_SIZE_MAX)
        out->failed = true;
    writer_u8(out, (uint8_t)method.size);
    writer_bytes(out, method);
}

struct mqttsn2_authentication mqttsn2_authentication_read(struct reader *in)
{
    struct mqttsn2_authentication authentication = { .method = mqttsn2_method_read(in) };

    authentication.data = mqtt_binary_read(in);
    return authentication;
}

void mqttsn2_authentication_write(
        struct writer *out, const struct mqttsn2_authentication *authentication)
{
    mqttsn2_method_write(out, authentication->method);
    mqtt_binary_write(out, authentication->data);
}

size_t mqttsn2_authentication_size(const struct mqttsn2_authentication *authentication)
{
    return 1 + authentication->method.size + 2 + authentication->data.size;
}

bool mqttsn2_basic_decode(struct mqttsn2_basic *out, struct bytes data)
{
    struct reader in = { .rest = data };
    struct mqttsn2_basic basic = { .user_name = mqtt_text_read(&in) };

    basic.password = mqtt_binary_read(&in);
    if (in.failed || in.rest.size > 0)
        return false;
    *out = basic;
    return true;
}

void mqttsn2_basic_encode(struct writer *out, const struct mqttsn2_basic *basic)
{
    mqtt_binary_write(out, basic->user_name);
    mqtt_binary_write(out, basic->password);
}
