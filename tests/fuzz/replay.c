/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gives each file of a folder to a fuzz target once: the corpus as an ordinary test, in any build.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Gives the file's bytes, in a block of just their size, to the target; false: not read. */
static bool replay(const char *folder, const char *name)
{
    char path[4096];
    FILE *file;
    long size;
    uint8_t *data = NULL;
    bool good = false;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0)
        goto out;
    size = ftell(file);
    rewind(file);
    data = size >= 0 ? malloc(size > 0 ? (size_t)size : 1) : NULL;
    if (!data || fread(data, 1, (size_t)size, file) != (size_t)size)
        goto out;
    LLVMFuzzerTestOneInput(data, (size_t)size);
    good = true;
out:
    free(data);
    if (file)
        fclose(file);
    if (!good)
        fprintf(stderr, "%s cannot be read\n", path);
    return good;
}

int main(int argc, char **argv)
{
    DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
    struct dirent *entry;
    size_t count = 0;
    bool good = true;

    if (!folder) {
        fprintf(stderr, "usage: %s FOLDER, which holds the corpus\n", argv[0]);
        return 2;
    }
    while ((entry = readdir(folder))) {
        if (entry->d_name[0] == '.')
            continue;
        good &= replay(argv[1], entry->d_name);
        count++;
    }
    closedir(folder);
    printf("%zu inputs\n", count);
    return good && count > 0 ? 0 : 1;
}
