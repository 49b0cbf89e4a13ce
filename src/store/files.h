/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the store does with files, as a small table of functions over one folder: so that a test can
 * let any of them fail, and cut the power at any write.
 *
 * A name is a file's in that folder. Every function returns 0 or more, or -errno. One thread at a
 * time writes and puts, and closes what it has written last; any thread does the rest.
 */
#ifndef STORE_FILES_H
#define STORE_FILES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

enum { FILES_NAME_MAX = 63, FILES_PIECES_MAX = 512 };

struct files {
    /* Opens for reading and writing; `create`: one that must not be there yet. Returns a handle. */
    int (*open)(void *context, const char *name, bool create);
    void (*close)(void *context, int file);

    int64_t (*size)(void *context, int file);

    /* Reads from that offset until `size` bytes or the end; returns how many. */
    int64_t (*read)(void *context, int file, void *buffer, size_t size, uint64_t offset);

    /* Writes all of the pieces (at most FILES_PIECES_MAX). They and the file's size outlive a power
     * cut once this has returned 0. After an error any part may be there, and may be lost later:
     * who tries again writes all of it. After -EIO nobody knows even then. */
    int (*write)(
            void *context, int file, const struct iovec pieces[], size_t count, uint64_t offset);

    /* Writes as `write` does, but for what outlives a power cut: that, any of it may be lost, and
     * parts of it, until flush() has returned 0. */
    int (*put)(void *context, int file, const struct iovec pieces[], size_t count, uint64_t offset);
    int (*flush)(void *context, int file);

    /* Room on the disk for that many bytes from the start, so that writing them does not find it
     * full; the file has that size then. */
    int (*reserve)(void *context, int file, uint64_t size);

    /* The same, with zeros written where nothing was, and flushed: writing over them later takes
     * less than writing anew does. */
    int (*prewrite)(void *context, int file, uint64_t size);

    /* Renaming and removing outlive a power cut, as does creating, once sync_folder() has returned
     * 0; what was done first is never lost alone. */
    int (*rename)(void *context, const char *from, const char *to);
    int (*remove)(void *context, const char *name);
    int (*sync_folder)(void *context);

    /* Tells every name, in any order, until `each` returns other than 0, which it returns then. */
    int (*list)(void *context, int (*each)(void *to, const char *name), void *to);

    void *context;
};

enum {
    FILES_ALIGNMENT = 4096,
    FILES_DIRECT_MAX = 1 << 20, /* bytes; more is no quicker that way */
};

/*
 * How the files of a folder are written: what takes the least time first. Past the system's memory
 * go writes of whole blocks of FILES_ALIGNMENT and at most FILES_DIRECT_MAX; what was written so is
 * read from the disk.
 */
enum files_way { FILES_DIRECT, FILES_DSYNC, FILES_FLUSH };

/**
 * The files of a folder on disk, which must be there and is locked against a second opener. Takes
 * *folder as its context, which must stay where it is until files_close().
 *
 * Returns 0; -EBUSY: another process has it; or -errno.
 */
struct folder {
    int fd;
    enum files_way way; /* the best that is not known to be refused */
    int direct;         /* a second descriptor of `direct_of`, past the system's memory; -1: none */
    atomic_int direct_of; /* the file that was written last; only its writer changes that */
    uint8_t *buffer;      /* FILES_DIRECT_MAX bytes, aligned; NULL: nothing is to be written */
};
int files_open(struct files *files, struct folder *folder, const char *path);

/* The same for reading alone: no file is made or changed. Nothing is locked: a server may have the
 * folder, and *in_use tells whether one has it. */
int files_open_reading(struct files *files, struct folder *folder, const char *path, bool *in_use);

void files_close(struct folder *folder);

#endif
