/* SPDX-License-Identifier: Apache-2.0 */
#include "check/notation.h"

#include "base/reader.h"

#include <ctype.h>
#include <stdlib.h>

enum {
    FILL_MAX = 1 << 20,
    LENGTH_SIZE_MAX = 4, /* of a variable byte integer */
};

/* ---- Tokens ---- */

enum token_kind {
    TOKEN_END, /* of the packet */
    TOKEN_BYTE,
    TOKEN_ANY,
    TOKEN_CHOICE,
    TOKEN_CHARACTERS,
    TOKEN_FILL,
    TOKEN_OPEN,
    TOKEN_COMMA,
    TOKEN_CLOSE,
    TOKEN_PROPERTIES,
    TOKEN_LENGTH,
    TOKEN_ID,
    TOKEN_STAR,
    TOKEN_WRONG,
};

struct token {
    enum token_kind kind;
    uint32_t value;   /* the byte, the number of fill characters, or which id */
    bool sized;       /* two bytes of length stand before the characters */
    const char *text; /* of characters and choices, between their marks */
    size_t text_size;
    const char *next; /* behind the token */
};

static int hex_digit(char digit)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = digit ? strchr(digits, tolower((unsigned char)digit)) : NULL;

    return found ? (int)(found - digits) : -1;
}

/* The byte that stands there in hex, or -1. */
static int hex_pair(const char *at)
{
    int high = hex_digit(at[0]);
    int low = high < 0 ? -1 : hex_digit(at[1]);

    return low < 0 ? -1 : high << 4 | low;
}

/* What stands between the mark at `at` and the closing one. */
static struct token enclosed(enum token_kind kind, const char *at, char closing)
{
    const char *end = strchr(at + 1, closing);

    if (!end)
        return (struct token){ .kind = TOKEN_WRONG, .next = at };
    return (struct token){
        .kind = kind, .text = at + 1, .text_size = (size_t)(end - at - 1), .next = end + 1
    };
}

static struct token fill(const char *at)
{
    char *end;
    unsigned long count = strtoul(at + 1, &end, 10);

    if (*end != '}' || count > FILL_MAX)
        return (struct token){ .kind = TOKEN_WRONG, .next = at };
    return (struct token){ .kind = TOKEN_FILL, .value = (uint32_t)count, .next = end + 1 };
}

/* Tokens that are one word. */
static struct token word(const char *at)
{
    static const struct {
        const char *text;
        enum token_kind kind;
    } words[] = { { "..", TOKEN_ANY }, { "(", TOKEN_OPEN }, { ")", TOKEN_CLOSE },
        { ",", TOKEN_COMMA }, { "[P]", TOKEN_PROPERTIES }, { "RL", TOKEN_LENGTH },
        { "*", TOKEN_STAR } };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strncmp(at, words[i].text, strlen(words[i].text)) == 0)
            return (struct token){ .kind = words[i].kind, .next = at + strlen(words[i].text) };
    }
    return (struct token){ .kind = TOKEN_WRONG, .next = at };
}

static struct token next_token(const char *at)
{
    struct token token;
    bool sized;

    while (isspace((unsigned char)*at))
        at++;
    if (*at == '\0' || *at == '|')
        return (struct token){ .kind = TOKEN_END, .next = at };
    sized = at[0] == 'S' && (at[1] == '\'' || at[1] == '{');
    at += sized;
    if (*at == '\'' || *at == '{') {
        token = *at == '{' ? fill(at) : enclosed(TOKEN_CHARACTERS, at, '\'');
        token.sized = sized;
        return token;
    }
    if (*at == '<')
        return enclosed(TOKEN_CHOICE, at, '>');
    if (at[0] == 'i' && at[1] == 'd') {
        bool numbered = at[2] >= '1' && at[2] <= '9';

        return (struct token){ .kind = TOKEN_ID,
            .value = numbered ? (uint32_t)(at[2] - '0') : 0,
            .next = at + 2 + numbered };
    }
    if (hex_pair(at) >= 0)
        return (struct token){
            .kind = TOKEN_BYTE, .value = (uint32_t)hex_pair(at), .next = at + 2
        };
    return word(at);
}

/* ---- Writing ---- */

/* Puts the length of what stands behind `start` before it, as a variable byte integer. */
static void insert_length(struct writer *out, size_t start)
{
    size_t size = out->used - start;
    uint8_t length[LENGTH_SIZE_MAX];
    size_t used = 0;
    size_t rest = size;

    do {
        length[used++] = (uint8_t)((rest & 0x7F) | (rest > 0x7F ? 0x80 : 0));
        rest >>= 7;
    } while (rest > 0 && used < LENGTH_SIZE_MAX);
    if (!writer_room(out, used))
        return;
    memmove(out->data + start + used, out->data + start, size);
    memcpy(out->data + start, length, used);
}

static void write_characters(
        struct writer *out, const struct token *token, const struct notation_scope *scope)
{
    size_t start = out->used;
    size_t size;

    if (token->sized)
        writer_u16(out, 0);
    for (size_t i = 0; i < token->text_size; i++) {
        if (token->text[i] == '~' && scope->name)
            writer_bytes(out, bytes_of_text(scope->name));
        else
            writer_u8(out, (uint8_t)token->text[i]);
    }
    if (!token->sized || out->failed)
        return;
    size = out->used - start - 2;
    out->data[start] = (uint8_t)(size >> 8);
    out->data[start + 1] = (uint8_t)size;
}

static void write_fill(struct writer *out, const struct token *token)
{
    uint8_t *room;

    if (token->sized)
        writer_u16(out, (uint16_t)token->value);
    room = token->value > 0 ? writer_room(out, token->value) : NULL;
    if (room)
        memset(room, 'x', token->value);
}

/* Writes up to the token that closes; gives where that stands, or NULL with *wrong set. */
static const char *write_until(struct writer *out, const char *at, enum token_kind closing,
        const struct notation_scope *scope, const char **wrong)
{
    size_t length_at = SIZE_MAX;

    while (at) {
        struct token token = next_token(at);

        if (token.kind == closing) {
            if (length_at != SIZE_MAX)
                insert_length(out, length_at);
            return at;
        }
        if (token.kind == TOKEN_BYTE) {
            writer_u8(out, (uint8_t)token.value);
        } else if (token.kind == TOKEN_CHARACTERS) {
            write_characters(out, &token, scope);
        } else if (token.kind == TOKEN_FILL) {
            write_fill(out, &token);
        } else if (token.kind == TOKEN_LENGTH) {
            length_at = out->used;
        } else if (token.kind == TOKEN_ID && scope->ids[token.value] != 0) {
            writer_u16(out, scope->ids[token.value]);
        } else if (token.kind == TOKEN_OPEN) {
            size_t start = out->used;

            token.next = write_until(out, token.next, TOKEN_CLOSE, scope, wrong);
            insert_length(out, start);
            if (token.next)
                token.next = next_token(token.next).next;
        } else {
            *wrong = at;
            return NULL;
        }
        at = token.next;
    }
    return NULL;
}

/* Behind the end of a packet: what follows the '|', or the end of the text. */
static const char *behind(const char *end)
{
    end = next_token(end).next;
    return *end == '|' ? end + 1 : end;
}

const char *notation_write(
        struct writer *out, const char **text, const struct notation_scope *scope)
{
    const char *wrong = NULL;
    const char *end = write_until(out, *text, TOKEN_END, scope, &wrong);

    if (end)
        *text = behind(end);
    return wrong;
}

/* ---- Matching ---- */

/* A packet, or a part of it, that is held against a text. */
struct matching {
    struct reader in;
    struct notation_scope *scope;
    bool differs;
    bool wrong; /* the text is */
};

uint32_t notation_length(struct reader *in)
{
    uint32_t value = 0;

    for (unsigned shift = 0; shift < 7 * LENGTH_SIZE_MAX; shift += 7) {
        uint8_t byte = reader_u8(in);

        value |= (uint32_t)(byte & 0x7F) << shift;
        if (byte < 0x80)
            return value;
    }
    reader_fail(in);
    return 0;
}

static void match_characters(struct matching *matching, const struct token *token)
{
    const char *name = matching->scope->name;
    size_t size = 0;

    for (size_t i = 0; i < token->text_size; i++)
        size += token->text[i] == '~' && name ? strlen(name) : 1;
    if (token->sized && reader_u16(&matching->in) != size)
        matching->differs = true;
    for (size_t i = 0; i < token->text_size && !matching->in.failed; i++) {
        if (token->text[i] == '~' && name)
            matching->differs |=
                    !bytes_equal(reader_bytes(&matching->in, strlen(name)), bytes_of_text(name));
        else
            matching->differs |= reader_u8(&matching->in) != (uint8_t)token->text[i];
    }
}

static void match_fill(struct matching *matching, const struct token *token)
{
    if (token->sized && reader_u16(&matching->in) != token->value)
        matching->differs = true;
    for (uint32_t i = 0; i < token->value && !matching->in.failed; i++)
        matching->differs |= reader_u8(&matching->in) != 'x';
}

static void match_choice(struct matching *matching, const struct token *token)
{
    uint8_t byte = reader_u8(&matching->in);
    const char *end = token->text + token->text_size;

    for (const char *at = token->text; at < end; at += 2) {
        while (isspace((unsigned char)*at))
            at++;
        if (at == end)
            break;
        if (hex_pair(at) < 0) {
            matching->wrong = true;
            return;
        }
        if (hex_pair(at) == byte)
            return;
    }
    matching->differs = true;
}

static void match_id(struct matching *matching, uint32_t which)
{
    uint16_t *known = &matching->scope->ids[which];
    uint16_t id = reader_u16(&matching->in);

    if (id == 0 || (which > 0 && *known != 0 && *known != id))
        matching->differs = true;
    *known = id;
}

/* Matches what fits on its own; false for a token that does not. */
static bool match_simple(struct matching *matching, const struct token *token)
{
    if (token->kind == TOKEN_BYTE)
        matching->differs |= reader_u8(&matching->in) != token->value;
    else if (token->kind == TOKEN_ANY)
        reader_u8(&matching->in);
    else if (token->kind == TOKEN_CHOICE)
        match_choice(matching, token);
    else if (token->kind == TOKEN_CHARACTERS)
        match_characters(matching, token);
    else if (token->kind == TOKEN_FILL)
        match_fill(matching, token);
    else if (token->kind == TOKEN_ID)
        match_id(matching, token->value);
    else if (token->kind == TOKEN_PROPERTIES)
        reader_bytes(&matching->in, notation_length(&matching->in));
    else if (token->kind == TOKEN_LENGTH)
        matching->differs |= notation_length(&matching->in) != matching->in.rest.size;
    else if (token->kind == TOKEN_STAR)
        matching->in.rest = (struct bytes){ 0 };
    else
        return false;
    matching->differs |= matching->in.failed;
    return true;
}

enum { PROPERTIES_MAX = 32 }; /* items in one section of a text */

/* Finds where each item of a section begins; gives what closes it, or NULL. */
static const char *list_items(const char *at, const char *items[PROPERTIES_MAX], size_t *count)
{
    *count = 0;
    items[(*count)++] = at;
    while (*count < PROPERTIES_MAX) {
        struct token token = next_token(at);

        if (token.kind == TOKEN_CLOSE)
            return at;
        if (token.kind == TOKEN_END || token.kind == TOKEN_WRONG || token.kind == TOKEN_OPEN)
            return NULL;
        if (token.kind == TOKEN_COMMA)
            items[(*count)++] = token.next;
        at = token.next;
    }
    return NULL;
}

/* Takes one item off the front of the section, where it stands there. */
static bool take_item(struct matching *section, const char *at)
{
    struct matching attempt = *section;
    struct notation_scope scope = *section->scope;

    attempt.scope = &scope;
    for (;;) {
        struct token token = next_token(at);

        if (token.kind == TOKEN_COMMA || token.kind == TOKEN_CLOSE)
            break;
        if (!match_simple(&attempt, &token) || attempt.differs || attempt.wrong) {
            section->wrong |= attempt.wrong;
            return false;
        }
        at = token.next;
    }
    *section->scope = scope;
    section->in = attempt.in;
    return true;
}

/* Matches a property section from behind its '('; gives its end in the text, or NULL. */
static const char *match_section(struct matching *matching, const char *at)
{
    const char *items[PROPERTIES_MAX];
    size_t count;
    const char *end = list_items(at, items, &count);
    struct matching section = { .scope = matching->scope };
    size_t taken = 0;

    if (!end) {
        matching->wrong = true;
        return NULL;
    }
    section.in.rest = reader_bytes(&matching->in, notation_length(&matching->in));
    while (taken < count) {
        size_t i = 0;

        while (i < count && (!items[i] || !take_item(&section, items[i])))
            i++;
        if (i == count)
            break;
        items[i] = NULL;
        taken++;
    }
    matching->wrong |= section.wrong;
    matching->differs |= taken < count || section.in.rest.size > 0 || matching->in.failed;
    return next_token(end).next;
}

enum notation_match notation_fits(
        struct bytes packet, const char **text, struct notation_scope *scope)
{
    struct notation_scope kept = *scope;
    struct matching matching = { .in = { .rest = packet }, .scope = &kept };
    const char *at = *text;
    struct token token = next_token(at);

    while (token.kind != TOKEN_END && at) {
        if (token.kind == TOKEN_OPEN)
            at = match_section(&matching, token.next);
        else if (match_simple(&matching, &token))
            at = token.next;
        else
            return NOTATION_WRONG;
        if (!at || matching.wrong)
            return NOTATION_WRONG;
        token = next_token(at);
    }
    *text = behind(at);
    if (matching.differs || matching.in.rest.size > 0)
        return NOTATION_DIFFERS;
    *scope = kept;
    return NOTATION_FITS;
}

const char *notation_next(const char *text)
{
    struct token token = next_token(text);

    while (token.kind != TOKEN_END && token.kind != TOKEN_WRONG)
        token = next_token(token.next);
    return token.kind == TOKEN_END ? behind(token.next) : text + strlen(text);
}
