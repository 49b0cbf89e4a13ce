/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/passwd.h"

#include "cli/passwd_edit.h"
#include "cli/passwd_file.h"
#include "cli/passwd_prompt.h"

#include <assert.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

static const char usage[] =
        "Usage: nightjar passwd [-H hash] [-I iterations] [-c | -D] file user\n"
        "       nightjar passwd [-H hash] [-I iterations] [-c] -b file user password\n"
        "       nightjar passwd [-H hash] [-I iterations] -U file\n"
        "\n"
        "Sets a user's password in a password file, and asks for it.\n"
        "\n"
        "  -b  the password stands on the command line, where others may see it\n"
        "  -c  make a new file; one that is there is replaced; the file - is stdout\n"
        "  -D  remove the user\n"
        "  -H  argon2id, sha512-pbkdf2 (the default), scram-sha-256 (for clients that log in by\n"
        "      SCRAM) or sha512 (for old servers, and weak)\n"
        "  -I  iterations, 1 to 10000000; by default 210000 of sha512-pbkdf2, 600000 of\n"
        "      scram-sha-256\n"
        "  -U  the file has passwords in clear text: hash them\n"
        "\n"
        "Without a terminal on stdin the password is its first line.\n";

struct request {
    struct passwd_edit edit;
    bool create;
    bool help;
    const char *path;
    const char *user;
    const char *password; /* NULL: to be asked for */
    char hash[PASSWORD_TEXT_MAX + 1];
};

static int complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

static int complain(const char *format, ...)
{
    va_list arguments;

    fputs("nightjar passwd: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    return -EINVAL;
}

/* ---- The command line ---- */

static int read_algorithm(const char *name, enum password_algorithm *out)
{
    static const char *const names[] = {
        [PASSWORD_SHA512] = "sha512",
        [PASSWORD_PBKDF2] = "sha512-pbkdf2",
        [PASSWORD_ARGON2ID] = "argon2id",
        [PASSWORD_SCRAM_SHA256] = "scram-sha-256",
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i], name) != 0)
            continue;
        *out = (enum password_algorithm)i;
        return 0;
    }
    return complain("-H %s: say argon2id, sha512-pbkdf2, scram-sha-256 or sha512", name);
}

static int read_rounds(const char *text, uint32_t *out)
{
    char *end;
    unsigned long rounds;

    errno = 0;
    rounds = strtoul(text, &end, 10);
    if (errno != 0 || *end != '\0' || text[0] < '0' || text[0] > '9' || rounds < 1 ||
            rounds > PASSWORD_ROUNDS_MAX)
        return complain("-I %s: say a number from 1 to %d", text, PASSWORD_ROUNDS_MAX);
    *out = (uint32_t)rounds;
    return 0;
}

/* Takes the options. Returns 0 and whether -b, -c, -D and -U were among them, or -EINVAL. */
static int read_options(struct request *request, int argc, char **argv, bool seen[128])
{
    int result = 0;
    int letter;

    opterr = 0;
    while (result == 0 && (letter = getopt(argc, argv, "bcDH:I:Uh")) != -1) {
        seen[letter & 127] = true;
        if (letter == 'H')
            result = read_algorithm(optarg, &request->edit.algorithm);
        else if (letter == 'I')
            result = read_rounds(optarg, &request->edit.rounds);
        else if (letter == '?')
            result = complain("-%c%s; see nightjar passwd -h", optopt,
                    strchr("HI", optopt)    ? ": its value is missing"
                            : optopt == '-' ? "help is the one option with two dashes"
                                            : ": no such option");
    }
    return result;
}

static int read_request(struct request *request, int argc, char **argv)
{
    bool seen[128] = { false };
    int words;
    int wanted;
    int result = argc > 1 && strcmp(argv[1], "--help") == 0;

    if (result > 0)
        seen['h'] = true;
    else
        result = read_options(request, argc, argv, seen);
    request->help = seen['h'];
    if (result < 0 || request->help)
        return result < 0 ? result : 0;
    if ((seen['D'] && (seen['b'] || seen['c'])) ||
            (seen['U'] && (seen['b'] || seen['c'] || seen['D'])))
        return complain("these options do not go together; see nightjar passwd -h");
    if (seen['I'] && request->edit.algorithm != PASSWORD_PBKDF2 &&
            request->edit.algorithm != PASSWORD_SCRAM_SHA256)
        return complain("-I is for sha512-pbkdf2 and scram-sha-256 only");
    words = argc - optind;
    wanted = seen['U'] ? 1 : seen['b'] ? 3 : 2;
    if (words != wanted)
        return complain("%s; see nightjar passwd -h",
                words < wanted ? "something is missing after the options" : "too many words");
    request->edit.action = seen['U'] ? PASSWD_HASH : seen['D'] ? PASSWD_REMOVE : PASSWD_SET;
    request->create = seen['c'];
    request->path = argv[optind];
    request->user = seen['U'] ? "" : argv[optind + 1];
    request->password = seen['b'] ? argv[optind + 2] : NULL;
    return 0;
}

/* ---- The password ---- */

/* Asks until it was given twice the same, or once where nobody sits at a terminal. */
static int ask(char out[PASSWD_PROMPT_MAX + 1])
{
    char again[PASSWD_PROMPT_MAX + 1];
    int size = passwd_prompt("Password: ", out);
    int second;

    if (size < 0 || !isatty(STDIN_FILENO))
        return size;
    second = passwd_prompt("Again: ", again);
    if (second >= 0 && strcmp(out, again) != 0)
        second = complain("the two passwords are not the same");
    OPENSSL_cleanse(again, sizeof(again));
    return second < 0 ? second : size;
}

static int hash_password(const struct request *request, char text[PASSWORD_TEXT_MAX + 1])
{
    char asked[PASSWD_PROMPT_MAX + 1];
    struct bytes password = bytes_of_text(request->password);
    struct password_hash hash;
    int result = 0;

    if (!request->password) {
        result = ask(asked);
        password = bytes_of(asked, result < 0 ? 0 : (size_t)result);
    }
    if (result >= 0 && password.size == 0)
        result = complain("the password is empty");
    else if (result >= 0)
        result = password_hash_make(&hash, request->edit.algorithm, request->edit.rounds, password);
    if (result == 0)
        password_hash_encode(&hash, text);
    OPENSSL_cleanse(asked, sizeof(asked));
    return result;
}

/* ---- The file ---- */

/* Writes the changed text to stdout or into the file's place. Returns 0 or -errno. */
static int change(const struct request *request, const struct passwd_file *file)
{
    struct bytes old = bytes_of(file ? file->text : NULL, file ? file->size : 0);
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    int result;

    if (!out)
        return -ENOMEM;
    result = passwd_edit_apply(&request->edit, old, out);
    if (fclose(out) != 0)
        result = -ENOMEM;
    if (result == 0 && request->edit.action == PASSWD_REMOVE)
        result = complain("there is no user %s in %s", request->user, request->path);
    else if (result > 0 && file)
        result = passwd_file_replace(file, bytes_of(text, size));
    else if (result > 0)
        result = fwrite(text, 1, size, stdout) == size && fflush(stdout) == 0 ? 0 : -EIO;
    free(text);
    return result;
}

static int complain_of_file(const struct request *request, int error)
{
    return complain("%s: %s%s", request->path, strerror(error),
            error == ENOENT ? "; -c makes a new file" : "");
}

static int run(struct request *request)
{
    struct passwd_file file;
    const char *fault = NULL;
    int result = 0;

    assert(request->path);
    request->edit.user = bytes_of_text(request->user);
    request->edit.hash = request->hash;
    if (request->edit.action == PASSWD_SET)
        fault = passwd_name_fault(request->edit.user);
    if (fault)
        return complain("%s", fault);
    if (!request->create && access(request->path, R_OK | W_OK) < 0) /* before anyone is asked */
        return complain_of_file(request, errno);
    if (request->edit.action == PASSWD_SET)
        result = hash_password(request, request->hash);
    if (result < 0)
        return result;
    if (request->create && strcmp(request->path, "-") == 0)
        return change(request, NULL);
    result = passwd_file_open(&file, request->path, request->create);
    if (result < 0)
        return complain_of_file(request, -result);
    result = change(request, &file);
    passwd_file_close(&file);
    return result;
}

int passwd_main(int argc, char **argv)
{
    struct request request = { .edit = { .algorithm = PASSWORD_PBKDF2 } };
    int result = read_request(&request, argc, argv);

    if (result == 0 && request.help) {
        fputs(usage, stdout);
        return 0;
    }
    if (result == 0)
        result = run(&request);
    if (result == -ECANCELED)
        complain("no password was given, so nothing is changed");
    else if (result < 0 && result != -EINVAL) /* that was told */
        complain("%s", strerror(-result));
    return result < 0 ? 1 : 0;
}
