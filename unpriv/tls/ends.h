/*
 * Certificates that end soon, and when to say so: once a day of each. Pure.
 */
#ifndef UNPRIV_TLS_ENDS_H
#define UNPRIV_TLS_ENDS_H

#include <stdbool.h>
#include <stdint.h>

#include "dotproxy/conf.h"

#include "cert.h"

#define ENDS_SOON  (14 * 86400) /* seconds before the end */
#define ENDS_AGAIN 86400000 /* milliseconds between two warnings */
#define ENDS_MAX   256 /* certificates that are remembered */

/* What was said. All zeroes at first. */
struct ends {
	struct ends_said {
		char upstream[CONF_NAME_MAX];
		uint8_t pin[CERT_PIN_LEN];
		int64_t ends;
		uint64_t when; /* ms, and one; 0: free */
	} said[ENDS_MAX];
};

/* Whole days from wall (seconds since 1970) until the end; below 0: since. */
int64_t ends_days(int64_t ends, int64_t wall);

/*
 * Whether the log is to be told now (milliseconds of clock_ms) of a certificate
 * of this upstream; if so, it is remembered that it was. Of more than ENDS_MAX
 * the one said longest ago is forgotten.
 */
bool ends_warn(struct ends *e, const char *upstream, const struct cert *cert,
    int64_t wall, uint64_t now);

#endif
