/* The command line: like the config, it is the operator's word, and anything in
 * it that is not understood must never be passed over. */
#include <stdlib.h>
#include <unistd.h>

#include "dotproxy/log.h"

#include "options.h"

static void usage(void) __attribute__((noreturn));

void
options_parse(struct options *o, int argc, char *argv[])
{
	int ch;

	o->libexec = LIBEXEC;
	while ((ch = getopt(argc, argv, "D:df:L:ntv")) != -1)
		switch (ch) {
		case 'D':
			if (o->nmacro == OPTIONS_MACROS)
				usage();
			o->macro[o->nmacro++] = optarg;
			break;
		case 'd':
			o->foreground = true;
			break;
		case 'f':
			o->file = optarg;
			break;
		case 'L':
			o->libexec = optarg;
			break;
		case 'n':
			o->check = true;
			break;
		case 't':
			o->trial = true;
			break;
		case 'v':
			o->verbose = true;
			break;
		default:
			usage();
		}
	if (o->trial && optind < argc)
		o->upstream = argv[optind++];
	if (optind != argc || (o->trial && o->check))
		usage();
	log_set_verbose(o->verbose);
}

static void
usage(void)
{
	log_warnx("usage: dotproxy [-dnv] [-D macro=value] [-f file] [-L dir]");
	log_warnx("       dotproxy -t [-v] [-D macro=value] [-f file] [-L dir] "
		  "[upstream]");
	exit(2);
}
