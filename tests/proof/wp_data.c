/* SPDX-License-Identifier: ISC */
/*
 * options: -wp-skip-fct receive_data,begin_chunks,add_waiting,store_waiting,receive_chunk,store
 * options: -wp-skip-fct skip_octets,find_fault,transform
 * broken: copy_line data.c s/else if (left > 1 .. end.1. == /else if (left > 0 \&\& end[1] == /
 * broken: copy_line data.c s/taken += 2;/taken += 3;/
 * broken: copy_line data.c s/keep = ++taken/keep = taken++/
 * broken: begin_line data.c s/line.length >= 3/line.length >= 2/
 * broken: quote_from data.c s/if (left >= length .. memcmp(line.at + n, from, length)/if (n == 0 \&\& memcmp(line.at + n, from, left)/
 * broken: quote_from data.c s/memcmp(line.at + n, from, left) != 0;/true;/
 * broken: begin_line data.c s/t->after_quotes = false;//
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

/*@ requires \valid_read(a + (0 .. n - 1)) && \valid_read(b + (0 .. n - 1));
    assigns \nothing;
    ensures \result == 0 <==> \forall integer i; 0 <= i < n ==> a[i] == b[i]; */
static int compare_chars(const char *a, const char *b, size_t n);

#define memchr	find_char
#define memcpy	copy_chars
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

/*@
  // Does what stands in TEXT from P on, as far as END, differ from "From " already?
  predicate differs(char *text, integer p, integer end) =
    (p < end && text[p] != 'F') || (p + 1 < end && text[p + 1] != 'r') ||
    (p + 2 < end && text[p + 2] != 'o') || (p + 3 < end && text[p + 3] != 'm') ||
    (p + 4 < end && text[p + 4] != ' ');

  // Are all octets that are written at O '>', LF, or one of the N that were at IN at I?
  predicate are_given{O, I}(char *out, integer written, char *in, integer n) =
    \forall integer i; 0 <= i < written ==> \at(out[i], O) == '>' || \at(out[i], O) == 10 ||
      \exists integer j; 0 <= j < n && \at(out[i], O) == \at(in[j], I);

  // Are those from W to V the octets from AT to N of IN, as many as there are?  No LF is among
  // them, but the last may be one that was added, if a line ENDS (1, else 0).
  predicate are_copied(char *out, integer w, integer v, char *in, integer at, integer n,
      integer ends) =
    \forall integer i; w <= i < v ==> (out[i] == 10 && i == v - 1 && ends == 1) ||
      (out[i] != 10 && i - w + at < n && out[i] == in[i - w + at]);

  // Does the next octet that is written begin a line, or come behind '>' alone?
  logic integer begins_line(struct transform *t) =
    t->inside_line && t->after_quotes && !t->dropping ? 0 : 1;

  // Does a line begin at P of what is written?  FIRST says so of the first.
  predicate is_start(char *out, integer p, integer first) =
    p == 0 ? first == 1 : out[p - 1] == 10;

  // Does each line that begins in OUT differ from "From ", save the last, if that is UNSURE (1,
  // else 0)?
  predicate are_quoted(char *out, integer written, integer first, integer unsure) =
    \forall integer p; 0 <= p < written && is_start(out, p, first) ==>
      differs(out, p, written) || (unsure == 1 && written - p < 5);

  // From A to B, what stands at TEXT is the same.
  predicate is_kept{A, B}(char *text, integer n) =
    \forall integer i; 0 <= i < n ==> \at(text[i], A) == \at(text[i], B);

  // Are those from W to V '>' and LF alone?
  predicate are_added(char *out, integer w, integer v) =
    \forall integer i; w <= i < v ==> out[i] == '>' || out[i] == 10;

  // What more is written, from A to B, breaks neither.
  lemma given_added{A, B, I}: \forall char *out, integer w, integer v, char *in, integer n;
    is_kept{A, B}(out, w) && are_given{A, I}(out, w, in, n) && are_added{B}(out, w, v) ==>
    are_given{B, I}(out, v, in, n);
  lemma copied_in_all: \forall char *out, integer w, integer v, char *in, integer at, integer m,
      integer ends;
    are_copied(out, w, v, in + at, 0, m, ends) ==> are_copied(out, w, v, in, at, at + m, ends);
  lemma given_copied{A, B, I}: \forall char *out, integer w, integer v, char *in, integer at,
      integer n, integer m, integer ends;
    is_kept{A, B}(out, w) && is_kept{I, B}(in, n) && are_given{A, I}(out, w, in, n) && 0 <= at &&
    are_copied{B}(out, w, v, in + at, 0, m, ends) && at + m <= n ==>
    are_given{B, I}(out, v, in, n);
  lemma quoted_kept{A, B}: \forall char *out, integer w, integer first, integer u, integer z;
    is_kept{A, B}(out, w) && are_quoted{A}(out, w, first, u) && (u == 0 || z == 1) ==>
    are_quoted{B}(out, w, first, z);
  lemma quoted_added{A, B}: \forall char *out, integer w, integer v, integer first, integer u,
      integer z;
    0 <= w <= v && is_kept{A, B}(out, w) && are_quoted{A}(out, w, first, u) &&
    are_added{B}(out, w, v) && (u == 0 || w < v) ==> are_quoted{B}(out, v, first, z);
  lemma quoted_copied{A, B}: \forall char *out, integer w, integer v, integer first, char *in,
      integer n, integer ends, integer u, integer z;
    0 <= w < v && is_kept{A, B}(out, w) && are_quoted{A}(out, w, first, u) &&
    are_copied{B}(out, w, v, in, 0, n, ends) && (u == 0 || \at(in[0], B) == 13) &&
    (is_start{A}(out, w, first) ==> differs{B}(out, w, v) || (z == 1 && v - w < 5)) ==>
    are_quoted{B}(out, v, first, z);
*/

/*@ requires \valid(t) && is_text(line) && line.length > 0 && \valid(written) && !t->done;
    requires \valid(out + *written);
    requires \separated(t, written, out + *written, line.at + (0 .. line.length - 1));
    requires *written <= 0x7fffffff;
    assigns *t, *written, out[*written];
    ensures \result <= line.length;
    ensures t->at_end == \old(t->at_end) && t->chunked == \old(t->chunked);
    ensures t->done || t->inside_line && !t->after_quotes && t->after_first && \result <= 1;
    ensures t->done ==> *written == \old(*written) && t->after_first == \old(t->after_first) &&
      t->inside_line == \old(t->inside_line) && t->after_quotes == \old(t->after_quotes);
    ensures *written == \old(*written) ||
      (*written == \old(*written) + 1 && !\old(t->after_first));
    ensures are_added(out, \old(*written), *written) && is_kept{Pre, Post}(out, \old(*written)); */
static size_t begin_line(struct transform *t, struct slice line, char *out, size_t *written);

/*@ requires \valid(t) && is_text(line) && line.length > 0 && \valid(written);
    requires *written <= 0x7fffffff && \valid(out + (*written .. *written + line.length));
    requires \separated(t, written, out + (*written .. *written + line.length),
      line.at + (0 .. line.length - 1));
    assigns t->after_quotes, *written, out[*written .. *written + line.length];
    ensures \result <= line.length;
    ensures \old(*written) <= *written <= \old(*written) + \result + 1;
    ensures are_added(out, \old(*written), *written) && is_kept{Pre, Post}(out, \old(*written));
    ensures *written > \old(*written) ==> out[*written - 1] == '>';
    ensures *written > \old(*written) + \result ==> t->after_quotes;
    ensures \result == 0 && !t->after_quotes ==> *written == \old(*written);
    ensures t->after_quotes && !t->dropping && *written == \old(*written) ==> \result == 0 &&
      (\old(differs(line.at, 0, line.length)) || (t->at_end && line.length < 5)); */
static size_t quote_from(struct transform *t, struct slice line, char *out, size_t *written);

/*@ requires \valid(t) && is_text(in) && in.length > 0 && \valid(written);
    requires *written <= 0x7fffffff && \valid(out + (*written .. *written + in.length - 1));
    requires \separated(t, written, out + (*written .. *written + in.length - 1),
      in.at + (0 .. in.length - 1));
    assigns t->malformed, t->after_lone_lf, t->inside_line, *written,
      out[*written .. *written + in.length - 1];
    ensures \result <= in.length;
    ensures t->dropping ==> *written == \old(*written);
    ensures \old(*written) <= *written <= \old(*written) + \result;
    ensures are_copied(out, \old(*written), *written, in.at, 0, in.length,
      t->inside_line ? 0 : 1) && is_kept{Pre, Post}(out, \old(*written));
    ensures !t->dropping && \result > 0 ==> *written > \old(*written);
    ensures !t->dropping && !t->inside_line ==> out[*written - 1] == 10;
    ensures \result == 0 ==> in.length == 1 && in.at[0] == 13 && t->inside_line && !t->at_end;
    ensures !t->dropping && !differs(out, \old(*written), *written) &&
      \old(differs(in.at, 0, in.length)) ==> *written - \old(*written) < 5 && t->inside_line &&
      \result == in.length - 1 && in.at[\result] == 13 && !t->at_end;
    ensures !t->dropping && !differs(out, \old(*written), *written) && t->at_end &&
      in.length < 5 ==> t->inside_line && \result == in.length; */
static size_t copy_line(struct transform *t, struct slice in, char *out, size_t *written);

/*@ requires \valid(t) && !t->done && \valid(written);
    requires n <= 0x20000000 && \valid_read(in + (0 .. n - 1));
    requires \valid(out + (0 .. 2 * n + 2));
    requires \separated(out + (0 .. 2 * n + 2), in + (0 .. n - 1), t, written);
    assigns *t, *written, out[0 .. 2 * n + 2];
    ensures \result <= n && *written <= 2 * n + 3;
    ensures given: are_given{Post, Pre}(out, *written, in, n);
    ensures quoted: are_quoted(out, *written, begins_line{Pre}(t),
      n - \result == 1 && in[\result] == 13 ? 1 : 0);
    ensures next: !t->at_end && begins_line(t) == 0 &&
      is_start(out, *written, begins_line{Pre}(t)) ==>
      n - \result == 1 && in[\result] == 13;
    ensures resumed: \old(begins_line(t) == 0 && n > 0 && in[0] == 13) && *written > 0 ==>
      out[0] == 10 || out[0] == 13; */
size_t transform(struct transform *t, const char *in, size_t n, char *out, size_t *written);

#include "data.c"
