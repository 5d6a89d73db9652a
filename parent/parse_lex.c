/*
 * The lexer of the config file. It must never read beyond the text, nor give
 * out a word that is not printable ASCII.
 */
#include <stdio.h>
#include <string.h>

#include "parse.h"

const char at_newline[] = "the end of the line";
const char at_eof[] = "the end of the file";

static void skip_statement(struct parser *p);
static void skip_blanks(struct parser *p);
static int lex_word(struct parser *p);
static int lex_quoted(struct parser *p);
static int lex_macro(struct parser *p);
static int lex_byte(struct parser *p);
static int keep(struct parser *p, int kind, const char *text);
static int bad(struct parser *p, const char *text, size_t len, const char *why);
static size_t newline_at(const struct parser *p, size_t pos);
static bool is_word_char(const struct parser *p, char c);

int
yylex(struct word *value, struct parser *p)
{
	if (p->errors > ERRORS_MAX)
		return keep(p, 0, at_eof);
	if (p->skipping) {
		p->skipping = false;
		skip_statement(p);
		if (p->pos < p->len && p->text[p->pos] == '}')
			return keep(p, '\n', at_newline);
	} else
		skip_blanks(p);
	if (p->pos == p->len)
		(void)keep(
		    p, p->first ? 0 : '\n', p->first ? at_eof : at_newline);
	else if (p->text[p->pos] == '"')
		(void)lex_quoted(p);
	else if (p->text[p->pos] == '$')
		(void)lex_macro(p);
	else if (p->text[p->pos] != '=' && is_word_char(p, p->text[p->pos]))
		(void)lex_word(p);
	else
		(void)lex_byte(p);
	*value = p->token;
	return p->kind;
}

/* To the newline that ends it, or the brace that closes what it stands in. */
static void
skip_statement(struct parser *p)
{
	bool quoted = false, comment = false;
	char c;

	for (; p->pos < p->len; p->pos++) {
		c = p->text[p->pos];
		if (c == '\n') {
			if (p->depth <= p->base)
				return;
			p->line++;
			quoted = comment = false;
		} else if (comment)
			continue;
		else if (c == '\\' && quoted && p->pos + 1 < p->len &&
		    p->text[p->pos + 1] != '\n')
			p->pos++;
		else if (c == '\\' && newline_at(p, p->pos + 1) != 0) {
			p->pos += newline_at(p, p->pos + 1);
			p->line++;
		} else if (c == '"')
			quoted = !quoted;
		else if (quoted)
			continue;
		else if (c == '#')
			comment = true;
		else if (c == '{')
			p->depth++;
		else if (c == '}' && p->depth == p->base && p->base > 0)
			return;
		else if (c == '}' && p->depth > 0)
			p->depth--;
	}
}

static void
skip_blanks(struct parser *p)
{
	char c;

	for (; p->pos < p->len; p->pos++) {
		c = p->text[p->pos];
		if (c == '#') {
			while (p->pos < p->len && p->text[p->pos] != '\n')
				p->pos++;
			return;
		}
		if (c == '\\' && newline_at(p, p->pos + 1) != 0) {
			p->pos += newline_at(p, p->pos + 1);
			p->line++;
		} else if (c == '\r' && newline_at(p, p->pos) != 0)
			continue;
		else if (c != ' ' && c != '\t')
			return;
	}
}

static int
lex_word(struct parser *p)
{
	const char *start = p->text + p->pos;
	char *word = p->arena + p->used;
	size_t i, len = 0;

	while (p->pos < p->len && is_word_char(p, p->text[p->pos])) {
		p->pos++;
		len++;
	}
	if (len >= WORD_SIZE)
		return bad(p, start, len, "the word is too long");
	memcpy(word, start, len);
	word[len] = '\0';
	p->used += len + 1;
	for (i = 0; keywords[i].name != NULL; i++)
		if (strcmp(word, keywords[i].name) == 0)
			return keep(p, keywords[i].token, word);
	return keep(p, token_word, word);
}

static int
lex_quoted(struct parser *p)
{
	const char *start = p->text + ++p->pos;
	char *word = p->arena + p->used, c;
	size_t len = 0;

	for (; p->pos < p->len; p->pos++) {
		c = p->text[p->pos];
		if (c == '\n' || c == '"')
			break;
		if (c == '\\' && p->pos + 1 < p->len &&
		    (p->text[p->pos + 1] == '"' || p->text[p->pos + 1] == '\\'))
			c = p->text[++p->pos];
		if (c < ' ' || c > '~')
			return lex_byte(p);
		word[len++] = c;
	}
	if (p->pos == p->len || p->text[p->pos] != '"')
		return bad(
		    p, start, len, "the quote is not closed on its line");
	p->pos++;
	if (len >= WORD_SIZE)
		return bad(p, start, len, "the word is too long");
	word[len] = '\0';
	p->used += len + 1;
	return keep(p, token_word, word);
}

static int
lex_macro(struct parser *p)
{
	const char *start = p->text + p->pos, *name = start + 1;
	size_t i, len = 0;

	p->pos++;
	while (p->pos < p->len && is_macro_char(p->text[p->pos], len == 0)) {
		p->pos++;
		len++;
	}
	if (len == 0)
		return bad(p, start, 1, "expected the name of a macro after $");
	for (i = 0; i < p->nmacro; i++)
		if (p->macro[i].name_len == len &&
		    memcmp(p->macro[i].name, name, len) == 0)
			return keep(p, token_word, p->macro[i].value);
	return bad(p, start, len + 1,
	    "the macro is not defined: set it on a line before, or with -D");
}

/* Punctuation, or what cannot stand in a config at all. */
static int
lex_byte(struct parser *p)
{
	char text[32];
	unsigned char c = (unsigned char)p->text[p->pos++];

	switch (c) {
	case '\n':
		(void)keep(p, c, at_newline);
		p->line++;
		return c;
	case '{':
		p->depth++;
		return keep(p, c, "{");
	case '}':
		if (p->depth > 0)
			p->depth--;
		return keep(p, c, "}");
	case ',':
		return keep(p, c, ",");
	case '=':
		return keep(p, c, "=");
	}
	if (c == '\\')
		return bad(p, "\\", 1,
		    "a backslash stands before a newline, or in quotes");
	(void)snprintf(text, sizeof(text), "byte 0x%02x", c);
	return bad(p, text, strlen(text), "expected printable ASCII");
}

/* Remembers the token, for errors, and where it stood. */
static int
keep(struct parser *p, int kind, const char *text)
{
	p->before = p->token;
	p->before_kind = p->kind;
	p->kind = kind;
	p->token.text = text;
	p->token.line = p->line;
	p->first = kind == '\n';
	return kind;
}

static int
bad(struct parser *p, const char *text, size_t len, const char *why)
{
	char near[NEAR_MAX + 2];
	struct word w;

	if (len > NEAR_MAX + 1)
		len = NEAR_MAX + 1;
	memcpy(near, text, len);
	near[len] = '\0';
	w.text = near;
	w.line = p->line;
	complain(p, w, "%s", why);
	return keep(p, token_bad, "");
}

/* The length of the line's end at this place, 0 if there is none. */
static size_t
newline_at(const struct parser *p, size_t pos)
{
	if (pos < p->len && p->text[pos] == '\n')
		return 1;
	return pos + 1 < p->len && p->text[pos] == '\r' &&
		p->text[pos + 1] == '\n'
	    ? 2
	    : 0;
}

static bool
is_word_char(const struct parser *p, char c)
{
	/* It ends the name of a macro, but is a part of a pin. */
	if (c == '=')
		return !p->first;
	return c > ' ' && c <= '~' && strchr("{},#\"$\\", c) == NULL;
}

bool
is_macro_char(char c, bool first)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	    (!first && c >= '0' && c <= '9');
}
