/* The words of special names; what is answered is unpriv/dns's part. */
#include <stddef.h>
#include <string.h>

#include "special.h"

static const char *const words[SPECIALS] = {
#define SPECIAL_WORD(name, word) word,
	SPECIAL_TABLE(SPECIAL_WORD)
#undef SPECIAL_WORD
};

const char *
special_word(enum special number)
{
	return number < SPECIALS ? words[number] : NULL;
}

enum special
special_number(const char *word)
{
	unsigned int i;

	for (i = 0; i < SPECIALS && strcmp(words[i], word) != 0; i++)
		continue;
	return (enum special)i;
}
