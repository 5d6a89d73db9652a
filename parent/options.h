/* What dotproxy's command line says. */
#ifndef PARENT_OPTIONS_H
#define PARENT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#define OPTIONS_MACROS 64 /* that -D may give */

struct options {
	const char *file; /* NULL: the usual one */
	const char *libexec;
	char *macro[OPTIONS_MACROS];
	size_t nmacro;
	const char *upstream; /* to try; NULL: all of the config */
	bool foreground, check, trial, verbose;
};

/* Exits with the usage when something is wrong. */
void options_parse(struct options *o, int argc, char *argv[]);

#endif
