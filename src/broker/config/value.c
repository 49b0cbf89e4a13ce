/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/config/value.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "broker/config/config.h"
#include "broker/config/line.h"
#include "mqtt/utf8.h"
#include "net/network.h"

enum {
    QUOTED_MAX = 80, /* bytes of a value that a message repeats */
    NUMBER_TEXT_MAX = 31,
    RANGE_TEXT_MAX = 63,
    CHOICES_TEXT_MAX = 255,
};

/* What a reader of one type is given. */
struct reading {
    const struct option *option;
    struct bytes text; /* the whole value */
    void *field;
    struct report *report;
    struct report_origin origin;
    struct bytes rest; /* of text: what has not been read yet */
};

static struct bytes take_word(struct reading *reading)
{
    return line_word(&reading->rest);
}

static struct bytes take_all(struct reading *reading)
{
    struct bytes all = reading->rest;

    reading->rest = (struct bytes){ 0 };
    return all;
}

/* What a message may repeat of a value. */
static struct bytes quoted(const struct reading *reading, struct bytes value)
{
    if (reading->option->secret)
        return BYTES(OPTION_HIDDEN);
    return bytes_first(value, value.size < QUOTED_MAX ? value.size : QUOTED_MAX);
}

/* Tells "key value problem" and gives false, for a reader to return. */
static bool fail(const struct reading *reading, struct bytes value, const char *problem)
{
    struct bytes shown = quoted(reading, value);

    report_tell(reading->report, REPORT_ERROR, reading->origin, "%s %.*s %s", reading->option->name,
            (int)shown.size, (const char *)shown.data, problem);
    return false;
}

static void warn(const struct reading *reading, struct bytes value, const char *problem)
{
    struct bytes shown = quoted(reading, value);

    report_tell(reading->report, REPORT_WARNING, reading->origin, "%s %.*s %s",
            reading->option->name, (int)shown.size, (const char *)shown.data, problem);
}

static bool is_comment(struct bytes rest)
{
    rest = line_trim(rest);
    return rest.size > 0 && rest.data[0] == '#';
}

/* Mosquitto passes over what is more than a value; so do we, but not in silence. */
static void warn_of_rest(const struct reading *reading)
{
    struct bytes rest = line_trim(reading->rest);

    if (rest.size == 0 || is_comment(rest))
        return;
    warn(reading, rest,
            option_adds_up(reading->option)
                    ? "is passed over; give it a line of its own"
                    : "is passed over, for the value ends before it; remove it");
}

static uint32_t scale_of(const struct option *option)
{
    return option->scale > 0 ? option->scale : 1;
}

/* Writes an integer into a field of the option's size; the range makes sure that it fits. */
static void store(const struct option *option, void *field, uint64_t value)
{
    uint8_t u8 = (uint8_t)value;
    uint16_t u16 = (uint16_t)value;
    uint32_t u32 = (uint32_t)value;

    switch (option->size) {
    case 0:
        break;
    case sizeof(u8):
        memcpy(field, &u8, sizeof(u8));
        break;
    case sizeof(u16):
        memcpy(field, &u16, sizeof(u16));
        break;
    case sizeof(u32):
        memcpy(field, &u32, sizeof(u32));
        break;
    default:
        assert(option->size == sizeof(value));
        memcpy(field, &value, sizeof(value));
    }
}

static uint64_t load(const struct option *option, const void *field)
{
    uint8_t u8;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;

    switch (option->size) {
    case sizeof(u8):
        memcpy(&u8, field, sizeof(u8));
        return u8;
    case sizeof(u16):
        memcpy(&u16, field, sizeof(u16));
        return u16;
    case sizeof(u32):
        memcpy(&u32, field, sizeof(u32));
        return u32;
    default:
        assert(option->size == sizeof(u64));
        memcpy(&u64, field, sizeof(u64));
        return u64;
    }
}

/* Decimal, 0x... or 0...; false when the word is not a number as a whole. */
static bool number_read(struct bytes word, int64_t *out)
{
    char text[NUMBER_TEXT_MAX + 1];
    char *end;
    long long number;

    if (word.size == 0 || word.size > NUMBER_TEXT_MAX)
        return false;
    memcpy(text, word.data, word.size);
    text[word.size] = '\0';
    errno = 0;
    number = strtoll(text, &end, 0);
    /* The end must be the word's: a NUL inside it ends strtoll's view too early. */
    if (end == text || end != text + word.size || errno == ERANGE)
        return false;
    *out = number;
    return true;
}

static void range_write(const struct option *option, char *out, size_t size)
{
    if (option->max == INT64_MAX)
        snprintf(out, size, "%" PRId64 " or more", option->min);
    else
        snprintf(out, size, "%" PRId64 " to %" PRId64, option->min, option->max);
}

/* Brings a number into the range where the option allows that; false when it stays outside. */
static bool clamp(const struct reading *reading, struct bytes word, int64_t *number)
{
    const struct option *option = reading->option;
    char problem[RANGE_TEXT_MAX + 1];
    int64_t bound = *number < option->min ? option->min : option->max;

    if (*number >= option->min && *number <= option->max)
        return true;
    if (!(option->clamp & (*number < option->min ? CLAMP_LOW : CLAMP_HIGH)))
        return false;
    snprintf(problem, sizeof(problem), "is out of range; %" PRId64 " is used", bound);
    warn(reading, word, problem);
    *number = bound;
    return true;
}

static bool read_number(struct reading *reading)
{
    struct bytes word = take_word(reading);
    char range[RANGE_TEXT_MAX + 1];
    char problem[RANGE_TEXT_MAX * 2];
    int64_t number = 0;
    bool numeric = number_read(word, &number);

    if (!numeric || !clamp(reading, word, &number)) {
        range_write(reading->option, range, sizeof(range));
        snprintf(problem, sizeof(problem), "is %s; write a number, %s",
                numeric ? "out of range" : "not a number", range);
        return fail(reading, word, problem);
    }
    /* A negative number, -1 for "no limit", is never scaled. */
    store(reading->option, reading->field,
            (uint64_t)number * (number < 0 ? 1 : scale_of(reading->option)));
    return true;
}

/* How many bytes the letter stands for; 1 where it is none of them. */
static int64_t bytes_of_unit(uint8_t letter)
{
    static const char letters[] = "kKmMgG";
    const char *at = letter ? strchr(letters, letter) : NULL;

    return at ? INT64_C(1) << ((at - letters) / 2 + 1) * 10 : 1;
}

/* False when the word is not a number as a whole; -1: it is one, but none of bytes. */
static bool bytes_read(struct bytes word, int64_t *out)
{
    int64_t unit = word.size > 0 ? bytes_of_unit(word.data[word.size - 1]) : 1;
    int64_t number;

    if (!number_read(bytes_first(word, word.size - (unit > 1)), &number))
        return false;
    *out = number >= 0 && number <= INT64_MAX / unit ? number * unit : -1;
    return true;
}

static bool is_auto(const struct option *option, struct bytes word)
{
    return bytes_equal(word, BYTES("auto")) && bytes_equal(word, bytes_of_text(option->initial));
}

/* Mosquitto takes what is not a number for 0; of its own keys so do we, but we say so. */
static bool read_bytes(struct reading *reading)
{
    struct bytes word = take_word(reading);
    const struct option *option = reading->option;
    char range[RANGE_TEXT_MAX + 1];
    char problem[RANGE_TEXT_MAX * 3];
    int64_t number = 0;
    bool numeric = bytes_read(word, &number);

    if (is_auto(option, word)) {
        store(option, reading->field, OPTION_BYTES_AUTO);
        return true;
    }
    if (!numeric && option->clamp & CLAMP_LOW) {
        warn(reading, word, "is not a number; there is no limit");
    } else if (!numeric || number < 0 || (number > 0 && number < option->min)) {
        range_write(option, range, sizeof(range));
        snprintf(problem, sizeof(problem),
                "is not such a number; write a number of bytes, %s, maybe with k, M or G behind "
                "it, or 0 for no limit",
                range);
        return fail(reading, word, problem);
    }
    store(option, reading->field, (uint64_t)number);
    return true;
}

static bool flag_read(struct bytes text, bool *out)
{
    struct bytes word = line_word(&text);

    *out = bytes_equal(word, BYTES("true")) || bytes_equal(word, BYTES("1"));
    return *out || bytes_equal(word, BYTES("false")) || bytes_equal(word, BYTES("0"));
}

static bool read_flag(struct reading *reading)
{
    struct bytes word = take_word(reading);
    bool flag;

    if (!flag_read(word, &flag))
        return fail(reading, word, "is neither true nor false; write one of these");
    store(reading->option, reading->field, flag);
    return true;
}

struct duration_unit {
    char letter;
    int64_t seconds;
};

static int64_t unit_seconds(uint8_t letter)
{
    static const struct duration_unit units[] = {
        { 's', 1 },
        { 'h', 3600 },
        { 'd', 86400 },
        { 'w', 7 * 86400 },
        { 'm', 30 * 86400 },
        { 'y', 365 * 86400 },
    };

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (letter == units[i].letter)
            return units[i].seconds;
    }
    return 0;
}

static bool read_duration(struct reading *reading)
{
    struct bytes word = take_word(reading);
    int64_t seconds = word.size > 0 ? unit_seconds(word.data[word.size - 1]) : 0;
    int64_t number = 0;

    if (seconds == 0 || !number_read(bytes_first(word, word.size - 1), &number) || number < 1 ||
            number > INT32_MAX)
        return fail(reading, word,
                "is not a duration; write a number and one of s h d w m y, such as 14d");
    store(reading->option, reading->field, (uint64_t)(number * seconds));
    return true;
}

/* The choice of that name; NULL where there is nothing to store, which is an error unless *good. */
static const struct option_choice *choose(
        const struct reading *reading, struct bytes word, bool *good)
{
    const struct option_choice *choice = reading->option->choices;
    char problem[CHOICES_TEXT_MAX + 1] = "is not known; write one of:";
    size_t used = strlen(problem);

    for (; choice->name && !bytes_equal(bytes_of_text(choice->name), word); choice++)
        used += (size_t)snprintf(problem + used, sizeof(problem) - used, " %s", choice->name);
    if (!choice->name) {
        *good = fail(reading, word, problem);
        return NULL;
    }
    *good = choice->status != OPTION_REFUSED;
    if (choice->status == OPTION_HONOURED)
        return choice;
    report_tell(reading->report, *good ? REPORT_WARNING : REPORT_ERROR, reading->origin,
            "%s %s%s: %s", reading->option->name, choice->name, *good ? " has no effect" : "",
            choice->reason);
    return NULL;
}

static bool read_word(struct reading *reading)
{
    bool good;
    const struct option_choice *choice = choose(reading, take_word(reading), &good);

    if (choice)
        store(reading->option, reading->field, choice->value);
    return good;
}

/* Adds to a set, or empties it: that is what a choice of value 0 means. */
static void add(uint32_t *set, const struct option_choice *choice)
{
    *set = choice->value == 0 ? 0 : *set | choice->value;
}

static bool read_words(struct reading *reading)
{
    bool good;
    const struct option_choice *choice = choose(reading, take_word(reading), &good);

    if (choice)
        add(reading->field, choice);
    return good;
}

static bool read_log_dest(struct reading *reading)
{
    struct log_destinations *to = reading->field;
    bool good;
    const struct option_choice *choice = choose(reading, take_word(reading), &good);
    struct bytes path;

    if (!choice)
        return good;
    if (choice->value == LOG_TO_FILE) {
        path = line_trim(take_all(reading));
        if (path.size == 0)
            return fail(reading, reading->text, "has no path; write log_dest file PATH");
        if (path.size > LOG_PATH_MAX || memchr(path.data, '\0', path.size))
            return fail(reading, reading->text, "is too long a path or has a NUL; shorten it");
        if (to->set & LOG_TO_FILE)
            return fail(reading, reading->text, "is a second file; remove one of the two");
        memcpy(to->path, path.data, path.size);
        to->path[path.size] = '\0';
    }
    add(&to->set, choice);
    return true;
}

static bool read_durability(struct reading *reading)
{
    struct durability *durability = reading->field;
    bool good;
    const struct option_choice *choice = choose(reading, take_word(reading), &good);
    int64_t interval_ms = 0;

    if (!choice)
        return good;
    if (choice->value == DURABILITY_INTERVAL &&
            (!number_read(take_word(reading), &interval_ms) || interval_ms < reading->option->min ||
                    interval_ms > reading->option->max))
        return fail(reading, reading->text,
                "has no such time; write interval and a number of milliseconds, 1 to 60000");
    *durability = (struct durability){ choice->value, (uint32_t)interval_ms };
    return true;
}

static bool is_separator(uint8_t byte)
{
    return byte == ',' || byte == ' ' || byte == '\t';
}

/* The next item of a list, which a comment may end. */
static bool take_item(struct bytes *rest, struct bytes *item)
{
    size_t start = 0;
    size_t end;

    while (start < rest->size && is_separator(rest->data[start]))
        start++;
    end = start;
    while (end < rest->size && !is_separator(rest->data[end]))
        end++;
    *item = bytes_from(bytes_first(*rest, end), start);
    *rest = bytes_from(*rest, end);
    return item->size > 0 && item->data[0] != '#';
}

/* A word that is no version is passed over, as Mosquitto does, but not in silence. */
static bool read_versions(struct reading *reading)
{
    struct bytes rest = take_all(reading);
    struct bytes item;
    uint64_t versions = 0;

    while (take_item(&rest, &item)) {
        if (item.size == 1 && item.data[0] >= '3' && item.data[0] <= '5')
            versions |= 1u << (item.data[0] - '0');
        else
            warn(reading, item, "is passed over; the versions are 3, 4 and 5");
    }
    if (versions == 0)
        return fail(reading, reading->text, "lets nobody in; write a list of 3, 4 and 5");
    store(reading->option, reading->field, versions);
    return true;
}

static size_t text_bytes_max(const struct option *option)
{
    if (option->size > 0)
        return option->size - 1;
    return option->max > 0 ? (size_t)option->max : CONFIG_VALUE_BYTES_MAX;
}

static bool read_text(struct reading *reading)
{
    struct bytes text = take_all(reading);
    size_t bytes_max = text_bytes_max(reading->option);
    char problem[RANGE_TEXT_MAX + 1];

    if (!mqtt_utf8_valid(text))
        return fail(reading, BYTES("is not"), "UTF-8 text; write the file in UTF-8");
    if (text.size > bytes_max) {
        snprintf(problem, sizeof(problem), "is longer than %zu bytes; shorten it", bytes_max);
        return fail(reading, text, problem);
    }
    if (reading->option->size > 0) {
        /* Zeros up to the end, so that equal texts are equal fields. */
        memset(reading->field, 0, reading->option->size);
        memcpy(reading->field, text.data, text.size);
    }
    return true;
}

static int64_t count_words(struct bytes text)
{
    int64_t count = 0;

    while (line_word(&text).size > 0)
        count++;
    return count;
}

static bool read_list(struct reading *reading)
{
    struct bytes text = take_all(reading);
    char *list = reading->field;
    size_t used = strlen(list);
    int64_t words = reading->option->min;
    char problem[RANGE_TEXT_MAX + 1];

    if (words > 0 && count_words(text) != words) {
        snprintf(problem, sizeof(problem), "is not %d words; write so many", (int)words);
        return fail(reading, text, problem);
    }
    if (!mqtt_utf8_valid(text))
        return fail(reading, BYTES("is not"), "UTF-8 text; write the file in UTF-8");
    if (used > 0)
        used++;
    if (used + text.size >= reading->option->size) {
        snprintf(problem, sizeof(problem), "makes more than %zu bytes with those before; shorten",
                reading->option->size - 1);
        return fail(reading, text, problem);
    }
    if (used > 0)
        list[used - 1] = reading->option->type == OPTION_LINES ? '\n' : ' ';
    memcpy(list + used, text.data, text.size);
    return true;
}

/* All of a line's networks or none of them. */
static bool read_networks(struct reading *reading)
{
    static const char problem[] =
            "is neither an address nor a network; write 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32, "
            "without a bit of the address behind the prefix";
    struct network_list *field = reading->field;
    struct network_list list = *field;
    struct bytes rest = take_all(reading);
    char full[RANGE_TEXT_MAX + 1];
    struct bytes item;

    /* Where nothing set means something, nobody is to be said. */
    if (reading->option->initial && bytes_equal(reading->text, BYTES("none"))) {
        memset(field, 0, sizeof(*field));
        return true;
    }
    while (take_item(&rest, &item)) {
        if (list.count == NETWORK_LIST_MAX) {
            snprintf(full, sizeof(full), "is one more than %d; join some into larger networks",
                    NETWORK_LIST_MAX);
            return fail(reading, item, full);
        }
        if (network_parse(&list.networks[list.count], item) < 0)
            return fail(reading, item, problem);
        list.count++;
    }
    if (list.count == field->count)
        return fail(reading, reading->text, problem);
    *field = list;
    return true;
}

/* The path of a Unix socket; absolute, for a server in the background is in another directory. */
static bool is_unix_path(struct bytes path)
{
    return path.size > 0 && path.size <= CONFIG_UNIX_PATH_MAX && path.data[0] == '/';
}

/* A port, and maybe an address up to the next blank. */
static bool read_listener(struct reading *reading)
{
    struct config_listener *listener = reading->field;
    struct bytes word = take_word(reading);
    struct bytes address = is_comment(reading->rest) ? (struct bytes){ 0 } : take_word(reading);
    int64_t port = 0;
    bool numeric = number_read(word, &port);

    if (numeric && port == 0 && !is_unix_path(address))
        return fail(reading, reading->text,
                "is not a Unix socket; write 0 and an absolute path of at most 107 bytes");
    if (!numeric || port < reading->option->min || port > reading->option->max)
        return fail(reading, word, "is not a port; write a number, 1 to 65535");
    if (address.size > CONFIG_ADDRESS_MAX || !mqtt_utf8_valid(address))
        return fail(reading, address, "is not an address; write a host's name or number");
    listener->settings.port = (uint16_t)port;
    if (address.size > 0)
        memcpy(listener->address, address.data, address.size);
    listener->address[address.size] = '\0';
    return true;
}

static bool read_nothing(struct reading *reading)
{
    take_all(reading);
    return true;
}

bool value_read(const struct option *option, struct bytes text, void *field, struct report *report,
        struct report_origin origin)
{
    static bool (*const readers[])(struct reading *) = {
        [OPTION_FLAG] = read_flag,
        [OPTION_NUMBER] = read_number,
        [OPTION_BYTES] = read_bytes,
        [OPTION_DURATION] = read_duration,
        [OPTION_WORD] = read_word,
        [OPTION_WORDS] = read_words,
        [OPTION_LOG_DEST] = read_log_dest,
        [OPTION_VERSIONS] = read_versions,
        [OPTION_TEXT] = read_text,
        [OPTION_LIST] = read_list,
        [OPTION_LINES] = read_list,
        [OPTION_DURABILITY] = read_durability,
        [OPTION_NETWORKS] = read_networks,
        [OPTION_LISTENER] = read_listener,
        [OPTION_INCLUDE] = read_text,
        [OPTION_IGNORED] = read_nothing,
    };
    struct reading reading = { option, text, field, report, origin, text };

    if (text.size == 0 && option->type != OPTION_IGNORED) {
        report_tell(
                report, REPORT_ERROR, origin, "%s has no value; write one after it", option->name);
        return false;
    }
    if (!readers[option->type](&reading))
        return false;
    warn_of_rest(&reading);
    return true;
}

void value_reset(const struct option *option, void *field)
{
    struct report silent = { 0 };
    struct bytes words = bytes_of_text(option->initial);

    memset(field, 0, option->size);
    if (option->type != OPTION_WORDS && words.size > 0)
        value_read(option, words, field, &silent, (struct report_origin){ 0 });
    while (option->type == OPTION_WORDS && words.size > 0)
        value_read(option, line_word(&words), field, &silent, (struct report_origin){ 0 });
    assert(silent.errors + silent.warnings == 0);
}

bool value_is_initial(const struct option *option, struct bytes text)
{
    struct bytes initial = bytes_of_text(option->initial);
    bool flag;
    bool initial_flag;

    if (!option->initial)
        return false;
    if (option->type == OPTION_FLAG)
        return flag_read(text, &flag) && flag_read(initial, &initial_flag) && flag == initial_flag;
    return bytes_equal(text, initial);
}

static void number_write(const struct option *option, const void *field, char *out, size_t size)
{
    uint64_t number = load(option, field);

    /* Nothing set: what stands for that is not always in the range. */
    if (number == 0 && option->min > 0 && !option->initial)
        return;
    if (option->min < 0)
        snprintf(out, size, "%" PRId64, (int64_t)number);
    else if (option->type == OPTION_BYTES && number == OPTION_BYTES_AUTO)
        snprintf(out, size, "auto");
    else
        snprintf(out, size, "%" PRIu64, number / scale_of(option));
}

static void word_write(const struct option *option, const void *field, char *out, size_t size)
{
    uint64_t value = load(option, field);

    for (const struct option_choice *choice = option->choices; choice->name; choice++) {
        if (choice->status == OPTION_HONOURED && choice->value == value) {
            snprintf(out, size, "%s", choice->name);
            return;
        }
    }
}

static bool is_one_bit(uint32_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

static void durability_write(
        const struct option *option, const struct durability *durability, char *out, size_t size)
{
    const struct option_choice *choice = option->choices;

    while (choice->value != durability->kind)
        choice++;
    if (durability->interval_ms > 0)
        snprintf(out, size, "%s %" PRIu32, choice->name, durability->interval_ms);
    else
        snprintf(out, size, "%s", choice->name);
}

static void set_write(
        const struct option *option, uint32_t set, const char *path, char *out, size_t size)
{
    size_t used = 0;

    snprintf(out, size, "none");
    for (const struct option_choice *choice = option->choices; choice->name; choice++) {
        if (!is_one_bit(choice->value) || !(set & choice->value) || used >= size)
            continue;
        used += (size_t)snprintf(
                out + used, size - used, "%s%s", used > 0 ? " " : "", choice->name);
        if (path && choice->value == LOG_TO_FILE && used < size)
            used += (size_t)snprintf(out + used, size - used, " %s", path);
    }
}

static void versions_write(uint64_t versions, char *out, size_t size)
{
    size_t used = 0;

    for (unsigned version = 3; version <= 5; version++) {
        if (versions & 1u << version && used < size)
            used += (size_t)snprintf(out + used, size - used, used > 0 ? ",%u" : "%u", version);
    }
}

static void networks_write(const struct network_list *list, char *out, size_t size)
{
    char text[NETWORK_TEXT_SIZE];
    size_t used = 0;

    for (size_t i = 0; i < list->count && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", used > 0 ? " " : "",
                network_format(&list->networks[i], text));
}

/* What stood in several lines is told in one. */
static void lines_write(const char *text, char *out, size_t size)
{
    size_t used = 0;

    for (; *text != '\0' && used + 1 < size; text++) {
        out[used++] = (char)(*text == '\n' ? ',' : *text);
        if (*text == '\n' && used + 1 < size)
            out[used++] = ' ';
    }
    out[used] = '\0';
}

void value_write(const struct option *option, const void *field, char *out, size_t size)
{
    const struct log_destinations *to = field;
    const struct config_listener *listener = field;
    uint32_t set;

    out[0] = '\0';
    if (option->size == 0)
        return;
    switch (option->type) {
    case OPTION_FLAG:
        snprintf(out, size, "%s", load(option, field) ? "true" : "false");
        break;
    case OPTION_NUMBER:
    case OPTION_BYTES:
        number_write(option, field, out, size);
        break;
    case OPTION_DURATION:
        if (load(option, field) > 0)
            snprintf(out, size, "%" PRIu64 "s", load(option, field));
        break;
    case OPTION_WORD:
        word_write(option, field, out, size);
        break;
    case OPTION_WORDS:
        memcpy(&set, field, sizeof(set));
        set_write(option, set, NULL, out, size);
        break;
    case OPTION_LOG_DEST:
        set_write(option, to->set, to->path, out, size);
        break;
    case OPTION_VERSIONS:
        versions_write(load(option, field), out, size);
        break;
    case OPTION_DURABILITY:
        durability_write(option, field, out, size);
        break;
    case OPTION_NETWORKS:
        networks_write(field, out, size);
        break;
    case OPTION_TEXT:
    case OPTION_LIST:
    case OPTION_LINES:
        lines_write(option->secret && *(const char *)field ? OPTION_HIDDEN : field, out, size);
        break;
    case OPTION_LISTENER:
        snprintf(out, size, "%u%s%s", listener->settings.port, listener->address[0] ? " " : "",
                listener->address);
        break;
    case OPTION_INCLUDE:
    case OPTION_IGNORED:
        break;
    }
}
