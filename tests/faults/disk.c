/* A disk that can be told to be slow or full, put before the C library with LD_PRELOAD.
 *
 * The file named by FAULTY_DISK says what happens to the facts file: "slow" makes each sync take a second,
 * "broken" makes it fail (EIO), "full" makes each write fail (ENOSPC). "crammed" makes each write to the records fail
 * as well. "scarce" leaves little free space on every disk. No file: nothing happens.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

static int told(const char *fault) {
    char said[16] = {0};
    const char *path = getenv("FAULTY_DISK");
    int fd = path ? open(path, O_RDONLY) : -1;
    if (fd < 0) return 0;
    ssize_t n = read(fd, said, sizeof said - 1);
    close(fd);
    return n > 0 && strncmp(said, fault, strlen(fault)) == 0;
}

static int is_of(int fd, const char *file) {
    char link[64], target[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, target, sizeof target - 1);
    if (n < 0) return 0;
    target[n] = 0;
    return strstr(target, file) != NULL;
}

static int has_no_room(int fd) {
    if (is_of(fd, "facts.duckdb")) return told("full") || told("crammed");
    return is_of(fd, "records.db") && told("crammed");
}

static int sync_with(int fd, const char *name) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    if (is_of(fd, "facts.duckdb")) {
        if (told("slow")) nanosleep(&(struct timespec){1, 0}, NULL);
        if (told("broken")) { errno = EIO; return -1; }
    }
    return real(fd);
}

int fsync(int fd) { return sync_with(fd, "fsync"); }
int fdatasync(int fd) { return sync_with(fd, "fdatasync"); }

#define WRITE(name, parameters, arguments)                                              \
    ssize_t name parameters {                                                           \
        ssize_t (*real) parameters = (ssize_t (*) parameters)dlsym(RTLD_NEXT, #name);   \
        if (has_no_room(fd)) { errno = ENOSPC; return -1; }                             \
        return real arguments;                                                          \
    }

WRITE(write, (int fd, const void *data, size_t size), (fd, data, size))
WRITE(pwrite, (int fd, const void *data, size_t size, off_t at), (fd, data, size, at))
WRITE(pwrite64, (int fd, const void *data, size_t size, off64_t at), (fd, data, size, at))

#define SPACE(name, kind)                                                               \
    int name(const char *path, struct kind *disk) {                                     \
        int (*real)(const char *, struct kind *);                                       \
        real = (int (*)(const char *, struct kind *))dlsym(RTLD_NEXT, #name);           \
        int result = real(path, disk);                                                  \
        if (told("scarce")) disk->f_bavail = disk->f_bfree = 0;                         \
        return result;                                                                  \
    }

SPACE(statvfs, statvfs)
SPACE(statvfs64, statvfs64)
