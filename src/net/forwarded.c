/* SPDX-License-Identifier: Apache-2.0 */
#include "net/forwarded.h"

/* Takes ":1234" off the end of what follows a host. False when there is something else. */
static bool read_port_behind(uint16_t *out, struct bytes rest)
{
    *out = 0;
    return rest.size == 0 || (rest.data[0] == ':' && address_read_port(out, bytes_from(rest, 1)));
}

/* "10.0.0.7", "10.0.0.7:1234", "2001:db8::7", "[2001:db8::7]" or "[2001:db8::7]:1234". */
static bool read_address(struct address *out, struct bytes word)
{
    bool has_brackets = word.data[0] == '[';
    enum address_family family = has_brackets ? ADDRESS_IPV6 : ADDRESS_IPV4;
    struct bytes host = has_brackets ? bytes_from(word, 1) : word;
    const uint8_t *end = memchr(host.data, has_brackets ? ']' : ':', host.size);
    struct bytes rest = { 0 };
    uint16_t port;

    if (!has_brackets && address_read(out, word, ADDRESS_ANY, 0))
        return true;
    if (!end)
        return false;
    rest = bytes_from(host, (size_t)(end - host.data) + (has_brackets ? 1 : 0));
    host.size = (size_t)(end - host.data);
    return read_port_behind(&port, rest) && address_read(out, host, family, port);
}

enum forwarded forwarded_find(
        struct address *out, const struct http_request *request, const struct network_list *trusted)
{
    struct http_walk walk = { 0 };
    enum forwarded found = FORWARDED_NOTHING;
    bool is_first = true;
    struct address client;
    struct bytes word;

    while (http_next_word(request, "X-Forwarded-For", &walk, &word)) {
        struct address address;

        if (!read_address(&address, word)) {
            found = FORWARDED_BAD;
        } else if (is_first || !network_list_contains(trusted, &address)) {
            found = FORWARDED_CLIENT;
            client = address;
        }
        is_first = false;
    }
    if (found == FORWARDED_CLIENT)
        *out = client;
    return found;
}
