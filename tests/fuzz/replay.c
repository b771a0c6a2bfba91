// Runs files, and every file of folders, through a target: where there is no
// libFuzzer (gcc, coverage), and to look into what a fuzzer has found.
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/home.h"
#include "lib/mem.h"
#include "tests/fuzz/fuzz.h"

enum { INPUT_MAX = 16 * 1024 * 1024 };

static size_t run_file(const char *path)
{
    buf_t bytes = {0};
    fault_t fault = {0};
    FUZZ_EXPECT(file_read(path, INPUT_MAX, &bytes, &fault) == ERR_OK);
    // A block of its very size, so that a sanitizer or valgrind sees every read beyond it.
    uint8_t *exact = mem_alloc(bytes.size);
    if (bytes.size)
        memcpy(exact, bytes.data, bytes.size);
    LLVMFuzzerTestOneInput(exact, bytes.size);
    mem_free(exact);
    buf_free(&bytes);
    return 1;
}

static size_t run_folder(const char *path)
{
    size_t count = 0;
    DIR *folder = opendir(path);
    FUZZ_EXPECT(folder);
    for (const struct dirent *entry; (entry = readdir(folder));) {
        char *inner = mem_format("%s/%s", path, entry->d_name);
        if (entry->d_name[0] != '.')
            count += run_file(inner);
        mem_free(inner);
    }
    closedir(folder);
    return count;
}

int main(int argc, char **argv)
{
    size_t count = 0;
    LLVMFuzzerInitialize(&argc, &argv);
    for (int i = 1; i < argc; i++) {
        struct stat status;
        if (stat(argv[i], &status) == 0)
            count += S_ISDIR(status.st_mode) ? run_folder(argv[i]) : run_file(argv[i]);
    }
    printf("%zu inputs\n", count);
    return 0;
}
