/*
 * Reads the CA files that a config names, into memfds that nobody can change.
 * No certificate is read here: that is the TLS process's part.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dotproxy/log.h"
#include "priv/memfd.h"

#include "config.h"

static int open_one(const char *);
static const char *system_bundle(void);
static int copy_sealed(int, const char *, bool);

int
config_ca_open(int ca[CONF_UPSTREAMS_MAX], const struct conf *conf)
{
	const struct conf_upstream *u;
	uint32_t i;

	for (i = 0; i < CONF_UPSTREAMS_MAX; i++)
		ca[i] = -1;
	for (i = 0; i < conf->nused; i++) {
		u = &conf->upstream[i];
		if (u->plain || (ca[i] = open_one(u->ca)) != -1)
			continue;
		log_warnx("upstream \"%s\": no certificates to trust", u->name);
		config_ca_close(ca);
		return -1;
	}
	return 0;
}

void
config_ca_close(int ca[CONF_UPSTREAMS_MAX])
{
	uint32_t i;

	for (i = 0; i < CONF_UPSTREAMS_MAX; i++) {
		if (ca[i] != -1)
			(void)close(ca[i]);
		ca[i] = -1;
	}
}

int
config_files_open(struct config_files *files, const struct conf *conf)
{
	files->local_fd = -1;
	if (config_ca_open(files->ca, conf) == -1)
		return -1;
	if ((files->local_fd = config_local_open(&files->local, conf)) != -1)
		return 0;
	config_ca_close(files->ca);
	return -1;
}

void
config_files_close(struct config_files *files)
{
	config_ca_close(files->ca);
	(void)close(files->local_fd);
	files->local_fd = -1;
}

static int
open_one(const char *path)
{
	const bool named = path[0] != '\0';
	int fd, memfd;

	if (!named)
		path = system_bundle();
	/* A pipe would keep us waiting for its writer. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd == -1) {
		log_warn("%s", path);
		return -1;
	}
	memfd = copy_sealed(fd, path, named);
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
copy_sealed(int fd, const char *path, bool named)
{
	static const char pem[] = "-----BEGIN CERTIFICATE-----";
	struct stat st;
	char *bytes;
	ssize_t n;
	int memfd;

	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) || st.st_size <= 0 ||
	    st.st_size > CONF_CA_MAX) {
		log_warnx(
		    "%s: not a file of certificates (1 byte to 4 MiB)", path);
		return -1;
	}
	/* Whoever may write it chooses who may pass for the upstream. Who owns
	 * the system's is not ours to say. */
	if (named && !config_may_trust("ca ", path, &st))
		return -1;
	if ((bytes = malloc((size_t)st.st_size)) == NULL)
		fatal("malloc");
	n = read(fd, bytes, (size_t)st.st_size);
	if (n != (ssize_t)st.st_size) {
		log_warnx("%s: cannot be read whole", path);
		free(bytes);
		return -1;
	}
	if (memmem(bytes, (size_t)n, pem, strlen(pem)) == NULL) {
		log_warnx("%s: there is no certificate in it (expected PEM: "
			  "\"%s\")",
		    path, pem);
		free(bytes);
		return -1;
	}
	if ((memfd = memfd_copy("ca", bytes, (size_t)n)) == -1)
		log_warn("%s", path);
	free(bytes);
	return memfd;
}
