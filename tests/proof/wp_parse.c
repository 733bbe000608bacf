/* SPDX-License-Identifier: ISC */
/*
 * broken: utf8_length parse.c s/if (n > text.length)/if (n > text.length + 1)/
 * broken: parse_quoted parse.c s/if (n + length >= LOCAL_PART_LIMIT)/if (n + length > LOCAL_PART_LIMIT + 1)/
 * broken: parse_dot_string parse.c s/if (n > LOCAL_PART_LIMIT)/if (n > LOCAL_PART_LIMIT + 1)/
 * broken: parse_literal parse.c s/text.length > ADDRESS_LITERAL_LIMIT/text.length > ADDRESS_LITERAL_LIMIT + 1/
 * broken: parse_path parse.c s/before - text->length > PATH_LIMIT/before - text->length > PATH_LIMIT + 1/
 * broken: domain_length parse.c s/n <= DOMAIN_LIMIT/n <= DOMAIN_LIMIT + 1/
 * broken: parse_parameter parse.c s/if (text->length == 0 || !is_let_dig/if (!is_let_dig/
 */
/*
 * Every function of the parser, given any text of up to 2^30 octets: what it
 * may be given (requires), what it changes (assigns), and what it promises
 * (ensures); that no octet outside the text is read, and no arithmetic goes
 * wrong, WP asks by itself.
 */
#include "parse.h"

#include <arpa/inet.h>

#include <string.h>

/*@ predicate is_string(char *s) =
      \exists integer n; 0 <= n <= 0x40000000 && \valid_read(s + (0 .. n)) && s[n] == 0;
*/

/* ------------------------------------- what is believed of the C library */

/*@ requires n <= 0x40000000 && \valid_read(at + (0 .. n - 1));
    assigns \nothing;
    ensures \result == \null ||
	\exists integer i; 0 <= i < n && \result == at + i; */
static const char *find_char(const char *at, int c, size_t n);

/*@ requires \valid(to + (0 .. n - 1)) && \valid_read(from + (0 .. n - 1));
    requires \separated(to + (0 .. n - 1), from + (0 .. n - 1));
    assigns to[0 .. n - 1]; */
static void copy_chars(char *to, const char *from, size_t n);

/*@ requires is_string(text);
    assigns \nothing;
    ensures \result <= 0x40000000 && \valid_read(text + (0 .. \result)); */
static size_t text_length(const char *text);

/*@ requires \exists integer n; 0 <= n <= ADDRESS_LITERAL_LIMIT &&
	\valid_read(text + (0 .. n)) && text[n] == 0;
    requires \valid(octets + (0 .. 15));
    assigns octets[0 .. 15]; */
static int read_address(int family, const char *text, uint8_t *octets);

#define memchr	find_char
#define memcpy	copy_chars
#define strlen	text_length
#define inet_pton	read_address

/* ------------------------------------------------ what is to be proved */

/*@ assigns \nothing; */
static bool is_alpha(char c);
/*@ assigns \nothing; */
static bool is_digit(char c);
/*@ assigns \nothing; */
static bool is_let_dig(char c);
/*@ assigns \nothing; */
static bool is_atext(char c);
/*@ assigns \nothing; */
char lower(char c);

/*@ requires is_text(a) && is_text(b);
    assigns \nothing; */
bool equal_fold(struct slice a, struct slice b);

/*@ requires is_text(text);
    assigns \nothing; */
bool has_control(struct slice text);

/*@ requires is_text(text);
    assigns \nothing; */
bool is_ascii(struct slice text);

/*@ requires is_text(text);
    assigns \nothing;
    ensures \result == 0 || 2 <= \result <= 4;
    ensures \result <= text.length; */
size_t utf8_length(struct slice text);

/*@ requires \valid(text) && is_text(*text) && n <= text->length;
    assigns *text;
    ensures text->at == \old(text->at) + n;
    ensures text->length == \old(text->length) - n;
    ensures is_text(*text) && is_rest(*text, \old(*text)); */
static void advance(struct slice *text, size_t n);

/*@ requires is_text(text);
    assigns \nothing; */
bool is_utf8(struct slice text);

/*@ requires \valid(text) && is_text(*text);
    assigns \nothing;
    ensures \result ==> text->length > 0; */
static bool starts(const struct slice *text, char c);

/*@ requires \valid(text) && is_text(*text);
    assigns *text;
    ensures is_rest(*text, \old(*text)) && is_text(*text); */
static void skip_blanks(struct slice *text);

/*@ requires is_string(text);
    assigns \nothing;
    ensures is_text(\result); */
struct slice slice_of(const char *text);

/*@ requires is_text(line) && \valid(verb) && \valid(argument) && \separated(verb, argument);
    assigns *verb, *argument;
    ensures is_text(*verb) && is_part(*verb, line);
    ensures is_text(*argument) && is_part(*argument, line); */
void parse_command(struct slice line, struct slice *verb, struct slice *argument);

/*@ requires \valid(text) && is_text(*text) && is_text(prefix);
    assigns *text;
    ensures is_rest(*text, \old(*text)) && is_text(*text);
    ensures text->length == \old(text->length) - (\result ? prefix.length : 0); */
bool skip_prefix(struct slice *text, struct slice prefix);

/*@ requires is_text(start);
    assigns \nothing; */
static bool starts_with_field(struct slice start);

/*@ requires is_text(start) && \valid_read(word + (0 .. 10));
    assigns \nothing; */
static bool starts_with_word(struct slice start, const char word[11]);

/*@ requires is_text(start);
    assigns \nothing; */
bool is_foreign(struct slice start);

/*@ requires is_text(text) && \valid(number);
    assigns *number; */
bool parse_number(struct slice text, uint64_t *number);

/*@ requires is_text(text) && \valid(size) && \valid(last);
    assigns *size, *last; */
bool parse_chunk(struct slice text, uint64_t *size, bool *last);

/*@ requires is_text(text) && n < text.length;
    assigns \nothing;
    ensures \result <= 4 && n + \result <= text.length; */
static size_t domain_character(struct slice text, size_t n);

/*@ requires is_text(text);
    assigns \nothing;
    ensures \result <= text.length; */
static size_t label_length(struct slice text);

/*@ requires is_text(text);
    assigns \nothing;
    ensures \result <= text.length && \result <= DOMAIN_LIMIT; */
static size_t domain_length(struct slice text);

/*@ requires is_text(text);
    assigns \nothing;
    ensures \result ==> 0 < text.length <= DOMAIN_LIMIT; */
bool is_utf8_domain(struct slice text);

/*@ requires is_text(text);
    assigns \nothing;
    ensures \result ==> 0 < text.length <= DOMAIN_LIMIT; */
bool is_domain(struct slice text);

/*@ requires is_text(text) && \valid(address);
    assigns *address;
    ensures \result ==> 2 <= text.length <= ADDRESS_LITERAL_LIMIT + 7; */
bool parse_literal(struct slice text, struct address *address);

/*@ requires is_text(text) && at < text.length;
    assigns \nothing;
    ensures \result <= 4 && at + \result <= text.length; */
static size_t printing_character(struct slice text, size_t at);

/*@ predicate can_parse(struct slice *text, struct path *path) =
      \valid(text) && \valid(path) && is_text(*text) && \separated(text, path) &&
      \separated(text->at + (0 .. text->length - 1), &path->local_part[0 .. LOCAL_PART_LIMIT - 1]);
    predicate has_local_part(struct path path) =
      1 <= path.local_part_length <= LOCAL_PART_LIMIT;
    predicate has_domain(struct path path, struct slice text) =
      path.domain.length <= DOMAIN_LIMIT && is_part(path.domain, text);
*/

/*@ requires can_parse(text, path) && text->length > 0;
    assigns *text, path->local_part[0 .. LOCAL_PART_LIMIT - 1], path->local_part_length;
    ensures is_rest(*text, \old(*text)) && is_text(*text);
    ensures \result == PATH_FINE ==> has_local_part(*path); */
static enum path_fault parse_quoted(struct slice *text, struct path *path);

/*@ requires is_text(text) && n < text.length;
    assigns \nothing;
    ensures \result <= 4 && n + \result <= text.length; */
static size_t atom_character(struct slice text, size_t n);

/*@ requires can_parse(text, path);
    assigns *text, path->local_part[0 .. LOCAL_PART_LIMIT - 1], path->local_part_length;
    ensures is_rest(*text, \old(*text)) && is_text(*text);
    ensures \result == PATH_FINE ==> has_local_part(*path); */
static enum path_fault parse_dot_string(struct slice *text, struct path *path);

/*@ requires can_parse(text, path);
    assigns *text, path->domain, path->literal;
    ensures is_rest(*text, \old(*text)) && is_text(*text);
    ensures \result == PATH_FINE ==> has_domain(*path, \old(*text)); */
static enum path_fault parse_address_literal(struct slice *text, struct path *path);

/*@ requires can_parse(text, path);
    assigns *text, path->domain, path->literal;
    ensures is_rest(*text, \old(*text)) && is_text(*text);
    ensures \result == PATH_FINE ==> has_domain(*path, \old(*text)); */
static enum path_fault parse_domain(struct slice *text, struct path *path);

/*@ requires can_parse(text, path);
    assigns *text, path->domain, path->literal;
    ensures is_rest(*text, \old(*text)) && is_text(*text);
    */
static enum path_fault skip_source_route(struct slice *text, struct path *path);

/*@ requires can_parse(text, path);
    assigns *text, path->local_part[0 .. LOCAL_PART_LIMIT - 1], path->local_part_length;
    ensures is_rest(*text, \old(*text)) && is_text(*text);
    ensures \result == PATH_FINE ==> has_local_part(*path); */
static enum path_fault parse_local_part(struct slice *text, struct path *path);

/*@ requires \valid(path) && path->local_part_length <= LOCAL_PART_LIMIT;
    assigns \nothing; */
static bool is_postmaster(const struct path *path);

/*@ requires can_parse(text, path) && has_local_part(*path);
    assigns *text, path->domain, path->literal;
    ensures is_rest(*text, \old(*text)) && is_text(*text);
    ensures \result == PATH_FINE ==> has_domain(*path, \old(*text)); */
static enum path_fault parse_at_domain(struct slice *text, enum path_kind kind, struct path *path);

/*@ requires can_parse(text, path);
    assigns *text, *path;
    ensures is_rest(*text, \old(*text)) && is_text(*text);
    ensures \result == PATH_FINE ==> has_local_part(*path);
    ensures \result == PATH_FINE ==> has_domain(*path, \old(*text));
    ensures \result == PATH_FINE ==> is_part(path->mailbox, \old(*text));
    ensures \result == PATH_FINE ==> path->mailbox.length == \old(text->length) - text->length; */
static enum path_fault parse_mailbox(struct slice *text, enum path_kind kind, struct path *path);

/*@ requires can_parse(text, path) && text->length > 0;
    assigns *text, *path;
    ensures is_rest(*text, \old(*text)) && is_text(*text);
    ensures \result == PATH_FINE ==> path->is_null || has_local_part(*path);
    ensures \result == PATH_FINE ==> path->is_null || has_domain(*path, \old(*text));
    ensures \result == PATH_FINE ==> is_part(path->mailbox, \old(*text));
    ensures \result == PATH_FINE ==> path->mailbox.length <= \old(text->length) - text->length; */
static enum path_fault parse_bracketed(struct slice *text, enum path_kind kind, struct path *path);

/*@ requires can_parse(text, path);
    assigns *text, *path;
    ensures is_rest(*text, \old(*text)) && is_text(*text);
    ensures \result == PATH_FINE ==> path->is_null || has_local_part(*path);
    ensures \result == PATH_FINE ==> path->is_null || has_domain(*path, \old(*text));
    ensures \result == PATH_FINE ==> is_part(path->mailbox, \old(*text));
    ensures \result == PATH_FINE ==> path->mailbox.length <= PATH_LIMIT; */
enum path_fault parse_path(struct slice *text, enum path_kind kind, struct path *path);

/*@ requires \valid(text) && is_text(*text) && \valid(parameter) && \separated(text, parameter);
    assigns *text, *parameter;
    ensures is_rest(*text, \old(*text)) && is_text(*text);
    ensures !\result ==> *text == \old(*text);
    ensures \result ==> parameter->keyword.length > 0 && is_part(parameter->keyword, \old(*text)) &&
	is_part(parameter->value, \old(*text)); */
bool parse_parameter(struct slice *text, struct parameter *parameter);

#include "parse.c"
