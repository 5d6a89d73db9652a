/*
 * Reads the bytes of a config file. One that others may write must never be
 * believed.
 */
#include <sys/stat.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dotproxy/log.h"

#include "parse.h"

#define FILE_MAX (1024 * 1024)

static bool is_trustworthy(struct parser *p, int fd);
static bool is_text(struct parser *p);

bool
read_file(struct parser *p)
{
	FILE *file = NULL;
	bool good = false;
	int fd;

	/* O_NONBLOCK: a FIFO must not stop a reload. */
	fd = open(p->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd == -1 || (file = fdopen(fd, "r")) == NULL) {
		log_warn("%s: cannot be opened", p->path);
		if (fd != -1)
			close(fd);
		return false;
	}
	p->text = malloc(FILE_MAX + 1);
	if (p->text == NULL)
		fatal("config_read");
	if (is_trustworthy(p, fd)) {
		p->len = fread(p->text, 1, FILE_MAX + 1, file);
		if (ferror(file))
			log_warn("%s: cannot be read", p->path);
		else if (p->len > FILE_MAX)
			log_warnx("%s: is larger than 1 MiB", p->path);
		else
			good = true;
	}
	(void)fclose(file);
	/* A word and its NUL take at most twice their place in the file. */
	p->arena = malloc(2 * p->len + 2);
	if (p->arena == NULL)
		fatal("config_read");
	return good && is_text(p);
}

/* Whoever may write the file chooses whom every answer comes from. */
static bool
is_trustworthy(struct parser *p, int fd)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		log_warn("%s: cannot be read", p->path);
	else if (!S_ISREG(st.st_mode))
		log_warnx("%s: is not a file", p->path);
	else if (config_may_trust("", p->path, &st)) {
		p->readable = (st.st_mode & S_IROTH) != 0;
		return true;
	}
	return false;
}

static bool
is_text(struct parser *p)
{
	const char *nul = memchr(p->text, '\0', p->len), *c;
	int line = 1;

	if (nul == NULL)
		return true;
	for (c = p->text; c < nul; c++)
		line += *c == '\n';
	log_warnx("%s:%d: has a NUL byte: this is not a config", p->path, line);
	return false;
}
