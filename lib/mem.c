#include "lib/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void mem_exhausted(void)
{
    fputs("<2>enlace: out of memory; the daemon ends and is started again\n", stderr);
    abort();
}

// glibc's calloc takes nothing from the thread's cache of small pieces (before 2.41),
// which malloc does; large pieces it often need not clear.
void *mem_alloc(size_t size)
{
    enum { SMALL = 1024 };
    if (size > SMALL)
        return mem_alloc_array(1, size);
    return memset(mem_resize(NULL, size), 0, size);
}

void *mem_alloc_array(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size ? size : 1);
    if (!memory)
        mem_exhausted();
    return memory;
}

void *mem_resize(void *old, size_t size)
{
    void *memory = realloc(old, size ? size : 1);
    if (!memory)
        mem_exhausted();
    return memory;
}

char *mem_copy_string(const char *text)
{
    if (!text)
        return NULL;
    char *copy = strdup(text);
    if (!copy)
        mem_exhausted();
    return copy;
}

char *mem_format(const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0)
        mem_exhausted();
    return text;
}

void mem_free(void *memory)
{
    free(memory);
}

void mem_grow(void *array_pointer, size_t *capacity, size_t count, size_t size)
{
    void *array = NULL;
    if (count < *capacity)
        return;
    size_t larger = *capacity ? *capacity * 2 : 8;
    if (larger <= count || larger > SIZE_MAX / (size ? size : 1))
        mem_exhausted();
    memcpy(&array, array_pointer, sizeof array); // the caller's pointer has its own type
    array = mem_resize(array, larger * size);
    memcpy(array_pointer, &array, sizeof array);
    *capacity = larger;
}
