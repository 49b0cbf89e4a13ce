/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/client_format.h"

#include "cli/client_json.h"

#include <ctype.h>
#include <inttypes.h>

enum { TIME_SIZE = 100 }; /* of a part of the time as text */

enum piece_kind {
    PIECE_LITERAL, /* letter */
    PIECE_FIELD,   /* all */
    PIECE_TIME,    /* letter */
};

struct piece {
    enum piece_kind kind;
    char letter;
    bool left;
    bool zeros;
    int width;      /* 0: none */
    int precision;  /* -1: none */
    char separator; /* 0: none */
};

/* ---- Reading ---- */

static int read_digits(const char **at)
{
    int number = 0;

    for (; isdigit((unsigned char)**at); (*at)++) {
        number = number * 10 + (**at - '0');
        if (number > CLIENT_FORMAT_WIDTH_MAX)
            number = CLIENT_FORMAT_WIDTH_MAX;
    }
    return number;
}

static enum client_format_fault read_field(struct piece *out, const char **at)
{
    static const char fields[] = "%ACDEFIJPRSUXdfjlmpqrtx";
    static const char separators[] = "!\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~ ";

    out->kind = PIECE_FIELD;
    out->precision = -1;
    out->left = **at == '-';
    *at += out->left;
    out->zeros = **at == '0';
    out->width = read_digits(at);
    if (**at == '.') {
        (*at)++;
        out->precision = read_digits(at);
    }
    if (**at != '\0' && strchr(separators, **at))
        out->separator = *(*at)++;
    out->letter = **at;
    if (out->letter == '\0')
        return CLIENT_FORMAT_INCOMPLETE;
    (*at)++;
    return strchr(fields, out->letter) ? CLIENT_FORMAT_GOOD : CLIENT_FORMAT_INVALID;
}

static enum client_format_fault read_escape(struct piece *out, const char **at)
{
    static const char names[] = "\\0aenrtv";
    static const char values[] = "\\\0\a\033\n\r\t\v";
    const char *name;

    if (**at == '\0')
        return CLIENT_FORMAT_ESCAPE_INCOMPLETE;
    out->letter = *(*at)++;
    name = strchr(names, out->letter);
    if (!name)
        return CLIENT_FORMAT_ESCAPE_INVALID;
    out->letter = values[name - names];
    return CLIENT_FORMAT_GOOD;
}

/* Takes one piece off *at, which is not at the end. */
static enum client_format_fault read_piece(struct piece *out, const char **at)
{
    *out = (struct piece){ .kind = PIECE_LITERAL, .letter = *(*at)++ };
    if (out->letter == '%')
        return read_field(out, at);
    if (out->letter == '\\')
        return read_escape(out, at);
    if (out->letter != '@')
        return CLIENT_FORMAT_GOOD;
    if (**at == '\0')
        return CLIENT_FORMAT_INCOMPLETE;
    out->letter = *(*at)++;
    out->kind = out->letter == '@' ? PIECE_LITERAL : PIECE_TIME;
    return CLIENT_FORMAT_GOOD;
}

enum client_format_fault client_format_check(const char *format, char *letter)
{
    while (*format != '\0') {
        struct piece piece;
        enum client_format_fault fault = read_piece(&piece, &format);

        if (fault != CLIENT_FORMAT_GOOD) {
            *letter = piece.letter;
            return fault;
        }
    }
    return CLIENT_FORMAT_GOOD;
}

/* ---- Printing ---- */

static void fill(FILE *out, char with, int count)
{
    for (; count > 0; count--)
        fputc(with, out);
}

static void print_number(FILE *out, const struct piece *piece, uint32_t number)
{
    if (piece->left)
        fprintf(out, "%-*" PRIu32, piece->width, number);
    else if (piece->zeros)
        fprintf(out, "%0*" PRIu32, piece->width, number);
    else
        fprintf(out, "%*" PRIu32, piece->width, number);
}

static void print_text(FILE *out, const struct piece *piece, struct nj_bytes text)
{
    size_t size = piece->precision >= 0 && (size_t)piece->precision < text.size
            ? (size_t)piece->precision
            : text.size;
    int missing = size < (size_t)piece->width ? piece->width - (int)size : 0;

    if (!piece->left)
        fill(out, ' ', missing);
    fwrite(text.data, 1, size, out);
    if (piece->left)
        fill(out, ' ', missing);
}

static void print_hex(FILE *out, const struct piece *piece, struct nj_bytes payload)
{
    const uint8_t *bytes = (const uint8_t *)payload.data;

    for (size_t i = 0; i < payload.size; i++) {
        if (i > 0 && piece->separator)
            fputc(piece->separator, out);
        fprintf(out, piece->letter == 'x' ? "%02x" : "%02X", bytes[i]);
    }
}

static void print_payload(FILE *out, const struct piece *piece, struct nj_bytes payload)
{
    bool hex = piece->letter != 'p';
    size_t shown;

    if (piece->width > 0) {
        if (payload.size > (size_t)piece->width)
            payload.size = (size_t)piece->width;
        if (hex)
            payload.size /= 2;
    }
    shown = hex ? payload.size * 2 : payload.size;
    if (hex && piece->separator && payload.size > 1)
        shown += payload.size - 1;
    if (!piece->left && shown < (size_t)piece->width)
        fill(out, piece->zeros ? '0' : ' ', piece->width - (int)shown);
    if (hex)
        print_hex(out, piece, payload);
    else
        fwrite(payload.data, 1, payload.size, out);
    if (piece->left && shown < (size_t)piece->width)
        fill(out, ' ', piece->width - (int)shown);
}

/* The payload as this machine keeps a float or double; nothing when it has another size. */
static void print_float(FILE *out, const struct piece *piece, struct nj_bytes payload)
{
    int precision = piece->precision < 0 ? 6 : piece->precision;
    double number;
    float small;

    if (piece->letter == 'f' && payload.size == sizeof(small)) {
        memcpy(&small, payload.data, sizeof(small));
        number = (double)small;
    } else if (piece->letter == 'd' && payload.size == sizeof(number)) {
        memcpy(&number, payload.data, sizeof(number));
    } else {
        return;
    }
    if (piece->left)
        fprintf(out, "%-*.*f", piece->width, precision, number);
    else if (piece->zeros)
        fprintf(out, "%0*.*f", piece->width, precision, number);
    else
        fprintf(out, "%*.*f", piece->width, precision, number);
}

static void print_user_properties(FILE *out, struct nj_bytes properties)
{
    struct nj_property_value value;
    bool first = true;

    while (nj_next_property(&properties, &value)) {
        if (value.property != NJ_USER_PROPERTY)
            continue;
        if (!first)
            fputc(' ', out);
        first = false;
        fwrite(value.name.data, 1, value.name.size, out);
        fputc(':', out);
        fwrite(value.bytes.data, 1, value.bytes.size, out);
    }
}

/* A property by its letter; one that the message does not have is as many blanks, or zeros, as it
 * is wide. */
static void print_property(FILE *out, const struct piece *piece, struct nj_bytes properties)
{
    static const struct {
        char letter;
        bool number;
        enum nj_property property;
    } letters[] = {
        { 'A', true, NJ_TOPIC_ALIAS },
        { 'C', false, NJ_CONTENT_TYPE },
        { 'D', false, NJ_CORRELATION_DATA },
        { 'E', true, NJ_MESSAGE_EXPIRY_INTERVAL },
        { 'F', true, NJ_PAYLOAD_FORMAT_INDICATOR },
        { 'R', false, NJ_RESPONSE_TOPIC },
        { 'S', true, NJ_SUBSCRIPTION_IDENTIFIER },
    };
    struct nj_property_value value;

    for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
        if (letters[i].letter != piece->letter)
            continue;
        if (!nj_find_property(properties, letters[i].property, &value)) {
            if (piece->letter != 'R' && piece->letter != 'D')
                fill(out, letters[i].number && piece->zeros ? '0' : ' ', piece->width);
        } else if (letters[i].number) {
            print_number(out, piece, value.number);
        } else {
            print_text(out, piece, value.bytes);
        }
    }
}

static void print_time(FILE *out, const struct piece *piece, const char *format, struct timespec at)
{
    /* By a pointer, for compilers want to see strftime()'s format. */
    size_t (*form)(char *, size_t, const char *, const struct tm *) = strftime;
    char text[TIME_SIZE];
    struct tm parts;
    size_t size = 0;

    if (localtime_r(&at.tv_sec, &parts))
        size = form(text, sizeof(text), format, &parts);
    print_text(out, piece, nj_bytes_of(text, size));
}

static void print_part_of_time(FILE *out, char letter, struct timespec at)
{
    static const struct piece plain = { .precision = -1 };
    const char format[] = { '%', letter, '\0' };

    if (letter == 'N')
        fprintf(out, "%09ld", at.tv_nsec);
    else
        print_time(out, &plain, format, at);
}

static bool print_field(
        FILE *out, const struct piece *piece, const struct client_message *message, bool pretty)
{
    const struct nj_message *sent = &message->message;

    switch (piece->letter) {
    case '%':
        fputc('%', out);
        break;
    case 'I':
        print_time(out, piece, "%FT%T%z", message->time);
        break;
    case 'U':
        fprintf(out, "%lld.%09ld", (long long)message->time.tv_sec, message->time.tv_nsec);
        break;
    case 'j':
        return client_json_print(out, message, CLIENT_JSON_TEXT, pretty);
    case 'J':
        return client_json_print(out, message, CLIENT_JSON_VALUE, pretty);
    case 'l':
        print_number(out, piece, (uint32_t)sent->payload.size);
        break;
    case 'm':
        print_number(out, piece, sent->id);
        break;
    case 'P':
        print_user_properties(out, sent->properties);
        break;
    case 'p':
    case 'x':
    case 'X':
        print_payload(out, piece, sent->payload);
        break;
    case 'f':
    case 'd':
        print_float(out, piece, sent->payload);
        break;
    case 'q':
        fprintf(out, "%u", sent->qos);
        break;
    case 'r':
        fputc(sent->retain ? '1' : '0', out);
        break;
    case 't':
        print_text(out, piece, sent->topic);
        break;
    default:
        print_property(out, piece, sent->properties);
        break;
    }
    return true;
}

bool client_format_print(
        FILE *out, const char *format, const struct client_message *message, bool pretty)
{
    bool good = true;

    while (*format != '\0') {
        struct piece piece;

        if (read_piece(&piece, &format) != CLIENT_FORMAT_GOOD)
            return good;
        switch (piece.kind) {
        case PIECE_LITERAL:
            fputc(piece.letter, out);
            break;
        case PIECE_FIELD:
            good &= print_field(out, &piece, message, pretty);
            break;
        case PIECE_TIME:
            print_part_of_time(out, piece.letter, message->time);
            break;
        }
    }
    return good;
}
