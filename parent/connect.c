/*
 * Makes the sockets that the TLS process asks for, and reads the CA files.
 * Not a byte that a network sent is ever looked at here.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dotproxy/log.h"

#include "connect.h"

/* How long unacknowledged bytes may lie before the kernel gives up. */
#define USER_TIMEOUT_MS 5000

static const char *system_bundle(void);
static int copy_sealed(int, const char *);

int
connect_start(const struct netaddr *address)
{
	static const int on = 1, timeout = USER_TIMEOUT_MS;
	struct sockaddr_storage ss;
	socklen_t len = netaddr_to_sockaddr(address, &ss);
	int fd, saved;

	fd =
	    socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == -1 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout,
		sizeof(timeout)) == -1 ||
	    (connect(fd, (struct sockaddr *)&ss, len) == -1 &&
		errno != EINPROGRESS)) {
		saved = errno;
		(void)close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

int
connect_ca(const char *path)
{
	int fd, memfd;

	if (path[0] == '\0')
		path = system_bundle();
	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)) == -1) {
		log_warn("%s", path);
		return -1;
	}
	memfd = copy_sealed(fd, path);
	(void)close(fd);
	return memfd;
}

static const char *
system_bundle(void)
{
	static const char *const places[] = {
		"/etc/ssl/certs/ca-certificates.crt",
		"/etc/pki/tls/certs/ca-bundle.crt",
		"/etc/ssl/ca-bundle.pem",
		"/etc/ssl/cert.pem",
	};
	size_t i;

	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (access(places[i], R_OK) == 0)
			return places[i];
	return places[0];
}

static int
copy_sealed(int fd, const char *path)
{
	struct stat st;
	char *bytes;
	ssize_t n;
	int memfd;

	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) || st.st_size <= 0 ||
	    st.st_size > CA_BYTES_MAX) {
		log_warnx(
		    "%s: not a file of certificates (1 byte to 4 MiB)", path);
		return -1;
	}
	if ((bytes = malloc((size_t)st.st_size)) == NULL)
		fatal("malloc");
	memfd = memfd_create("ca", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	n = read(fd, bytes, (size_t)st.st_size);
	if (memfd == -1 || n != (ssize_t)st.st_size ||
	    write(memfd, bytes, (size_t)n) != n ||
	    fcntl(memfd, F_ADD_SEALS,
		F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) ==
		-1) {
		log_warn("%s", path);
		if (memfd != -1)
			(void)close(memfd);
		memfd = -1;
	}
	free(bytes);
	return memfd;
}
