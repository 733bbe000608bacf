/* SPDX-License-Identifier: ISC */
#include "settings.h"

#include "pages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FILE_SIZE_LIMIT	16384
#define HOSTS_FILE	"/etc/hosts"

enum kind { HOST, NAMES, PATTERN, PATH, NUMBER, SIZE, TIME, CHOICE, CHARACTER };

struct settings settings;

/* What a CHOICE can be, in a struct row; its place is its value. */
#define NO_YES		"no yes"
#define LOG_REFUSE	"log refuse"
#define REJECT_ACCEPT	"reject accept"
#define PROTOCOLS	"smtp lmtp"
#define LOG_TARGETS	"syslog stderr none"

#define FIELD(name)	offsetof(struct settings, name)

/* Without pointers, so that nothing has to be put right at the start. */
static const struct row {
	char		 name[20];
	char		 value[24];	/* the default */
	uint16_t	 field;		/* where in struct settings */
	uint8_t		 kind;
	char		 choices[22];
	uint64_t	 least, most;	/* of numbers */
	char		 help[56];
} rows[] = {
	{ "hostname", "auto", FIELD(hostname), HOST, "", 0, 0,
	    "name of this host; auto: its own full name" },
	{ "domains", "hostname, localhost", FIELD(domains), NAMES, "", 0, 0,
	    "domains whose local parts are users here" },
	{ "passwd", "/etc/passwd", FIELD(passwd), PATH, "", 0, 0,
	    "the users, in the format of passwd(5)" },
	{ "min-uid", "0", FIELD(min_uid), NUMBER, "", 0, UINT32_MAX,
	    "accounts with a lower uid get no mail, root excepted" },
	{ "aliases", ALIASES_FILE, FIELD(aliases), PATH, "", 0, 0,
	    "other names and lists, as in aliases(5), if there" },
	{ "mailbox", "/var/mail/%u", FIELD(mailbox), PATTERN, "", 0, 0,
	    "where mail goes; %u is the user, %h the home" },
	{ "spool", "/var/tmp", FIELD(spool), PATH, "", 0, 0,
	    "directory for large mail data while it arrives" },
	{ "user", "smtpd, nobody, 65534", FIELD(user), NAMES, "", 0, 0,
	    "whom the session runs as: the first that exists" },
	{ "chroot", "none", FIELD(chroot), PATH, "", 0, 0,
	    "root directory for the whole program" },
	{ "message-size-limit", "50M", FIELD(message_size_limit), SIZE, "", 0,
	    (uint64_t)1 << 40,
	    "largest message, announced as SIZE; 0: no limit" },
	{ "mailbox-size-limit", "0", FIELD(mailbox_size_limit), SIZE, "", 0,
	    (uint64_t)1 << 60, "a mailbox never grows past it; 0: no limit" },
	/* RFC 5321 4.5.3.1.8: at least 100; less is for tests. */
	{ "recipient-limit", "100", FIELD(recipient_limit), NUMBER, "", 1,
	    MOST_RECIPIENTS, "recipients of one message" },
	/* RFC 9422 4.1 has six digits. */
	{ "transaction-limit", "1000", FIELD(transaction_limit), NUMBER, "", 0,
	    999999, "MAIL commands of one session; 0: no limit" },
	{ "recipient-delimiter", "+", FIELD(recipient_delimiter), CHARACTER, "",
	    0, 0, "joe+list is joe; none: no such thing" },
	/* RFC 5321 4.5.3.2.7: at least five minutes; less is for tests. */
	{ "command-timeout", "5m", FIELD(command_timeout), TIME, "", 1, 86400,
	    "for a whole command line" },
	{ "data-timeout", "10m", FIELD(data_timeout), TIME, "", 1, 86400,
	    "for the whole mail data" },
	{ "session-timeout", "1h", FIELD(session_timeout), TIME, "", 1,
	    7 * 86400, "for the whole session" },
	/* The client waits ten minutes at most (4.5.3.2.6). */
	{ "lock-timeout", "30s", FIELD(lock_timeout), TIME, "", 0, 300,
	    "for busy mailboxes" },
	{ "error-limit", "100", FIELD(error_limit), NUMBER, "", 1, 1000000,
	    "refused commands before 421" },
	{ "error-delay", "1s", FIELD(error_delay), TIME, "", 0, 60,
	    "pause before each refusal past the tenth" },
	{ "pregreet", "log", FIELD(pregreet), CHOICE, LOG_REFUSE, 0, 0,
	    "refuse: who talks before the greeting is turned away" },
	{ "vrfy", "yes", FIELD(vrfy), CHOICE, NO_YES, 0, 0,
	    "no: VRFY answers 252" },
	{ "expn", "yes", FIELD(expn), CHOICE, NO_YES, 0, 0,
	    "no: EXPN answers 252" },
	{ "terminals", "no", FIELD(terminals), CHOICE, NO_YES, 0, 0,
	    "yes: SEND, SOML and SAML write to users' terminals" },
	{ "utmp", "/run/utmp", FIELD(utmp), PATH, "", 0, 0,
	    "who is logged in at which terminal" },
	{ "bare-newline", "reject", FIELD(bare_newline), CHOICE, REJECT_ACCEPT,
	    0, 0, "accept: a lone LF ends a line of text" },
	{ "protocol", "smtp", FIELD(protocol), CHOICE, PROTOCOLS, 0, 0,
	    "lmtp: a reply for each recipient, RFC 2033" },
	{ "log", "syslog", FIELD(log), CHOICE, LOG_TARGETS, 0, 0,
	    "syslog, stderr (as <N>TEXT) or none" },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static LARGE char	file_text[FILE_SIZE_LIMIT + 1];
static char	error_text[256];
static char	own_name[DOMAIN_LIMIT + 1];

static bool
parts_words(char c)
{
	return (c == ' ' || c == ',' || c == '\t');
}

bool
next_word(struct slice *list, struct slice *word)
{
	size_t n = 0;

	while (list->length > 0 && parts_words(list->at[0])) {
		list->at++;
		list->length--;
	}
	while (n < list->length && !parts_words(list->at[n]))
		n++;
	*word = (struct slice){ list->at, n };
	list->at += n;
	list->length -= n;
	return (n > 0);
}

bool
is_our_domain(struct slice name)
{
	struct slice list = slice_of(settings.domains), word;

	while (next_word(&list, &word)) {
		if (equal_fold(word, TEXT("hostname")))
			word = slice_of(settings.hostname);
		if (equal_fold(word, name))
			return (true);
	}
	return (false);
}

/* Read a whole small file as text; its length, or -1 with errno. */
static ssize_t
read_text(const char *path, char *text, size_t size)
{
	ssize_t n, length = 0;
	int fd = open(path, O_RDONLY | O_NONBLOCK);

	if (fd == -1)
		return (-1);
	do {
		n = read(fd, text + length, size - (size_t)length);
		if (n > 0)
			length += n;
	} while (n > 0 && (size_t)length < size);
	close(fd);
	if (n == -1)
		return (-1);
	if ((size_t)length == size) {
		errno = EFBIG;
		return (-1);
	}
	text[length] = '\0';
	return (length);
}

/* If LINE of the hosts file names NAME, its full name is the first one. */
static bool
take_full_name(struct slice line, struct slice name)
{
	struct slice full, word;

	if (!next_word(&line, &word) || !next_word(&line, &full))
		return (false);
	for (word = full; !equal_fold(word, name);)
		if (!next_word(&line, &word))
			return (false);
	if (memchr(full.at, '.', full.length) == NULL || !is_domain(full))
		return (false);
	memcpy(own_name, full.at, full.length);
	own_name[full.length] = '\0';
	return (true);
}

/*
 * The host's own full name: gethostname(), and where that has no dot, the
 * full name that the hosts file gives it.  No resolver is asked.
 */
static const char *
find_own_name(void)
{
	static LARGE char text[FILE_SIZE_LIMIT];
	struct slice line;
	char *end, *next;

	if (gethostname(own_name, sizeof(own_name) - 1) == -1 ||
	    !is_domain(slice_of(own_name)))
		return (strcpy(own_name, "localhost"));
	if (strchr(own_name, '.') != NULL ||
	    read_text(HOSTS_FILE, text, sizeof(text)) == -1)
		return (own_name);
	for (next = text; *next != '\0'; next = end + (*end != '\0')) {
		end = next + strcspn(next, "\n");
		line = (struct slice){ next, strcspn(next, "#\n") };
		if (take_full_name(line, slice_of(own_name)))
			break;
	}
	return (own_name);
}

/* A number, with a suffix of which each stands for so many ones. */
static bool
parse_scaled(const char *value, const char *suffixes, const uint64_t *scales,
    uint64_t *number)
{
	struct slice digits = slice_of(value);
	const char *suffix;
	uint64_t scale = 1;

	if (digits.length > 1) {
		suffix = strchr(suffixes, lower(digits.at[digits.length - 1]));
		if (suffix != NULL) {
			scale = scales[suffix - suffixes];
			digits.length--;
		}
	}
	if (!parse_number(digits, number) || *number > UINT64_MAX / scale)
		return (false);
	*number *= scale;
	return (true);
}

/* Where the setting is, which a row's kind says the type of. */
static uint64_t *
number_of(const struct row *row)
{
	return ((void *)((char *)&settings + row->field));
}

static const char **
text_of(const struct row *row)
{
	return ((void *)((char *)&settings + row->field));
}

static bool
set_number(const struct row *row, const char *value)
{
	static const uint64_t sizes[] = { 1024, 1024 * 1024,
	    1024 * 1024 * 1024 };
	static const uint64_t times[] = { 1, 60, 3600, 86400 };
	const char *suffixes = row->kind == SIZE ? "kmg" :
	    row->kind == TIME			 ? "smhd" :
						   "";
	uint64_t number;

	if (!parse_scaled(value, suffixes, row->kind == SIZE ? sizes : times,
		&number) ||
	    number < row->least || number > row->most)
		return (false);
	*number_of(row) = number;
	return (true);
}

static bool
set_choice(const struct row *row, const char *value)
{
	struct slice choices = slice_of(row->choices), word;
	uint64_t place;

	for (place = 0; next_word(&choices, &word); place++) {
		if (equal_fold(word, slice_of(value))) {
			*number_of(row) = place;
			return (true);
		}
	}
	return (false);
}

static bool
all_domains(const char *value)
{
	struct slice list = slice_of(value), word;
	bool some = false;

	for (; next_word(&list, &word); some = true)
		if (!is_utf8_domain(word))
			return (false);
	return (some);
}

/* Is TEXT fit to stand in its row?  Texts are kept where they are. */
static bool
is_good_text(const struct row *row, const char *text)
{
	const char *percent;

	switch (row->kind) {
	case HOST:
		return (is_domain(slice_of(text)));	/* also "auto" */
	case NAMES:
		return (all_domains(text));
	case CHARACTER:
		return (text[0] > ' ' && text[0] <= '~' && text[1] == '\0' &&
		    strchr("@\"\\", text[0]) == NULL);
	case PATTERN:
		for (percent = strchr(text, '%'); percent != NULL;
		    percent = strchr(percent + 1, '%'))
			if (percent[1] != 'u' && percent[1] != 'h')
				return (false);
		if (text[0] == '\0' || text[strlen(text) - 1] == '/')
			return (false);
		return (text[0] == '/' || strncmp(text, "%h/", 3) == 0);
	default:
		return (text[0] == '/');
	}
}

static bool
set_text(const struct row *row, const char *value)
{
	if (strcmp(value, "none") == 0 &&
	    (row->field == FIELD(chroot) || row->field == FIELD(aliases)))
		value = "";
	else if (strcmp(value, "none") == 0 && row->kind == CHARACTER)
		value = "";
	else if (!is_good_text(row, value))
		return (false);
	*text_of(row) = value;
	return (true);
}

static bool
set(const struct row *row, const char *value)
{
	switch (row->kind) {
	case NUMBER:
	case SIZE:
	case TIME:
		return (set_number(row, value));
	case CHOICE:
		return (set_choice(row, value));
	default:
		return (set_text(row, value));
	}
}

/* Only the first fault is kept. */
static void
note_error(const char *where, const char *what, const char *name)
{
	char text[sizeof(error_text)];

	if (error_text[0] != '\0')
		return;
	snprintf(text, sizeof(text), "%.80s: %s%.80s", where, what, name);
	printable(error_text, sizeof(error_text), text, strlen(text));
}

static void
set_named(const char *where, const char *name, const char *value)
{
	size_t i;

	for (i = 0; i < ROWS; i++) {
		if (strcmp(rows[i].name, name) != 0)
			continue;
		if (!set(&rows[i], value))
			note_error(where, "bad value for ", name);
		return;
	}
	note_error(where, "no such setting: ", name);
}

/* NAME VALUE a line; blank lines and those that start with # say nothing. */
static void
read_settings_line(const char *where, char *line)
{
	char *name = line + strspn(line, " \t\r"), *value, *end;

	if (*name == '\0' || *name == '#')
		return;
	value = name + strcspn(name, " \t");
	if (*value != '\0')
		*value++ = '\0';
	value += strspn(value, " \t");
	end = value + strlen(value);
	while (end > value && strchr(" \t\r", end[-1]) != NULL)
		*--end = '\0';
	set_named(where, name, value);
}

static void
read_settings_file(const char *file)
{
	const char *path = file != NULL ? file : SETTINGS_FILE;
	char where[80], *line, *end;
	unsigned int number = 1;
	ssize_t length = read_text(path, file_text, sizeof(file_text));

	if (length == -1) {
		if (file != NULL || errno != ENOENT)
			note_error(path, "cannot read it: ", strerror(errno));
		return;
	}
	if (strlen(file_text) != (size_t)length)
		note_error(path, "it has a NUL", "");
	for (line = file_text; line != NULL; line = end, number++) {
		end = strchr(line, '\n');
		if (end != NULL)
			*end++ = '\0';
		snprintf(where, sizeof(where), "%.60s line %u", path, number);
		read_settings_line(where, line);
	}
}

static void
read_option(char *option)
{
	char *equals = strchr(option, '=');

	if (equals == NULL) {
		note_error("-o", "not NAME=VALUE: ", option);
		return;
	}
	*equals = '\0';
	set_named("-o", option, equals + 1);
	*equals = '='; /* ps(1) shows it as it was given */
}

const char *
load_settings(const char *file, char *const *options, size_t count)
{
	size_t i;

	for (i = 0; i < ROWS; i++)
		if (!set(&rows[i], rows[i].value))
			note_error("default", "bad value for ", rows[i].name);
	read_settings_file(file);
	for (i = 0; i < count; i++)
		read_option(options[i]);
	if (strcmp(settings.hostname, "auto") == 0)
		settings.hostname = find_own_name();
	return (error_text[0] == '\0' ? NULL : error_text);
}

static void
print_value(int fd, const struct row *row)
{
	struct slice choices, word;
	const char *text;
	uint64_t place;

	switch (row->kind) {
	case NUMBER:
	case SIZE:
	case TIME:
		dprintf(fd, "%llu", (unsigned long long)*number_of(row));
		break;
	case CHOICE:
		choices = slice_of(row->choices);
		place = *number_of(row);
		while (next_word(&choices, &word) && place-- > 0)
			;
		dprintf(fd, "%.*s", (int)word.length, word.at);
		break;
	default:
		text = *text_of(row);
		dprintf(fd, "%s", text[0] == '\0' ? "none" : text);
	}
}

void
print_settings(int fd)
{
	size_t i;

	for (i = 0; i < ROWS; i++) {
		dprintf(fd, "%s ", rows[i].name);
		print_value(fd, &rows[i]);
		dprintf(fd, "\n");
	}
}

void
print_settings_help(int fd)
{
	size_t i;

	for (i = 0; i < ROWS; i++)
		dprintf(fd, "%-20s %-20s %s\n", rows[i].name, rows[i].value,
		    rows[i].help);
}
