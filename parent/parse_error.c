/*
 * Errors of the config file: the line, the word, and what was expected there.
 * One must never hide the next.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "dotproxy/log.h"

#include "parse.h"

#define EXPECTED_MAX 160

static const char *openers(const struct parser *p, char buf[EXPECTED_MAX]);
static void recover(struct parser *p);
static void unknown_keyword(struct parser *p, struct word w);
static size_t distance(const char *a, const char *b);

void
expect(struct parser *p, const char *what)
{
	p->expected = what;
}

void
complain(struct parser *p, struct word w, const char *fmt, ...)
{
	char text[512], near[NEAR_MAX + 16];
	va_list ap;

	if (++p->errors > ERRORS_MAX) {
		if (p->errors == ERRORS_MAX + 1)
			log_warnx("%s: too many errors", p->path);
		return;
	}
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (w.text == at_newline || w.text == at_eof)
		(void)snprintf(near, sizeof(near), "%s", w.text);
	else
		(void)snprintf(near, sizeof(near), "\"%.*s%s\"", NEAR_MAX,
		    w.text, strlen(w.text) > NEAR_MAX ? "..." : "");
	log_warnx("%s:%d: near %s: %s", p->path, w.line, near, text);
}

void
yyerror(struct parser *p, const char *msg)
{
	char buf[EXPECTED_MAX];

	if (strcmp(msg, "syntax error") != 0)
		complain(p, p->token, "%s", msg);
	else if (p->kind == token_bad)
		; /* the lexer has told */
	else if (p->expected != NULL)
		complain(p, p->token, "expected %s", p->expected);
	else if (p->before_kind == token_word)
		/* Only an '=' would have made a macro of it. */
		unknown_keyword(p, p->before);
	else if (p->kind == token_word)
		unknown_keyword(p, p->token);
	else
		complain(p, p->token, "expected %s", openers(p, buf));
	recover(p);
}

/* "one of: ..." of what may open a statement here. */
static const char *
openers(const struct parser *p, char buf[EXPECTED_MAX])
{
	enum place place = p->base == 0 ? PLACE_FILE : PLACE_UPSTREAM;
	size_t i, used = 0;

	buf[0] = '\0';
	for (i = 0; keywords[i].name != NULL; i++) {
		if (keywords[i].place != place)
			continue;
		(void)snprintf(buf + used, EXPECTED_MAX - used, "%s%s",
		    used == 0 ? "one of: " : ", ", keywords[i].name);
		used = strlen(buf);
	}
	if (place == PLACE_UPSTREAM)
		(void)snprintf(buf + used, EXPECTED_MAX - used,
		    ", } (the upstream begins on line %d)", p->up_word.line);
	return buf;
}

/* Skips to the end of the statement that has the error, over its braces. */
static void
recover(struct parser *p)
{
	if (p->kind == 0 || (p->kind == '\n' && p->depth <= p->base))
		return;
	if (p->kind == '}' && p->depth < p->base) {
		/* It closes the block: give it back. */
		p->pos--;
		p->depth++;
	}
	p->skipping = true;
}

static void
unknown_keyword(struct parser *p, struct word w)
{
	enum place place = p->base == 0 ? PLACE_FILE : PLACE_UPSTREAM;
	char buf[EXPECTED_MAX];
	const char *nearest = NULL;
	size_t i, d, least = SIZE_MAX;

	for (i = 0; keywords[i].name != NULL; i++) {
		d = distance(w.text, keywords[i].name);
		if (keywords[i].place != place || d >= least ||
		    d > strlen(keywords[i].name) / 3)
			continue;
		least = d;
		nearest = keywords[i].name;
	}
	if (nearest != NULL)
		complain(p, w, "unknown keyword; did you mean %s?", nearest);
	else
		complain(p, w, "unknown keyword; expected %s", openers(p, buf));
}

/* The edit distance of two words, of a keyword's length. */
static size_t
distance(const char *a, const char *b)
{
	size_t row[17], i, j, above, diagonal, best;
	size_t la = strlen(a), lb = strlen(b);

	if (la > 16 || lb > 16)
		return 16;
	for (j = 0; j <= lb; j++)
		row[j] = j;
	for (i = 1; i <= la; i++) {
		diagonal = row[0];
		row[0] = i;
		for (j = 1; j <= lb; j++) {
			above = row[j];
			best = diagonal + (a[i - 1] != b[j - 1]);
			if (above + 1 < best)
				best = above + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
			diagonal = above;
		}
	}
	return row[lb];
}
