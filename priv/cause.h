/* What a process died of, in words. */
#ifndef PRIV_CAUSE_H
#define PRIV_CAUSE_H

#include <stdint.h>

#define CAUSE_TEXT 160

/* Of wait(2)'s status; refused: the system call that it said its filter
 * refused, and one, or 0. Into buf, which it returns. */
const char *cause_text(int status, uint32_t refused, char buf[CAUSE_TEXT]);

#endif
