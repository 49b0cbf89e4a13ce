/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/decode.h"

#include "cli/decode_packet.h"
#include "cli/decode_sn.h"
#include "cli/decode_sn2.h"
#include "cli/decode_stream.h"
#include "cli/options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum exit_code { EXIT_GOOD, EXIT_BROKEN, EXIT_USAGE };

enum { CHUNK = 65536, NS_PER_US = 1000, US_PER_S = 1000000, PORT_MAX = 65535 };

struct decode_options {
    const char *words[DECODE_WORDS_MAX];
    const char *pcap;
    const char *from;
    int64_t port;
    int64_t sn_port;
    int64_t version;
    bool sn;
    bool sn2;
    bool websocket;
    bool help;
};

#define FIELD(name) offsetof(struct decode_options, name)

static const struct option rows[] = {
    { "from", 0, OPTION_TEXT, FIELD(from), 0, 0, "client|server",
            "who sent it, where its type does not say so; client" },
    { "pcap", 'r', OPTION_TEXT, FIELD(pcap), 0, 0, "FILE", "read a capture (pcap, pcapng)" },
    { "port", 'p', OPTION_NUMBER, FIELD(port), 1, PORT_MAX, "PORT",
            "the server's port in a capture; 1883" },
    { "sn", 0, OPTION_SWITCH, FIELD(sn), 0, 0, NULL, "it is MQTT-SN, one datagram" },
    { "sn2", 0, OPTION_SWITCH, FIELD(sn2), 0, 0, NULL,
            "the datagrams are of the draft of MQTT-SN 2.0" },
    { "sn-port", 0, OPTION_NUMBER, FIELD(sn_port), 1, PORT_MAX, "PORT",
            "the gateway's port of UDP in a capture; 10000" },
    { "version", 'V', OPTION_VERSION, FIELD(version), 0, 0, OPTION_VERSIONS,
            "MQTT 3.1, 3.1.1 or 5.0, where no CONNECT says so; what fits" },
    { "websocket", 0, OPTION_SWITCH, FIELD(websocket), 0, 0, NULL,
            "connections whose beginning is not in the capture are WebSockets" },
    { "help", 0, OPTION_SWITCH, FIELD(help), 0, 0, NULL, "print this" },
};

static const struct options options = {
    .command = "nightjar decode",
    .rows = rows,
    .count = sizeof(rows) / sizeof(rows[0]),
    .argument = FIELD(words),
    .argument_max = DECODE_WORDS_MAX,
    .arguments = "too many words; give the digits on standard input",
};

const struct options *decode_option_table(void)
{
    return &options;
}

static void help(void)
{
    puts("Usage: nightjar decode [OPTIONS] [HEX...]\n"
         "       nightjar decode --pcap FILE [OPTIONS]\n"
         "Tells packets in words; HEX are their bytes, or else standard input has them. Exit\n"
         "code 0: all are right; 1: one breaks the standard, or is not whole; 2: wrong options.\n\n"
         "Options:");
    options_help(&options);
}

static int complain(const char *what, const char *why)
{
    fprintf(stderr, "nightjar decode: %s: %s\n", what, why);
    return EXIT_USAGE;
}

/* ---- Input ---- */

struct input {
    uint8_t *data;
    size_t size;
    size_t capacity;
};

static bool input_append(struct input *input, const void *bytes, size_t size)
{
    if (size == 0)
        return true;
    if (input->size + size > input->capacity) {
        size_t capacity = (input->size + size) * 2;
        uint8_t *data = (uint8_t *)realloc(input->data, capacity);

        if (!data)
            return false;
        input->data = data;
        input->capacity = capacity;
    }
    if (size > 0)
        memcpy(input->data + input->size, bytes, size);
    input->size += size;
    return true;
}

/* Reads all of a file; false with errno when that fails. */
static bool input_read(struct input *input, FILE *file)
{
    char chunk[CHUNK];
    size_t size;

    while ((size = fread(chunk, 1, sizeof(chunk), file)) > 0) {
        if (input->size + size > DECODE_INPUT_MAX || !input_append(input, chunk, size)) {
            errno = ENOMEM;
            return false;
        }
    }
    return !ferror(file);
}

static int digit_of(uint8_t character)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = character != '\0' ? strchr(digits, character | 0x20) : NULL;

    return found ? (int)(found - digits) : -1;
}

/* Turns digits into bytes, in place. Between bytes may stand blanks, commas, colons and "0x".
 * Returns the offset of what is no digit, or -1. */
static long from_hex(struct input *input)
{
    size_t used = 0;

    for (size_t at = 0; at < input->size; at++) {
        uint8_t character = input->data[at];
        int high = digit_of(character);
        int low = at + 1 < input->size ? digit_of(input->data[at + 1]) : -1;

        if (character != '\0' && strchr(" \t\r\n,:", character))
            continue;
        if (character == '0' && at + 1 < input->size && (input->data[at + 1] | 0x20) == 'x') {
            at++;
            continue;
        }
        if (high < 0 || low < 0)
            return (long)at;
        input->data[used++] = (uint8_t)(high << 4 | low);
        at++;
    }
    input->size = used;
    return -1;
}

/* The bytes that the words or standard input say. */
static int read_bytes(struct input *input, const struct decode_options *given)
{
    bool has_words = given->words[0] && strcmp(given->words[0], "-") != 0;
    char place[64];
    long wrong;

    for (size_t i = 0; has_words && i < DECODE_WORDS_MAX && given->words[i]; i++)
        if (!input_append(input, given->words[i], strlen(given->words[i])) ||
                !input_append(input, " ", 1))
            return complain("memory", strerror(ENOMEM));
    if (!has_words && !input_read(input, stdin))
        return complain("standard input", strerror(errno));
    wrong = from_hex(input);
    if (wrong < 0)
        return EXIT_GOOD;
    snprintf(place, sizeof(place), "character %ld of the input", wrong + 1);
    return complain(place, "give two hexadecimal digits for each byte");
}

/* ---- Bytes ---- */

static enum mqtt_sender sender_of(const struct decode_options *given)
{
    return given->from && strcmp(given->from, "server") == 0 ? MQTT_FROM_SERVER : MQTT_FROM_CLIENT;
}

/* One packet after the other; where a type says who sent it, those that follow are his as well. */
static int decode_bytes(const struct decode_options *given, struct bytes rest)
{
    enum mqtt_sender sender = sender_of(given);
    unsigned version = (unsigned)given->version;
    int status = EXIT_GOOD;

    while (rest.size > 0) {
        enum decode_result result;
        size_t size = 0;

        if (!given->from && rest.data[0] >> 4 != 0)
            decode_sender_known((enum mqtt_type)(rest.data[0] >> 4), &sender);
        result = decode_packet(stdout, rest, sender, &version, &size);
        if (result != DECODE_GOOD)
            status = EXIT_BROKEN;
        if (result == DECODE_PARTIAL)
            printf("%zu bytes are left, which are no whole packet\n", rest.size);
        if (result == DECODE_PARTIAL || result == DECODE_LOST)
            break;
        rest = bytes_from(rest, size);
    }
    return status;
}

static bool tell_datagram(
        const struct decode_options *given, struct bytes datagram, enum mqtt_sender sender)
{
    return given->sn2 ? decode_sn2(stdout, datagram, sender) : decode_sn(stdout, datagram, sender);
}

static int decode_datagram(const struct decode_options *given, struct bytes datagram)
{
    enum mqtt_sender sender = sender_of(given);

    if (!given->from && given->sn2)
        decode_sn2_sender_known(datagram, &sender);
    else if (!given->from)
        decode_sn_sender_known(datagram, &sender);
    return tell_datagram(given, datagram, sender) ? EXIT_GOOD : EXIT_BROKEN;
}

/* ---- Captures ---- */

struct heading {
    const struct capture_packet *packet;
    uint64_t time_us; /* since the first frame */
};

static void print_address(FILE *out, const struct capture_packet *packet, bool from)
{
    char text[INET6_ADDRSTRLEN] = "";
    const uint8_t *address = from ? packet->from : packet->to;

    inet_ntop(packet->ipv6 ? AF_INET6 : AF_INET, address, text, sizeof(text));
    fprintf(out, packet->ipv6 ? "[%s]:%u" : "%s:%u", text,
            from ? packet->from_port : packet->to_port);
}

static void print_heading(FILE *out, const void *context)
{
    const struct heading *heading = (const struct heading *)context;

    fprintf(out, "%" PRIu64 ".%06" PRIu64 " ", heading->time_us / US_PER_S,
            heading->time_us % US_PER_S);
    print_address(out, heading->packet, true);
    fputs(" > ", out);
    print_address(out, heading->packet, false);
    fputc(' ', out);
}

static int64_t server_port(const struct decode_options *given, const struct capture_packet *packet)
{
    return packet->tcp ? given->port : given->sn_port;
}

/* Whether the server has sent it, or gets it. */
static bool is_the_servers(const struct decode_options *given, const struct capture_packet *packet)
{
    int64_t port = server_port(given, packet);

    return packet->to_port == port || packet->from_port == port;
}

/* Who forgets the port would else see nothing, and take it for a capture without a fault. */
static void tell_empty(const struct decode_options *given)
{
    fprintf(stderr,
            "nightjar decode: %s: nothing in it is of port %" PRId64 " of TCP or %" PRId64
            " of UDP; name the server's with --port or --sn-port\n",
            given->pcap, given->port, given->sn_port);
}

/* Tells what is in one frame. */
static bool decode_frame(struct streams *streams, const struct decode_options *given,
        const struct capture_packet *packet, const struct heading *heading)
{
    enum mqtt_sender sender =
            packet->to_port == server_port(given, packet) ? MQTT_FROM_CLIENT : MQTT_FROM_SERVER;

    if (packet->tcp)
        return streams_take(streams, stdout, packet, sender, print_heading, heading);
    print_heading(stdout, heading);
    return tell_datagram(given, packet->payload, sender);
}

static int decode_capture(const struct decode_options *given, struct bytes file)
{
    struct streams *streams = (struct streams *)calloc(1, sizeof(*streams));
    struct capture capture;
    struct capture_frame frame;
    uint64_t first_ns = 0;
    bool found = false;
    bool good = true;

    if (!capture_open(&capture, file)) {
        free(streams);
        return complain(given->pcap, "this is no capture (pcap or pcapng)");
    }
    if (!streams)
        return complain("memory", strerror(ENOMEM));
    streams->version = (unsigned)given->version;
    streams->framed = given->websocket;
    while (capture_next(&capture, &frame)) {
        struct capture_packet packet;
        struct heading heading = { .packet = &packet };

        first_ns = first_ns == 0 ? frame.time_ns : first_ns;
        heading.time_us = (frame.time_ns - first_ns) / NS_PER_US;
        if (!capture_unpack(&frame, &packet) || !is_the_servers(given, &packet))
            continue;
        found = true;
        good &= decode_frame(streams, given, &packet, &heading);
    }
    if (!found)
        tell_empty(given);
    if (capture.rest.size > 0) {
        printf("the capture is cut short: %zu bytes are left\n", capture.rest.size);
        good = false;
    }
    good &= streams_end(streams, stdout);
    streams_deinit(streams);
    free(streams);
    return good ? EXIT_GOOD : EXIT_BROKEN;
}

static int run_capture(const struct decode_options *given)
{
    FILE *file = fopen(given->pcap, "rb");
    struct input input = { 0 };
    int status;

    if (!file)
        return complain(given->pcap, strerror(errno));
    if (input_read(&input, file))
        status = decode_capture(given, bytes_of(input.data, input.size));
    else
        status = complain(given->pcap, strerror(errno));
    fclose(file);
    free(input.data);
    return status;
}

static int run_bytes(const struct decode_options *given)
{
    struct input input = { 0 };
    int status = read_bytes(&input, given);

    if (status == EXIT_GOOD && (given->sn || given->sn2))
        status = decode_datagram(given, bytes_of(input.data, input.size));
    else if (status == EXIT_GOOD)
        status = decode_bytes(given, bytes_of(input.data, input.size));
    free(input.data);
    return status;
}

int decode_main(int argc, char **argv)
{
    struct decode_options given = { .port = 1883, .sn_port = DECODE_SN_PORT };

    if (options_read(&options, &given, argc, argv) < 0)
        return EXIT_USAGE;
    if (given.help) {
        help();
        return EXIT_GOOD;
    }
    if (given.from && strcmp(given.from, "client") != 0 && strcmp(given.from, "server") != 0)
        return complain("--from", "give client or server");
    return given.pcap ? run_capture(&given) : run_bytes(&given);
}
