/* SPDX-License-Identifier: ISC */
/*
 * What does the calendar say, in the forms that mail has for it?  All in
 * local time, which tzset() has to have read before: the session can open
 * no file, and strftime(3) would.
 */
#ifndef DATE_H
#define DATE_H

#include <time.h>

#define DATE_SIZE	64	/* octets that each of them has room in */

/* "Mon Nov 23 02:00:00 2026": of a From_ line (RFC 4155, appendix A). */
void	format_from_date(char date[DATE_SIZE], time_t when);

/* "Mon, 23 Nov 2026 02:00:00 +0100": of a header (RFC 5322 3.3). */
void	format_header_date(char date[DATE_SIZE], time_t when);

/* "Nov 23 02:00:00": of a log line (RFC 3164 4.1.2). */
void	format_log_date(char date[DATE_SIZE], time_t when);

/* "02:00": of a line on a screen. */
void	format_clock(char date[DATE_SIZE], time_t when);

#endif
