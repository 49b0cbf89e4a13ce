/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/config/config.h"
#include "broker/config/option.h"
#include "broker/config/value.h"

enum { VALUE_TEXT_MAX = CONFIG_PATH_MAX + 63 };

/* A key that is not honoured, set to what holds anyway: there is nothing to warn of. */
static bool is_as_always(const struct config_setting *setting)
{
    return setting->option->status != OPTION_HONOURED &&
            value_is_initial(setting->option, bytes_of_text(setting->value));
}

/* The value in effect; of what is not kept, or of one line of several, the value as written. */
static void print_setting(
        const struct config *config, const struct config_setting *setting, FILE *out)
{
    const struct option *option = setting->option;
    bool of_listener = option_is_of_listener(option);
    char value[VALUE_TEXT_MAX + 1] = "";

    if (of_listener && setting->listener >= 0 && !option_adds_up(option))
        value_write(option, (const char *)&config->listeners[setting->listener] + option->offset,
                value, sizeof(value));
    else if (!of_listener && !option_adds_up(option))
        value_write(option, (const char *)config + option->offset, value, sizeof(value));
    fprintf(out, "%s:%u: %s%s%s (%s)\n", setting->origin.file, setting->origin.line, option->name,
            value[0] || setting->value[0] ? " " : "", value[0] ? value : setting->value,
            is_as_always(setting) ? "the default" : option_effect(option));
}

/* Does a line set it, for this listener or with -1 for the whole server? */
static bool is_set(const struct config *config, const struct option *option, int listener)
{
    for (size_t i = 0; i < config->setting_count; i++) {
        if (config->settings[i].option == option && config->settings[i].listener == listener)
            return true;
    }
    return false;
}

/* `about` names the listener, or is empty. */
static void print_default(
        const void *base, const struct option *option, const char *about, FILE *out)
{
    char value[VALUE_TEXT_MAX + 1];

    value_write(option, (const char *)base + option->offset, value, sizeof(value));
    if (value[0])
        fprintf(out, "default: %s%s %s (%s)\n", about, option->name, value, option_effect(option));
}

/* What no line sets of one listener; where it is from the whole server's key, that is its value. */
static void print_listener(const struct config *config, size_t number, FILE *out)
{
    const struct config_listener *listener = &config->listeners[number];
    char about[CONFIG_ADDRESS_MAX + 32];

    snprintf(about, sizeof(about), "listener %u%s%s: ", listener->settings.port,
            listener->address[0] ? " " : "", listener->address);
    for (size_t i = 0; i < option_count; i++) {
        const struct option *option = &option_table[i];

        if (option_is_of_listener(option) && option->scope != SCOPE_DEFAULT_LISTENER &&
                option->type != OPTION_LISTENER && option->size > 0 &&
                !is_set(config, option, (int)number))
            print_default(listener, option, about, out);
    }
}

void config_dump(const struct config *config, FILE *out)
{
    for (size_t i = 0; i < config->setting_count; i++)
        print_setting(config, &config->settings[i], out);
    for (size_t i = 0; i < option_count; i++) {
        const struct option *option = &option_table[i];

        if (option->scope == SCOPE_GLOBAL && option->size > 0 && !is_set(config, option, -1))
            print_default(config, option, "", out);
    }
    for (size_t i = 0; i < config->listener_count && config->local_only; i++)
        fprintf(out, "default: listener %u %s (live)\n", config->listeners[i].settings.port,
                config->listeners[i].address);
    /* In local-only mode all of them are as the first. */
    for (size_t i = 0; i < (config->local_only ? 1 : config->listener_count); i++) {
        if (!config->listeners[i].closed)
            print_listener(config, i, out);
    }
}
