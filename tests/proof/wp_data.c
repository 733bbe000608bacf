/* SPDX-License-Identifier: ISC */
/*
 * options: -wp-fct transform,copy_line,quote_from,begin_line,can_judge,begin_header_line
 * options: -wp-fct starts_field,is_field,find_octet,copy_to_line_end
 * broken: copy_line data.c s/else if (left > 1 .. end.1. == /else if (left > 0 \&\& end[1] == /
 * broken: begin_line data.c s/line.length >= 3/line.length >= 2/
 * broken: quote_from data.c s/.quote = left >= length .. memcmp(line.at + n, from, length) == 0/*quote = n == 0 \&\& memcmp(line.at + n, from, left) == 0/
 * broken: copy_line data.c s/taken += 2;/taken += 3;/
 * broken: transform data.c s/while (at < n .. !t->done)/while (at <= n \&\& !t->done)/
 */
/*
 * The data transform, given any octets, 2^29 of them at most: what each
 * function may be given, changes and promises, and that nothing goes wrong
 * in it.
 */
#include "data.h"
#include "spool.h"

#include <errno.h>
#include <string.h>

/* ------------------------------------- what is believed of the C library */

/*@ requires n <= 0x40000000 && \valid_read(at + (0 .. n - 1));
    assigns \nothing;
    ensures \result == \null || \exists integer i; 0 <= i < n && \result == at + i && at[i] == c;
    ensures \result == \null ==> \forall integer i; 0 <= i < n ==> at[i] != c;
    ensures \result != \null ==> \forall char *p; at <= p < \result ==> *p != c; */
static const char *find_char(const char *at, int c, size_t n);

/*@ requires \valid(to + (0 .. n - 1)) && \valid_read(from + (0 .. n - 1));
    requires \separated(to + (0 .. n - 1), from + (0 .. n - 1));
    assigns to[0 .. n - 1];
    ensures \forall integer i; 0 <= i < n ==> to[i] == from[i]; */
static void copy_chars(char *to, const char *from, size_t n);

/*@ requires \valid(to + (0 .. n - 1));
    assigns to[0 .. n - 1];
    ensures \forall integer i; 0 <= i < n ==> to[i] == c; */
static void fill_chars(char *to, char c, size_t n);

/*@ requires \valid_read(a + (0 .. n - 1)) && \valid_read(b + (0 .. n - 1));
    assigns \nothing;
    ensures \result == 0 <==> \forall integer i; 0 <= i < n ==> a[i] == b[i]; */
static int compare_chars(const char *a, const char *b, size_t n);

#define memchr	find_char
#define memcpy	copy_chars
#define memset	fill_chars
#define memcmp	compare_chars

/* What parse.c promises (wp_parse.c). */

/*@ requires \valid(text) && is_text(*text) && is_text(prefix);
    assigns *text;
    ensures is_rest(*text, \old(*text)) && is_text(*text); */
bool skip_prefix(struct slice *text, struct slice prefix);

/*@ requires n <= 0x40000000 && \valid_read(at + (0 .. n - 1));
    assigns \nothing; */
static inline const char *find_octet(const char *at, char octet, size_t n);

/*@ requires n <= 0x40000000 && \valid_read(at + (0 .. n - 1)) && \valid(out + (0 .. n - 1));
    requires \separated(out + (0 .. n - 1), at + (0 .. n - 1));
    assigns out[0 .. n - 1];
    ensures \result <= n;
    ensures \forall integer i; 0 <= i < \result ==> out[i] == at[i] && at[i] != 10 && at[i] != 13;
    ensures \result < n ==> at[\result] == 10 || at[\result] == 13; */
static inline size_t copy_to_line_end(char *out, const char *at, size_t n);

/*@ assigns \nothing; */
void *memmem(const void *at, size_t n, const void *text, size_t length);

#include "scan.h"

/*@ assigns *input; */
enum line_status read_input(struct slice *input, int64_t deadline);
/*@ assigns \nothing; */
void take_input(size_t n);

/* ------------------------------------------------ what is to be proved */

/*@ requires is_text(text) && is_text(name);
    assigns \nothing; */
static bool is_field(struct slice text, struct slice name);

/*@ requires is_text(text);
    assigns \nothing; */
static bool starts_field(struct slice text);

/*@ requires \valid(t) && is_text(line);
    assigns t->body, t->dropping, t->received; */
static void begin_header_line(struct transform *t, struct slice line);

/*@ requires \valid_read(t) && n <= 0x40000000 && \valid_read(in + (0 .. n - 1));
    assigns \nothing; */
static bool can_judge(const struct transform *t, const char *in, size_t n);

/*@ requires \valid(t) && is_text(line) && line.length > 0 && \valid(added) && \separated(t, added);
    requires !t->done;
    assigns *t, *added;
    ensures \result <= line.length;
    ensures t->at_end == \old(t->at_end) && t->chunked == \old(t->chunked);
    ensures t->done || t->inside_line && !t->after_quotes && t->after_first && \result <= 1;
    ensures t->done ==> !*added && t->after_first == \old(t->after_first) &&
      t->inside_line == \old(t->inside_line) && t->after_quotes == \old(t->after_quotes);
    ensures *added ==> !\old(t->after_first); */
static size_t begin_line(struct transform *t, struct slice line, bool *added);

/*@
  // Is the text at AT, as far as it goes, none that begins "From "?
  predicate differs(char *at, integer n) =
    (n > 0 && at[0] != 'F') || (n > 1 && at[1] != 'r') || (n > 2 && at[2] != 'o') ||
    (n > 3 && at[3] != 'm') || (n > 4 && at[4] != ' ');
*/

/*@ requires \valid(t) && is_text(line) && line.length > 0 && \valid(quote) && \separated(t, quote);
    assigns t->after_quotes, *quote;
    ensures -1 <= \result <= line.length;
    ensures \result == -1 ==> !*quote && t->after_quotes == \old(t->after_quotes);
    ensures \result == 0 ==> t->after_quotes;
    ensures *quote ==> t->after_quotes && line.length - \result >= 5;
    ensures \result >= 0 && t->after_quotes && !*quote ==>
      differs(line.at + \result, line.length - \result) ||
      (t->at_end && line.length - \result < 5) || !\old(!t->after_quotes); */
static int64_t quote_from(struct transform *t, struct slice line, bool *quote);

/*@ requires \valid(t) && is_text(in) && in.length > 0 && \valid(written);
    requires \valid(out + (0 .. in.length - 1));
    requires \separated(out + (0 .. in.length - 1), in.at + (0 .. in.length - 1), t, written);
    assigns t->malformed, t->after_lone_lf, t->inside_line, *written, out[0 .. in.length - 1];
    ensures \result <= in.length;
    ensures t->dropping ==> *written == \old(*written);
    ensures !t->dropping ==> *written <= \result;
    ensures !t->dropping ==> \forall integer i; 0 <= i < *written ==> out[i] == in.at[i] || out[i] == 10;
    ensures !t->dropping ==> \forall integer i; 0 <= i < *written && out[i] == 10 ==>
      i == *written - 1 && !t->inside_line;
    ensures !t->dropping && \result > 0 ==> *written > 0;
    ensures !t->dropping && !t->inside_line ==> *written > 0 && out[*written - 1] == 10;
    ensures \result == 0 ==> in.length == 1 && t->inside_line;
    ensures !t->dropping && differs(in.at, in.length) ==> differs(out, *written) ||
      (*written < 5 && t->inside_line && \result == in.length - 1); */
static size_t copy_line(struct transform *t, struct slice in, char *out, size_t *written);

/*@ requires \valid(t) && n <= 0x20000000 && \valid_read(in + (0 .. n - 1)) && \valid(written);
    requires \valid(out + (0 .. 2 * n + 2));
    requires \separated(out + (0 .. 2 * n + 2), in + (0 .. n - 1), t, written);
    assigns *t, *written, out[0 .. 2 * n + 2];
    ensures \result <= n && *written <= 2 * n + 3; */
size_t transform(struct transform *t, const char *in, size_t n, char *out, size_t *written);

#include "data.c"
