/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/crash/server.h"

#include "tests/harness/test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOG_SHOWN = 4000 };

static bool is_ours(const struct server *server)
{
    const char *slash = strrchr(server->program, '/');

    return strncmp(slash ? slash + 1 : server->program, "mosquitto", strlen("mosquitto")) != 0;
}

static void path_in(const struct server *server, const char *name, char out[SERVER_PATH_MAX + 16])
{
    snprintf(out, SERVER_PATH_MAX + 16, "%s/%s", server->folder, name);
}

void server_init(struct server *server, const char *lines)
{
    const char *program = getenv("NIGHTJAR");
    char data[SERVER_PATH_MAX + 16];

    *server = (struct server){ .lines = lines, .program = program ? program : "./nightjar" };
    snprintf(server->folder, sizeof(server->folder), "crash-XXXXXX");
    assert_non_null(mkdtemp(server->folder));
    snprintf(server->socket_folder, sizeof(server->socket_folder), "/tmp/nj-crash-XXXXXX");
    assert_non_null(mkdtemp(server->socket_folder));
    snprintf(server->socket, sizeof(server->socket), "%s/socket", server->socket_folder);
    path_in(server, "data", data);
    assert_int_equal(mkdir(data, 0700), 0);
}

static void write_config(const struct server *server, unsigned threads)
{
    char path[SERVER_PATH_MAX + 16];
    FILE *file;

    path_in(server, "config", path);
    file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file,
            "listener 0 %s\n"
            "allow_anonymous true\n"
            "max_queued_messages 0\n"
            "max_inflight_messages 20\n"
            "sys_interval 0\n"
            "persistence_location %s/data/\n"
            "log_dest stderr\n"
            "log_type error\n"
            "log_type warning\n",
            server->socket, server->folder);
    if (geteuid() == 0)
        fprintf(file, "user root\n"); /* the folder is readable by its owner alone */
    if (is_ours(server))
        fprintf(file, "threads %u\ncontrol_socket none\n", threads);
    fprintf(file, "%s\n", server->lines);
    fclose(file);
}

static void run_program(const struct server *server)
{
    char config[SERVER_PATH_MAX + 16];
    char log[SERVER_PATH_MAX + 16];
    int file;

    path_in(server, "config", config);
    path_in(server, "log", log);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nothing behind that runs */
    file = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (file < 0 || dup2(file, STDOUT_FILENO) < 0 || dup2(file, STDERR_FILENO) < 0)
        _exit(EXIT_FAILURE);
    execl(server->program, server->program, "-c", config, (char *)NULL);
    _exit(EXIT_FAILURE);
}

void server_start(struct server *server, unsigned threads)
{
    assert_int_equal(server->process, 0);
    write_config(server, threads);
    server->process = fork();
    assert_true(server->process >= 0);
    if (server->process == 0)
        run_program(server);
}

static int wait_for(struct server *server)
{
    int status = 0;

    while (waitpid(server->process, &status, 0) < 0 && errno == EINTR)
        ;
    server->process = 0;
    return status;
}

void server_kill(struct server *server)
{
    kill(server->process, SIGKILL);
    wait_for(server);
}

bool server_stop(struct server *server)
{
    int status;

    kill(server->process, SIGTERM);
    status = wait_for(server);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool server_ended(struct server *server, int *status)
{
    if (server->process == 0 || waitpid(server->process, status, WNOHANG) != server->process)
        return false;
    server->process = 0;
    return true;
}

unsigned long long server_data_bytes(const struct server *server)
{
    char path[SERVER_PATH_MAX + 16];
    unsigned long long bytes = 0;
    struct dirent *entry;
    DIR *folder;

    path_in(server, "data", path);
    folder = opendir(path);
    assert_non_null(folder);
    while ((entry = readdir(folder)) != NULL) {
        struct stat facts;

        if (entry->d_name[0] != '.' && fstatat(dirfd(folder), entry->d_name, &facts, 0) == 0)
            bytes += (unsigned long long)facts.st_blocks * 512;
    }
    closedir(folder);
    return bytes;
}

void server_print_log(const struct server *server)
{
    char path[SERVER_PATH_MAX + 16];
    char text[LOG_SHOWN];
    size_t size;
    FILE *file;

    path_in(server, "log", path);
    file = fopen(path, "r");
    if (!file)
        return;
    if (fseek(file, -(LOG_SHOWN - 1), SEEK_END) != 0)
        rewind(file);
    size = fread(text, 1, sizeof(text), file);
    fclose(file);
    printf("the server's log:\n%.*s\n", (int)size, text);
}

static void remove_files(const char *path)
{
    DIR *folder = opendir(path);
    struct dirent *entry;

    if (!folder)
        return;
    while ((entry = readdir(folder)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            unlinkat(dirfd(folder), entry->d_name, 0);
    }
    closedir(folder);
    rmdir(path);
}

void server_deinit(struct server *server)
{
    char data[SERVER_PATH_MAX + 16];

    if (server->process > 0)
        server_kill(server);
    path_in(server, "data", data);
    remove_files(data);
    remove_files(server->folder);
    remove_files(server->socket_folder);
}
