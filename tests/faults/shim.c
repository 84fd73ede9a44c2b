/* Every change made to a watched folder, and every sync, is written down in order; so a disk that keeps only what was
 * synced can be played back from the notes after the process is killed (tests/faults/disk.py does).
 *
 * LD_PRELOAD; Linux, 64 bits. The calls themselves are carried out as asked: a program under the shim sees its own
 * writes as ever. A change is noted after it took place and before the call returns: the program cannot have relied on
 * it earlier. What a sync covers is noted before it begins, its success after. A call that would change a watched file
 * past these notes is noted as ALIEN, and the play-back refuses.
 *
 *   SHIM_FOLDER  absolute path of the folder watched; names ending in -shm are left out (SQLite's WAL index is
 *                       shared memory, and made anew by whoever opens the store first)
 *   SHIM_TRACE   the file of notes, outside the folder
 *   SHIM_CUT_AT  kill the process at its N-th change or sync; a write is half done then
 *   SHIM_FAULT   a file that says "ERRNO CALLS EACH": of the calls w(rite), s(ync), t(runcate), o(pen to create)
 *                       each EACH-th fails with ERRNO; empty or missing: none does
 *   SHIM_DEAF           if set, the program is not told of syncs that failed
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { OPEN = 1, WRITE, TRUNCATE, SYNC, SYNCED, SYNC_FAILED, UNLINK, RENAME, LINK, ALIEN };

struct note {
    uint32_t kind;
    uint32_t size;   /* bytes that follow: data of a write, otherwise a name within the folder (two for RENAME, LINK) */
    uint64_t inode;
    uint64_t number; /* offset of a WRITE, length of a TRUNCATE, 1 for an OPEN that empties, which sync it is */
};

static char folder[PATH_MAX];
static size_t folder_length;
static int trace = -1;
static const char *fault_file;
static long cut_at;
static int deaf;
static atomic_long steps, chances, syncs;
static pthread_mutex_t names = PTHREAD_MUTEX_INITIALIZER;

/* Begin to watch, if told to: when loaded, or later by a process that was forked from one that was not to be watched. */
__attribute__((constructor)) void shim_begin(void)
{
    const char *watched = getenv("SHIM_FOLDER"), *notes = getenv("SHIM_TRACE");
    const char *cut = getenv("SHIM_CUT_AT");
    if (trace >= 0 || watched == NULL || notes == NULL || realpath(watched, folder) == NULL)
        return;
    folder_length = strlen(folder);
    fault_file = getenv("SHIM_FAULT");
    cut_at = cut == NULL ? 0 : atol(cut);
    deaf = getenv("SHIM_DEAF") != NULL;
    trace = (int)syscall(SYS_openat, AT_FDCWD, notes, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (trace < 0) {
        perror("SHIM_TRACE");
        abort();
    }
}

/* --- which files are watched --------------------------------------------------------------------------------------- */

static const char *within(const char *path)
{
    size_t length = strlen(path);
    if (trace < 0 || strncmp(path, folder, folder_length) != 0)
        return NULL;
    if (path[folder_length] != '/' && path[folder_length] != '\0')
        return NULL;
    if (length > 4 && strcmp(path + length - 4, "-shm") == 0)
        return NULL;
    return path + folder_length + (path[folder_length] == '/');
}

/* Give the name within the folder of an open file, NULL for one that is not watched. */
static const char *name_of(int fd, char *space)
{
    char link[64];
    ssize_t length;
    if (trace < 0 || fd < 0 || fd == trace)
        return NULL;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    length = readlink(link, space, PATH_MAX - 1);
    if (length <= 0 || space[0] != '/')
        return NULL;
    space[length] = '\0';
    return within(space);
}

/* Give the name within the folder that a path stands for, whether or not there is a file; NULL outside of it. */
static const char *name_at(int directory, const char *path, char *space)
{
    char parent[PATH_MAX], at[PATH_MAX];
    const char *last = strrchr(path, '/');
    if (trace < 0)
        return NULL;
    if (last == path)
        strcpy(parent, "/");
    else if (last != NULL)
        snprintf(parent, sizeof parent, "%.*s", (int)(last - path), path);
    else
        strcpy(parent, ".");
    if (directory != AT_FDCWD && path[0] != '/') {
        char link[PATH_MAX + 64];
        snprintf(link, sizeof link, "/proc/self/fd/%d/%s", directory, parent);
        if (realpath(link, at) == NULL)
            return NULL;
    } else if (realpath(parent, at) == NULL)
        return NULL;
    if (snprintf(space, PATH_MAX, "%s/%s", at, last == NULL ? path : last + 1) >= PATH_MAX)
        return NULL;
    return within(space);
}

static uint64_t inode_of(int fd)
{
    struct stat found;
    return fstat(fd, &found) == 0 ? (uint64_t)found.st_ino : 0;
}

/* --- the notes ------------------------------------------------------------------------------------------------------ */

static void put(uint32_t kind, uint64_t inode, uint64_t number, const void *bytes, size_t size, const char *second)
{
    int before = errno;
    struct note head = {kind, (uint32_t)(size + (second == NULL ? 0 : strlen(second) + 1)), inode, number};
    struct iovec parts[3] = {{&head, sizeof head}, {(void *)bytes, size}, {(void *)second, 0}};
    if (second != NULL)
        parts[2].iov_len = strlen(second) + 1;
    /* One call with O_APPEND: notes of several processes do not mix. A full disk here would falsify the proof. */
    if (syscall(SYS_writev, trace, parts, 3) != (long)(sizeof head + head.size)) {
        perror("the disk's notes");
        abort();
    }
    errno = before;
}

static void put_name(uint32_t kind, uint64_t inode, uint64_t number, const char *name, const char *second)
{
    put(kind, inode, number, name, strlen(name) + 1, second);
}

/* Tell whether the power goes now. */
static int cut_now(void)
{
    return cut_at > 0 && atomic_fetch_add(&steps, 1) + 1 == cut_at;
}

static void step(void)
{
    if (cut_now())
        kill(getpid(), SIGKILL);
}

/* Give the errno that a call has to fail with, 0 for none. */
static int fault(char call)
{
    char said[64] = "", calls[16] = "";
    int number = 0, before = errno;
    long each = 1;
    int fd = fault_file == NULL ? -1 : (int)syscall(SYS_openat, AT_FDCWD, fault_file, O_RDONLY | O_CLOEXEC, 0);
    if (fd >= 0) {
        if (syscall(SYS_read, fd, said, sizeof said - 1) <= 0)
            said[0] = '\0';
        syscall(SYS_close, fd);
    }
    errno = before;
    if (sscanf(said, "%d %15s %ld", &number, calls, &each) < 2 || strchr(calls, call) == NULL || each < 1)
        return 0;
    return (atomic_fetch_add(&chances, 1) + 1) % each == 0 ? number : 0;
}

/* Names change one at a time over all processes, so that the order noted is the order that was. */
static void lock_names(void)
{
    pthread_mutex_lock(&names);
    flock(trace, LOCK_EX);
}

static void unlock_names(void)
{
    flock(trace, LOCK_UN);
    pthread_mutex_unlock(&names);
}

/* --- files and their content ---------------------------------------------------------------------------------------- */

static int opened(int directory, const char *path, int flags, mode_t mode)
{
    char space[PATH_MAX];
    int fd, failing, locked = 0;
    if (trace >= 0 && (flags & (O_CREAT | O_TRUNC)) != 0 && name_at(directory, path, space) != NULL) {
        if ((flags & O_CREAT) != 0 && (failing = fault('o')) != 0) {
            errno = failing;
            return -1;
        }
        lock_names();
        locked = 1;
    }
    fd = (int)syscall(SYS_openat, directory, path, flags, mode);
    if (locked) {
        const char *name = fd < 0 ? NULL : name_of(fd, space);
        if (name != NULL)
            put_name(OPEN, inode_of(fd), (flags & O_TRUNC) != 0, name, NULL);
        unlock_names();
        if (name != NULL)
            step();
    } else if (fd >= 0 && (flags & O_TMPFILE) == O_TMPFILE && name_of(fd, space) != NULL)
        put_name(ALIEN, 0, 0, "O_TMPFILE", NULL);
    return fd;
}

#define MODE(flags, mode)                                          \
    if (((flags) & (O_CREAT | O_TMPFILE)) != 0) {                  \
        va_list rest;                                              \
        va_start(rest, flags);                                     \
        mode = va_arg(rest, mode_t);                               \
        va_end(rest);                                              \
    }

int open(const char *path, int flags, ...)
{
    mode_t mode = 0;
    MODE(flags, mode)
    return opened(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    mode_t mode = 0;
    MODE(flags, mode)
    return opened(AT_FDCWD, path, flags, mode);
}

int openat(int directory, const char *path, int flags, ...)
{
    mode_t mode = 0;
    MODE(flags, mode)
    return opened(directory, path, flags, mode);
}

int openat64(int directory, const char *path, int flags, ...)
{
    mode_t mode = 0;
    MODE(flags, mode)
    return opened(directory, path, flags, mode);
}

int creat(const char *path, mode_t mode) { return opened(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int creat64(const char *path, mode_t mode) { return opened(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }

/* Write to a watched file: fail if told to, stop half-way if the power goes, and note what was written. */
static ssize_t written(int fd, const void *bytes, size_t count, off_t offset)
{
    int failing = fault('w'), last = cut_now();
    ssize_t done;
    if (failing != 0) {
        errno = failing;
        return -1;
    }
    if (last)
        count /= 2;
    done = syscall(SYS_pwrite64, fd, bytes, count, offset);
    if (done > 0)
        put(WRITE, inode_of(fd), (uint64_t)offset, bytes, (size_t)done, NULL);
    if (last)
        kill(getpid(), SIGKILL);
    return done;
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset)
{
    char space[PATH_MAX];
    if (name_of(fd, space) == NULL)
        return syscall(SYS_pwrite64, fd, bytes, count, offset);
    return written(fd, bytes, count, offset);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) { return pwrite64(fd, bytes, count, offset); }

ssize_t write(int fd, const void *bytes, size_t count)
{
    char space[PATH_MAX];
    off_t at;
    ssize_t done;
    if (name_of(fd, space) == NULL)
        return syscall(SYS_write, fd, bytes, count);
    at = lseek(fd, 0, (fcntl(fd, F_GETFL) & O_APPEND) != 0 ? SEEK_END : SEEK_CUR);
    done = written(fd, bytes, count, at);
    if (done > 0)
        lseek(fd, at + done, SEEK_SET);
    return done;
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    char space[PATH_MAX];
    ssize_t total = 0;
    if (name_of(fd, space) == NULL)
        return syscall(SYS_writev, fd, parts, count);
    for (int each = 0; each < count; each++) {
        ssize_t done = write(fd, parts[each].iov_base, parts[each].iov_len);
        if (done < 0)
            return total > 0 ? total : -1;
        total += done;
        if ((size_t)done < parts[each].iov_len)
            break;
    }
    return total;
}

int ftruncate64(int fd, off64_t length)
{
    char space[PATH_MAX];
    int failing, done;
    if (name_of(fd, space) == NULL)
        return (int)syscall(SYS_ftruncate, fd, length);
    if ((failing = fault('t')) != 0) {
        errno = failing;
        return -1;
    }
    done = (int)syscall(SYS_ftruncate, fd, length);
    if (done == 0)
        put(TRUNCATE, inode_of(fd), (uint64_t)length, NULL, 0, NULL);
    step();
    return done;
}

int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

/* A failed sync has thrown away what it was to save: the next one that succeeds saves only what was written since
 * (fsyncgate, PostgreSQL 2018; Rebello et al., "Can Applications Recover from fsync Failures?", ATC 2020). */
static int synced(int fd, long call)
{
    char space[PATH_MAX];
    const char *name = name_of(fd, space);
    uint64_t inode, which;
    int failing, done;
    if (name == NULL)
        return (int)syscall(call, fd);
    inode = inode_of(fd);
    which = ((uint64_t)getpid() << 32) + (uint64_t)atomic_fetch_add(&syncs, 1);
    put_name(SYNC, inode, which, name, NULL);
    step();
    failing = fault('s');
    done = failing == 0 ? (int)syscall(call, fd) : -1;
    if (failing != 0)
        errno = failing;
    put_name(done == 0 ? SYNCED : SYNC_FAILED, inode, which, name, NULL);
    step();
    return deaf ? 0 : done;
}

int fsync(int fd) { return synced(fd, SYS_fsync); }
int fdatasync(int fd) { return synced(fd, SYS_fdatasync); }

/* --- names ---------------------------------------------------------------------------------------------------------- */

int unlinkat(int directory, const char *path, int flags)
{
    char space[PATH_MAX];
    const char *name = (flags & AT_REMOVEDIR) != 0 ? NULL : name_at(directory, path, space);
    int done;
    if (name == NULL)
        return (int)syscall(SYS_unlinkat, directory, path, flags);
    lock_names();
    done = (int)syscall(SYS_unlinkat, directory, path, flags);
    if (done == 0)
        put_name(UNLINK, 0, 0, name, NULL);
    unlock_names();
    step();
    return done;
}

int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }

/* Carry out a rename or a link; a file that comes from outside, or goes there, is beyond these notes. */
static int moved(uint32_t kind, int from, const char *old, int to, const char *new, unsigned flags)
{
    char left[PATH_MAX], right[PATH_MAX];
    const char *source = name_at(from, old, left), *target = name_at(to, new, right);
    int done;
    if (source == NULL && target == NULL)
        return (int)syscall(kind == LINK ? SYS_linkat : SYS_renameat2, from, old, to, new, flags);
    lock_names();
    done = (int)syscall(kind == LINK ? SYS_linkat : SYS_renameat2, from, old, to, new, flags);
    if (done == 0 && source != NULL && target != NULL)
        put_name(kind, 0, 0, source, target);
    else if (done == 0)
        put_name(ALIEN, 0, 0, "a file moved in or out", NULL);
    unlock_names();
    step();
    return done;
}

int rename(const char *old, const char *new) { return moved(RENAME, AT_FDCWD, old, AT_FDCWD, new, 0); }
int renameat(int from, const char *old, int to, const char *new) { return moved(RENAME, from, old, to, new, 0); }
int renameat2(int from, const char *old, int to, const char *new, unsigned flags)
{
    return moved(RENAME, from, old, to, new, flags);
}
int link(const char *old, const char *new) { return moved(LINK, AT_FDCWD, old, AT_FDCWD, new, 0); }
int linkat(int from, const char *old, int to, const char *new, int flags)
{
    return moved(LINK, from, old, to, new, (unsigned)flags);
}

/* --- ways past the notes -------------------------------------------------------------------------------------------- */

static void alien(int fd, const char *call)
{
    char space[PATH_MAX];
    if (name_of(fd, space) != NULL)
        put_name(ALIEN, 0, 0, call, NULL);
}

void *mmap64(void *at, size_t length, int protection, int flags, int fd, off64_t offset)
{
    if ((flags & MAP_SHARED) != 0 && (protection & PROT_WRITE) != 0)
        alien(fd, "mmap");
    return (void *)syscall(SYS_mmap, at, length, protection, flags, fd, offset);
}

void *mmap(void *at, size_t length, int protection, int flags, int fd, off_t offset)
{
    return mmap64(at, length, protection, flags, fd, offset);
}

int truncate64(const char *path, off64_t length)
{
    char space[PATH_MAX];
    if (name_at(AT_FDCWD, path, space) != NULL)
        put_name(ALIEN, 0, 0, "truncate", NULL);
    return (int)syscall(SYS_truncate, path, length);
}

int truncate(const char *path, off_t length) { return truncate64(path, length); }

int fallocate64(int fd, int mode, off64_t offset, off64_t length)
{
    alien(fd, "fallocate");
    return (int)syscall(SYS_fallocate, fd, mode, offset, length);
}

int fallocate(int fd, int mode, off_t offset, off_t length) { return fallocate64(fd, mode, offset, length); }

int posix_fallocate64(int fd, off64_t offset, off64_t length)
{
    alien(fd, "posix_fallocate");
    return syscall(SYS_fallocate, fd, 0, offset, length) == 0 ? 0 : errno;
}

int posix_fallocate(int fd, off_t offset, off_t length) { return posix_fallocate64(fd, offset, length); }

ssize_t pwritev64v2(int fd, const struct iovec *parts, int count, off64_t offset, int flags)
{
    alien(fd, "pwritev");
    return syscall(SYS_pwritev2, fd, parts, count, offset, offset >> 32, flags);
}

ssize_t pwritev2(int fd, const struct iovec *parts, int count, off_t offset, int flags)
{
    return pwritev64v2(fd, parts, count, offset, flags);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
    return pwritev64v2(fd, parts, count, offset, 0);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset)
{
    return pwritev64v2(fd, parts, count, offset, 0);
}

ssize_t sendfile64(int to, int from, off64_t *offset, size_t count)
{
    alien(to, "sendfile");
    return syscall(SYS_sendfile, to, from, offset, count);
}

ssize_t sendfile(int to, int from, off_t *offset, size_t count) { return sendfile64(to, from, offset, count); }

ssize_t copy_file_range(int from, off64_t *left, int to, off64_t *right, size_t count, unsigned flags)
{
    alien(to, "copy_file_range");
    return syscall(SYS_copy_file_range, from, left, to, right, count, flags);
}
