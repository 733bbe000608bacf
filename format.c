/* SPDX-License-Identifier: ISC */
/*
 * How do numbers and strings become text, in a program that is to be small?
 * The printf(3) of musl has floating point and wide characters, which nobody
 * here prints, and is a tenth of the static program.  These take its place
 * where the program is made with musl, for liblockfile and musl itself as
 * well: %c %d %s %u %x %X %%, the flags - and 0, width and precision (*
 * too), and l, ll and z.  What they do not know they write as it stands.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#ifndef __GLIBC__

#define DIGITS	24	/* more than 64 bits have */

/* Where the text goes: to SIZE octets at AT, or through them to FD. */
struct sink {
	char	*at;
	size_t	 size, length;
	size_t	 written;	/* to FD before those at AT */
	int	 fd;		/* -1: nowhere, and what is too much is counted */
};

/* One conversion: %-08.3lld, say. */
struct conversion {
	bool	 left, zero;
	int	 width, precision;	/* -1: none given */
	int	 longs;			/* how many l and z */
};

static void
flush_sink(struct sink *sink)
{
	size_t done = 0;
	ssize_t n = 1;

	while (done < sink->length && n > 0) {
		n = write(sink->fd, sink->at + done, sink->length - done);
		done += n > 0 ? (size_t)n : 0;
	}
	sink->written += sink->length;
	sink->length = 0;
}

static void
put_octets(struct sink *sink, const char *text, size_t length)
{
	size_t room, n;

	for (; length > 0; text += n, length -= n, sink->length += n) {
		if (sink->length == sink->size && sink->fd != -1)
			flush_sink(sink);
		room = sink->length < sink->size ? sink->size - sink->length :
						   0;
		n = length < room || room == 0 ? length : room;
		if (room > 0)
			memcpy(sink->at + sink->length, text, n);
	}
}

static void
put_octet(struct sink *sink, char c)
{
	put_octets(sink, &c, 1);
}

/* LENGTH octets of TEXT, in a field as wide as asked for. */
static void
put_field(struct sink *sink, const struct conversion *how, const char *text,
    size_t length)
{
	size_t pad = how->width > 0 && (size_t)how->width > length ?
	    (size_t)how->width - length :
	    0;

	if (how->zero && pad > 0 && length > 0 && *text == '-') {
		put_octet(sink, *text++);
		length--;
	}
	for (; !how->left && pad > 0; pad--)
		put_octet(sink, how->zero ? '0' : ' ');
	put_octets(sink, text, length);
	for (; pad > 0; pad--)
		put_octet(sink, ' ');
}

/* Only %d has a sign. */
static void
put_number(struct sink *sink, const struct conversion *how, int64_t number,
    char kind)
{
	const char *digits = kind == 'X' ? "0123456789ABCDEF" :
					   "0123456789abcdef";
	unsigned int base = kind == 'x' || kind == 'X' ? 16 : 10;
	bool negative = kind == 'd' && number < 0;
	uint64_t left = negative ? -(uint64_t)number : (uint64_t)number;
	char text[DIGITS];
	size_t at = sizeof(text);

	do
		text[--at] = digits[left % base];
	while ((left /= base) > 0);
	if (negative)
		text[--at] = '-';
	put_field(sink, how, text + at, sizeof(text) - at);
}

static void
put_string(struct sink *sink, struct conversion *how, const char *text)
{
	if (text == NULL)
		text = "(null)";
	how->zero = false;
	put_field(sink, how, text,
	    how->precision < 0 ? strlen(text) :
				 strnlen(text, (size_t)how->precision));
}

static int
read_digits(const char **format)
{
	int number = 0;

	while (**format >= '0' && **format <= '9')
		number = number * 10 + (*(*format)++ - '0');
	return (number);
}

/* What stands between the % and the kind; a * takes one of the arguments. */
#define READ_WIDTH(format, list) \
	(*(format) == '*' ? ((format)++, va_arg(list, int)) : \
			    read_digits(&(format)))

static void
put_list(struct sink *sink, const char *format, va_list list)
{
	struct conversion how;
	const char *start;
	char c;

	while (*(start = format) != '\0') {
		while (*format != '\0' && *format != '%')
			format++;
		if (format > start) {
			put_octets(sink, start, (size_t)(format - start));
			continue;
		}
		format++;
		how = (struct conversion){ .precision = -1 };
		for (; *format == '-' || *format == '0'; format++)
			*(*format == '-' ? &how.left : &how.zero) = true;
		how.width = READ_WIDTH(format, list);
		if (*format == '.') {
			format++;
			how.precision = READ_WIDTH(format, list);
		}
		for (; *format == 'l' || *format == 'z'; format++)
			how.longs++;
		switch (c = *format++) {
		case 'd':
			put_number(sink, &how,
			    how.longs > 0 ? va_arg(list, int64_t) :
					    va_arg(list, int),
			    c);
			break;
		case 'u':
		case 'x':
		case 'X':
			put_number(sink, &how,
			    how.longs > 0 ? va_arg(list, int64_t) :
					    va_arg(list, unsigned int),
			    c);
			break;
		case 's':
			put_string(sink, &how, va_arg(list, const char *));
			break;
		case 'c':
			c = (char)va_arg(list, int);
			put_field(sink, &how, &c, 1);
			break;
		case '%':
			put_octet(sink, '%');
			break;
		default:		/* the end of the text, it may be */
			put_octets(sink, start, (size_t)(--format - start));
			if (*format != '\0')
				put_octet(sink, *format++);
		}
	}
}

int
vsnprintf(char *text, size_t size, const char *format, va_list list)
{
	struct sink sink = { text, size > 0 ? size - 1 : 0, 0, 0, -1 };

	put_list(&sink, format, list);
	if (size > 0)
		text[sink.length < size ? sink.length : size - 1] = '\0';
	return ((int)sink.length);
}

int
snprintf(char *text, size_t size, const char *format, ...)
{
	va_list list;
	int n;

	va_start(list, format);
	n = vsnprintf(text, size, format, list);
	va_end(list);
	return (n);
}

/* Of liblockfile, for buffers that it has measured. */
int
sprintf(char *text, const char *format, ...)
{
	va_list list;
	int n;

	va_start(list, format);
	n = vsnprintf(text, INT32_MAX, format, list);
	va_end(list);
	return (n);
}

int
vdprintf(int fd, const char *format, va_list list)
{
	char buffer[512];
	struct sink sink = { buffer, sizeof(buffer), 0, 0, fd };

	put_list(&sink, format, list);
	flush_sink(&sink);
	return ((int)sink.written);
}

int
dprintf(int fd, const char *format, ...)
{
	va_list list;
	int n;

	va_start(list, format);
	n = vdprintf(fd, format, list);
	va_end(list);
	return (n);
}

#endif
