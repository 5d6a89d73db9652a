/* Sealed, so that no sharer can take pages away under another (SIGBUS). */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "log.h"
#include "shared.h"

int
shared_renew(int old, uint64_t size)
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
