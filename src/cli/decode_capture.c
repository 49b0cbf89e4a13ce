/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/decode_capture.h"

#include "base/reader.h"

enum {
    NS_PER_S = 1000000000,
    TICKS_MICRO = 1000000,
};

/* Magic numbers of pcap, as they are read big-endian. */
static const struct magic {
    uint32_t number;
    bool swapped;
    uint64_t ticks_per_s;
} magics[] = {
    { 0xA1B2C3D4, false, TICKS_MICRO },
    { 0xD4C3B2A1, true, TICKS_MICRO },
    { 0xA1B23C4D, false, NS_PER_S },
    { 0x4D3CB2A1, true, NS_PER_S },
};

enum {
    BLOCK_SECTION = 0x0A0D0D0A,
    BLOCK_INTERFACE = 1,
    BLOCK_SIMPLE = 3,
    BLOCK_ENHANCED = 6,
    BLOCK_ORDER = 0x1A2B3C4D, /* of bytes; in the section's block */
    BLOCK_SIZE_MIN = 12,
    OPTION_END = 0,
    OPTION_RESOLUTION = 9,
};

/* ---- Files ---- */

static uint32_t number_32(const struct capture *capture, struct reader *in)
{
    uint32_t number = reader_u32(in);

    return capture->swapped ? __builtin_bswap32(number) : number;
}

static uint16_t number_16(const struct capture *capture, struct reader *in)
{
    uint16_t number = reader_u16(in);

    return capture->swapped ? __builtin_bswap16(number) : number;
}

static bool open_pcap(struct capture *out, const struct magic *magic, struct reader *in)
{
    out->swapped = magic->swapped;
    reader_bytes(in, 16); /* version, zone, accuracy, greatest length */
    out->interfaces[0] = (struct capture_interface){
        .link = number_32(out, in) & 0xFFFF,
        .ticks_per_s = magic->ticks_per_s,
    };
    out->interface_count = 1;
    out->rest = in->rest;
    return !in->failed;
}

bool capture_open(struct capture *out, struct bytes file)
{
    struct reader in = { .rest = file };
    uint32_t number = reader_u32(&in);

    *out = (struct capture){ .rest = file };
    for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++)
        if (number == magics[i].number)
            return open_pcap(out, &magics[i], &in);
    out->blocks = number == BLOCK_SECTION;
    return out->blocks;
}

static uint64_t to_ns(uint64_t ticks, uint64_t ticks_per_s)
{
    return ticks / ticks_per_s * NS_PER_S +
            (uint64_t)((double)(ticks % ticks_per_s) * NS_PER_S / (double)ticks_per_s);
}

static bool next_record(struct capture *capture, struct capture_frame *frame)
{
    const struct capture_interface *interface = &capture->interfaces[0];
    struct reader in = { .rest = capture->rest };
    uint64_t seconds = number_32(capture, &in);
    uint64_t ticks = number_32(capture, &in);
    uint32_t size = number_32(capture, &in);

    number_32(capture, &in); /* what it was before it was cut */
    frame->bytes = reader_bytes(&in, size);
    frame->time_ns = seconds * NS_PER_S + to_ns(ticks, interface->ticks_per_s);
    frame->link = interface->link;
    if (!in.failed)
        capture->rest = in.rest;
    return !in.failed;
}

/* How many ticks a second has, of an interface block's options; a million where none says so. */
static uint64_t read_resolution(const struct capture *capture, struct reader *in)
{
    uint64_t ticks_per_s = TICKS_MICRO;

    while (in->rest.size >= 4) {
        uint16_t code = number_16(capture, in);
        uint16_t size = number_16(capture, in);
        struct bytes value = reader_bytes(in, size);
        unsigned exponent = code == OPTION_RESOLUTION && value.size > 0 ? value.data[0] : 6;

        reader_bytes(in, -(size_t)size & 3);
        if (code == OPTION_END)
            break;
        if (code != OPTION_RESOLUTION || in->failed)
            continue;
        ticks_per_s = 1;
        for (unsigned i = 0; i < (exponent & 0x7F) && ticks_per_s < NS_PER_S; i++)
            ticks_per_s *= exponent & 0x80 ? 2 : 10;
    }
    return ticks_per_s;
}

static void add_interface(struct capture *capture, struct reader *in)
{
    struct capture_interface interface = { .link = number_16(capture, in) };

    number_16(capture, in);
    number_32(capture, in);
    interface.ticks_per_s = read_resolution(capture, in);
    if (capture->interface_count < CAPTURE_INTERFACES_MAX)
        capture->interfaces[capture->interface_count++] = interface;
}

/* Reads a block with a frame in it; false when it has none that is whole. */
static bool read_frame(const struct capture *capture, struct reader *in, uint32_t type,
        struct capture_frame *frame)
{
    uint32_t index = type == BLOCK_ENHANCED ? number_32(capture, in) : 0;
    uint64_t high = type == BLOCK_ENHANCED ? number_32(capture, in) : 0;
    uint64_t low = type == BLOCK_ENHANCED ? number_32(capture, in) : 0;
    uint32_t size = type == BLOCK_ENHANCED ? number_32(capture, in) : UINT32_MAX;

    number_32(capture, in);
    if (size > in->rest.size && type == BLOCK_SIMPLE)
        size = (uint32_t)in->rest.size;
    frame->bytes = reader_bytes(in, size);
    if (in->failed || index >= capture->interface_count)
        return false;
    frame->link = capture->interfaces[index].link;
    frame->time_ns = to_ns(high << 32 | low, capture->interfaces[index].ticks_per_s);
    return true;
}

/* Takes one block; false when it is none. *found: it had a frame. */
static bool next_block(struct capture *capture, struct capture_frame *frame, bool *found)
{
    struct reader in = { .rest = capture->rest };
    struct reader body;
    uint32_t type = number_32(capture, &in);
    struct reader order = { .rest = bytes_from(in.rest, in.rest.size < 4 ? 0 : 4) };
    uint32_t size;

    if (type == BLOCK_SECTION) { /* the same in both orders */
        capture->swapped = reader_u32(&order) != BLOCK_ORDER;
        capture->interface_count = 0;
    }
    size = number_32(capture, &in);
    if (in.failed || size < BLOCK_SIZE_MIN || size > capture->rest.size)
        return false;
    body = (struct reader){ .rest = bytes_first(in.rest, size - BLOCK_SIZE_MIN) };
    capture->rest = bytes_from(capture->rest, size);
    if (type == BLOCK_INTERFACE)
        add_interface(capture, &body);
    *found = (type == BLOCK_ENHANCED || type == BLOCK_SIMPLE) &&
            read_frame(capture, &body, type, frame);
    return true;
}

bool capture_next(struct capture *capture, struct capture_frame *frame)
{
    bool found = false;

    if (!capture->blocks)
        return capture->rest.size > 0 && next_record(capture, frame);
    while (!found && capture->rest.size > 0)
        if (!next_block(capture, frame, &found))
            return false;
    return found;
}

/* ---- Frames ---- */

enum {
    LINK_NULL = 0,
    LINK_ETHERNET = 1,
    LINK_RAW_BSD = 12,
    LINK_RAW = 101,
    LINK_LINUX = 113,
    LINK_IPV4 = 228,
    LINK_IPV6 = 229,
    LINK_LINUX_2 = 276,
    TYPE_VLAN = 0x8100,
    TYPE_VLAN_OUTER = 0x88A8,
    PROTOCOL_TCP = 6,
    PROTOCOL_UDP = 17,
    TCP_SYN = 2,
    TCP_RST = 4,
};

/* Takes the link's header off; IP says itself which version it is. */
static bool take_link(struct reader *in, uint32_t link)
{
    uint16_t type;

    switch (link) {
    case LINK_ETHERNET:
        reader_bytes(in, 12);
        type = reader_u16(in);
        while (type == TYPE_VLAN || type == TYPE_VLAN_OUTER) {
            reader_u16(in);
            type = reader_u16(in);
        }
        break;
    case LINK_NULL:
        reader_bytes(in, 4);
        break;
    case LINK_LINUX:
        reader_bytes(in, 16);
        break;
    case LINK_LINUX_2:
        reader_bytes(in, 20);
        break;
    case LINK_RAW:
    case LINK_RAW_BSD:
    case LINK_IPV4:
    case LINK_IPV6:
        break;
    default:
        return false;
    }
    return !in->failed && in->rest.size > 0;
}

static void read_address(uint8_t out[CAPTURE_ADDRESS_SIZE], struct reader *in, size_t size)
{
    struct bytes address = reader_bytes(in, size);

    memset(out, 0, CAPTURE_ADDRESS_SIZE);
    if (address.size > 0)
        memcpy(out, address.data, address.size);
}

/* Reads the header of IPv4; the reader is left with its payload. Returns the protocol; 0: none. */
static uint8_t take_ipv4(struct reader *in, struct capture_packet *packet)
{
    struct bytes whole = in->rest;
    size_t header = (size_t)(reader_u8(in) & 0x0F) * 4;
    uint16_t total;
    uint16_t fragment;
    uint8_t protocol;

    reader_u8(in);
    total = reader_u16(in);
    reader_u16(in);
    fragment = reader_u16(in);
    reader_u8(in);
    protocol = reader_u8(in);
    reader_u16(in);
    read_address(packet->from, in, 4);
    read_address(packet->to, in, 4);
    if (in->failed || header < 20 || total < header || total > whole.size || fragment & 0x3FFF)
        return 0;
    in->rest = bytes_from(bytes_first(whole, total), header);
    return protocol;
}

static uint8_t take_ipv6(struct reader *in, struct capture_packet *packet)
{
    uint16_t size;
    uint8_t next;

    packet->ipv6 = true;
    reader_u32(in);
    size = reader_u16(in);
    next = reader_u8(in);
    reader_u8(in);
    read_address(packet->from, in, CAPTURE_ADDRESS_SIZE);
    read_address(packet->to, in, CAPTURE_ADDRESS_SIZE);
    if (in->failed || in->rest.size < size)
        return 0;
    in->rest = bytes_first(in->rest, size);
    while (next == 0 || next == 43 || next == 60) { /* options of hops, routing, destination */
        next = reader_u8(in);
        reader_bytes(in, (size_t)reader_u8(in) * 8 + 6);
        if (in->failed)
            return 0;
    }
    return next;
}

static bool take_tcp(struct reader *in, struct capture_packet *packet)
{
    struct bytes whole = in->rest;
    size_t header;
    uint8_t flags;

    packet->from_port = reader_u16(in);
    packet->to_port = reader_u16(in);
    packet->sequence = reader_u32(in);
    reader_u32(in);
    header = (size_t)(reader_u8(in) >> 4) * 4;
    flags = reader_u8(in);
    if (in->failed || header < 20 || header > whole.size)
        return false;
    packet->tcp = true;
    packet->begins = flags & TCP_SYN;
    packet->resets = flags & TCP_RST;
    packet->payload = bytes_from(whole, header);
    return true;
}

static bool take_udp(struct reader *in, struct capture_packet *packet)
{
    uint16_t size;

    packet->from_port = reader_u16(in);
    packet->to_port = reader_u16(in);
    size = reader_u16(in);
    reader_u16(in);
    if (in->failed || size < 8 || in->rest.size < (size_t)size - 8)
        return false;
    packet->payload = bytes_first(in->rest, (size_t)size - 8);
    return true;
}

bool capture_unpack(const struct capture_frame *frame, struct capture_packet *packet)
{
    struct reader in = { .rest = frame->bytes };
    uint8_t protocol = 0;

    *packet = (struct capture_packet){ 0 };
    if (!take_link(&in, frame->link))
        return false;
    if (in.rest.data[0] >> 4 == 4)
        protocol = take_ipv4(&in, packet);
    else if (in.rest.data[0] >> 4 == 6)
        protocol = take_ipv6(&in, packet);
    if (protocol == PROTOCOL_TCP)
        return take_tcp(&in, packet);
    return protocol == PROTOCOL_UDP && take_udp(&in, packet);
}
