/*
 * conf_print [-D macro=value] file: reads a config and prints it, as the
 * parent does with -nv, without the rest of the parent.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "dotproxy/log.h"
#include "parent/config.h"

int
main(int argc, char *argv[])
{
	struct conf *conf;
	char *macros[8];
	size_t nmacros = 0;
	int c;

	log_init("conf_print", false);
	while ((c = getopt(argc, argv, "D:")) != -1) {
		if (c != 'D' || nmacros == sizeof(macros) / sizeof(macros[0]))
			return 2;
		macros[nmacros++] = optarg;
	}
	if (optind + 1 != argc)
		return 2;
	conf = config_read(argv[optind], macros, nmacros);
	if (conf == NULL)
		return 1;
	config_print(conf, stdout);
	free(conf);
	return 0;
}
