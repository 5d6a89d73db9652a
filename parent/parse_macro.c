/*
 * Macros of the config file. One of the file must never replace one that was
 * given with -D.
 */
#include <string.h>

#include "dotproxy/log.h"

#include "parse.h"

void
take_macros(struct parser *p, char *const *macros, size_t nmacros)
{
	struct macro *m;
	const char *equals;
	size_t i, j;

	for (i = 0; i < nmacros; i++) {
		equals = strchr(macros[i], '=');
		for (j = 0; is_macro_char(macros[i][j], j == 0); j++)
			;
		if (equals == NULL || j == 0 || macros[i] + j != equals ||
		    !is_plain(equals + 1)) {
			log_warnx("-D %s: expected macro=value", macros[i]);
			p->errors++;
		} else if (p->nmacro == MACROS_MAX / 2) {
			log_warnx("-D %s: too many macros", macros[i]);
			p->errors++;
		} else {
			m = &p->macro[p->nmacro++];
			m->name = macros[i];
			m->name_len = j;
			m->value = equals + 1;
		}
	}
}

void
set_macro(struct parser *p, struct word name, struct word value)
{
	struct macro *m;
	size_t i, len = strlen(name.text);

	for (i = 0; is_macro_char(name.text[i], i == 0); i++)
		;
	if (i != len) {
		complain(p, name,
		    "expected letters, digits and _ in a macro's name");
		return;
	}
	for (m = p->macro; m < p->macro + p->nmacro; m++)
		if (m->name_len == len && memcmp(m->name, name.text, len) == 0)
			break;
	if (m < p->macro + p->nmacro) {
		/* One from -D stands; the file's is only marked as seen. */
		(void)once(p, name, &m->line);
		return;
	}
	if (p->nmacro == MACROS_MAX) {
		complain(p, name, "too many macros");
		return;
	}
	p->nmacro++;
	m->name = name.text;
	m->name_len = len;
	m->value = value.text;
	m->line = name.line;
}
