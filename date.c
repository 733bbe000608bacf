/* SPDX-License-Identifier: ISC */
#include "date.h"

#include <stdio.h>

static const char days[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri",
	"Sat" };
static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
	"Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

void
format_from_date(char date[DATE_SIZE], time_t when)
{
	struct tm tm;

	localtime_r(&when, &tm);
	snprintf(date, DATE_SIZE, "%s %s %2d %02d:%02d:%02d %d",
	    days[tm.tm_wday], months[tm.tm_mon], tm.tm_mday, tm.tm_hour,
	    tm.tm_min, tm.tm_sec, tm.tm_year + 1900);
}

void
format_header_date(char date[DATE_SIZE], time_t when)
{
	struct tm tm;
	long east;

	localtime_r(&when, &tm);
	east = tm.tm_gmtoff / 60;	/* in minutes */
	snprintf(date, DATE_SIZE, "%s, %02d %s %d %02d:%02d:%02d %c%02ld%02ld",
	    days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900,
	    tm.tm_hour, tm.tm_min, tm.tm_sec, east < 0 ? '-' : '+',
	    (east < 0 ? -east : east) / 60, (east < 0 ? -east : east) % 60);
}

void
format_log_date(char date[DATE_SIZE], time_t when)
{
	struct tm tm;

	localtime_r(&when, &tm);
	snprintf(date, DATE_SIZE, "%s %2d %02d:%02d:%02d", months[tm.tm_mon],
	    tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

void
format_clock(char date[DATE_SIZE], time_t when)
{
	struct tm tm;

	localtime_r(&when, &tm);
	snprintf(date, DATE_SIZE, "%02d:%02d", tm.tm_hour, tm.tm_min);
}
