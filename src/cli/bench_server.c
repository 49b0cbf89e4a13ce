/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bench_server.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PATH_SIZE = 64, LINE_SIZE = 1024 };

static int count_thread(pid_t thread)
{
    struct perf_event_attr attributes = {
        .type = PERF_TYPE_HARDWARE,
        .size = sizeof(attributes),
        .config = PERF_COUNT_HW_INSTRUCTIONS,
    };
    long fd = syscall(SYS_perf_event_open, &attributes, thread, -1, -1, PERF_FLAG_FD_CLOEXEC);

    return fd < 0 ? -errno : (int)fd;
}

static void stop_counting(struct bench_server *server)
{
    while (server->counter_count > 0)
        close(server->counters[--server->counter_count]);
}

/* Begins to count instructions; where that fails, says why and counts none. */
static void start_counting(struct bench_server *server)
{
    char path[PATH_SIZE];
    DIR *folder;
    struct dirent *entry;
    int error = 0;

    snprintf(path, sizeof(path), "/proc/%d/task", (int)server->pid);
    folder = opendir(path);
    if (!folder)
        error = errno;
    while (folder && error == 0 && (entry = readdir(folder))) {
        int fd;

        if (entry->d_name[0] == '.')
            continue;
        fd = server->counter_count < BENCH_THREADS_MAX ? count_thread(atoi(entry->d_name)) : -E2BIG;
        if (fd < 0)
            error = -fd;
        else
            server->counters[server->counter_count++] = fd;
    }
    if (folder)
        closedir(folder);
    if (error == 0)
        return;
    stop_counting(server);
    snprintf(server->no_instructions, sizeof(server->no_instructions), "not counted: %s",
            error == ENOENT || error == EOPNOTSUPP ? "this machine shows no counter of them"
                                                   : strerror(error));
}

int bench_server_open(struct bench_server *server, pid_t pid)
{
    *server = (struct bench_server){ .pid = pid };
    if (pid == 0)
        return 0;
    if (clock_getcpuclockid(pid, &server->clock) != 0)
        return -ESRCH;
    start_counting(server);
    return 0;
}

void bench_server_close(struct bench_server *server)
{
    stop_counting(server);
}

/* Opens a file of the process in /proc. */
static FILE *open_file(pid_t pid, const char *name)
{
    char path[PATH_SIZE];

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    return fopen(path, "re");
}

static int read_cpu(const struct bench_server *server, struct bench_usage *out)
{
    static const char after_name[] = ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu";
    struct timespec cpu;
    char line[LINE_SIZE];
    unsigned long user = 0;
    unsigned long system = 0;
    const char *name_end;
    FILE *file;

    if (clock_gettime(server->clock, &cpu) < 0)
        return -ESRCH;
    out->cpu_ns = (int64_t)cpu.tv_sec * 1000000000 + cpu.tv_nsec;
    file = open_file(server->pid, "stat");
    if (!file)
        return -ESRCH;
    /* The name may hold spaces and parentheses; the fields follow the last one. */
    name_end = fgets(line, sizeof(line), file) ? strrchr(line, ')') : NULL;
    if (name_end && sscanf(name_end, after_name, &user, &system) == 2) {
        out->user_ms = (int64_t)user * 1000 / sysconf(_SC_CLK_TCK);
        out->system_ms = (int64_t)system * 1000 / sysconf(_SC_CLK_TCK);
    }
    fclose(file);
    return 0;
}

static void read_instructions(const struct bench_server *server, struct bench_usage *out)
{
    for (int i = 0; i < server->counter_count; i++) {
        uint64_t count;

        if (read(server->counters[i], &count, sizeof(count)) == sizeof(count))
            out->instructions += count;
    }
}

static void read_memory(const struct bench_server *server, struct bench_usage *out)
{
    char line[LINE_SIZE];
    int64_t kib;
    FILE *file = open_file(server->pid, "smaps_rollup");

    if (!file)
        return;
    while (fgets(line, sizeof(line), file)) {
        if (sscanf(line, "Anonymous: %" SCNd64, &kib) == 1)
            out->anonymous_bytes = kib * 1024;
        if (sscanf(line, "Pss: %" SCNd64, &kib) == 1)
            out->proportional_bytes = kib * 1024;
    }
    fclose(file);
}

int bench_server_read(const struct bench_server *server, struct bench_usage *out)
{
    struct bench_usage usage = { 0 };
    int result;

    if (server->pid != 0) {
        result = read_cpu(server, &usage);
        if (result < 0)
            return result;
        read_instructions(server, &usage);
        read_memory(server, &usage);
    }
    *out = usage;
    return 0;
}

void bench_server_report(const struct bench_server *server, const struct bench_usage *before,
        const struct bench_usage *after, uint64_t count, struct bench_report *report)
{
    double each = count > 0 ? (double)count : 1;
    double cpu_s = (double)(after->cpu_ns - before->cpu_ns) / 1e9;

    if (server->pid == 0)
        return;
    bench_report_number(report, "server_cpu_s", cpu_s, 3);
    bench_report_number(
            report, "server_user_s", (double)(after->user_ms - before->user_ms) / 1e3, 2);
    bench_report_number(
            report, "server_system_s", (double)(after->system_ms - before->system_ms) / 1e3, 2);
    bench_report_number(report, "server_cpu_s_per_million", cpu_s / each * 1e6, 3);
    if (server->no_instructions[0])
        bench_report_text(report, "server_instructions", server->no_instructions);
    else
        bench_report_number(report, "server_instructions_per_each",
                (double)(after->instructions - before->instructions) / each, 0);
    bench_report_number(report, "server_anonymous_bytes", (double)after->anonymous_bytes, 0);
    bench_report_number(report, "server_proportional_bytes", (double)after->proportional_bytes, 0);
}
