/* Sealed, so that no sharer can take pages away under another (SIGBUS). */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dotproxy/log.h"
#include "memfd.h"

int
memfd_renew(int old, uint64_t size)
{
	int fd;

	if (old != -1)
		(void)close(old);
	if (size == 0)
		return -1;
	fd = memfd_create("cache", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd == -1 || ftruncate(fd, (off_t)size) == -1 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW) ==
		-1)
		fatal("shared memory of %llu bytes", (unsigned long long)size);
	return fd;
}

int
memfd_copy(const char *name, const void *bytes, size_t len)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING), saved;

	if (fd == -1)
		return -1;
	if (write(fd, bytes, len) == (ssize_t)len &&
	    fcntl(fd, F_ADD_SEALS,
		F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != -1)
		return fd;
	saved = errno;
	(void)close(fd);
	errno = saved;
	return -1;
}
